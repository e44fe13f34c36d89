// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that the reader child does with a stranger's bytes, without the child: the input is the ELF
 * file that a process has mapped, its maps are made up. What is found here costs one answer in
 * seep; here it stops the run.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/base/cleanup.h"
#include "agent/sites/symbolize.h"
#include "agent/sites/unwind.h"

#define BASE 0x400000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

static int make_file(const void *data, size_t size, int *ret_fd)
{
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		return -EIO;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int open_input(void *context, const struct wire_ask *ask, int *ret_fd)
{
	const struct input *input = context;
	char maps[128];

	if (ask->kind == WIRE_DEBUG_FILE)
		return -ENOENT;
	if (ask->kind != WIRE_MAPS)
		return make_file(input->data, input->size, ret_fd);
	snprintf(maps, sizeof(maps), "%llx-%llx r-xp 00000000 00:01 1 /fuzz\n", BASE,
		 BASE + input->size);
	return make_file(maps, strlen(maps), ret_fd);
}

/* A stack full of addresses in the file. */
static void fill_stack(struct stack_copy *stack, const struct input *input, uint64_t pc)
{
	stack->size = 1024;
	stack->regs[STACK_RIP] = pc;
	stack->regs[STACK_RSP] = 0x7ffe00000000;
	stack->regs[STACK_RBP] = 0x7ffe00000010;
	for (size_t i = 0; i < stack->size; i += 8) {
		uint64_t word = BASE + i * 61 % input->size;

		memcpy(stack->bytes + i, &word, sizeof(word));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cfi_cache cache; /* module numbers start again: it must be empty each time */
	static struct stack_copy stack;
	static uint8_t answer[16384];
	struct input input = { data, size };
	struct source source = { open_input, &input };
	struct spaces spaces = { 0 };
	struct unwinder u = { &spaces, &cache, &source };
	struct frame_writer w = { .at = answer, .end = answer + sizeof(answer) };
	uint64_t pcs[SITE_FRAMES];
	struct wire_unwound end;
	struct wire_place place;
	size_t n = 0;

	if (size < 64)
		return 0;
	for (size_t i = 0; i < 4; i++) {
		fill_stack(&stack, &input, BASE + size * i / 4 + i);
		if (unwind(&u, 1, &stack, pcs, SITE_FRAMES, &n, &end) == 0)
			symbolize(&spaces, 1, &source, true, pcs, n, &w);
	}
	symbolize_find(&spaces, 1, &source, "fuzz", "main", &place);
	spaces_free(&spaces);
	cfi_cache_free(&cache);
	memset(&cache, 0, sizeof(cache));
	return 0;
}
