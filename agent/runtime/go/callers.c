// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who calls a function: its calls in the program's code, found by reading all of it. A call's
 * operand is the distance to the function, so a chance match of five bytes with one entry is as
 * good as none. What calls through a value is not seen.
 */
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/process.h"

#define CALL	   0xe8
#define CALL_BYTES 5
#define BEFORE	   16 /* bytes of a call's code in which its argument is loaded */
#define TARGETS	   4  /* a function may be in the table twice: its body, and what adapts to it */

/* What is called, and what the compiler makes of it where it cannot be inlined: no caller. */
static const struct {
	const char *function, *wrapper;
} callees[GO_CALLEE_MAX] = {
	[GO_CALLEE_MEMORY_LIMIT] = { "runtime/debug.setMemoryLimit",
				     "runtime/debug.SetMemoryLimit" },
};

struct targets {
	struct go_function rows[TARGETS];
	size_t n;
};

/* The wrapper's callers are callers too, and it is none itself. */
static int find_targets(struct go_table *t, enum go_callee callee, struct targets *ret)
{
	char name[64];
	int r = 0;

	for (uint64_t i = 0; i < t->n_functions && r == 0 && ret->n < TARGETS; i++) {
		struct go_function *f = &ret->rows[ret->n];

		r = go_table_function(t, i, f);
		if (r == 0)
			r = go_table_name(t, f, name, sizeof(name));
		if (r == 0 && (strcmp(name, callees[callee].function) == 0 ||
			       strcmp(name, callees[callee].wrapper) == 0))
			ret->n++;
		if (r == -EPROTO)
			r = 0; /* one lying row */
	}
	return r;
}

static bool is_target(const struct targets *t, uint64_t address)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].entry == address)
			return true;
	return false;
}

static bool is_inside(const struct targets *t, uint64_t address)
{
	for (size_t i = 0; i < t->n; i++)
		if (address >= t->rows[i].entry && address < t->rows[i].end)
			return true;
	return false;
}

/* A constant that the instruction right before the call puts into rax (Go's first argument). */
static void find_argument(const uint8_t *call, struct go_caller *ret)
{
	ret->known = 1;
	if (call[-10] == 0x48 && call[-9] == 0xb8)
		ret->argument = (int64_t)go_u64(call - 8);
	else if (call[-7] == 0x48 && call[-6] == 0xc7 && call[-5] == 0xc0)
		ret->argument = (int32_t)go_u32(call - 4);
	else if (call[-5] == 0xb8)
		ret->argument = go_u32(call - 4);
	else
		ret->known = 0;
}

/* bytes: of the code from there on; calls are looked for behind the first BEFORE. */
static void find_calls(const struct targets *t, uint64_t address, const uint8_t *bytes, size_t size,
		       struct go_callers *ret)
{
	for (size_t i = BEFORE; i + CALL_BYTES <= size && ret->n < GO_CALLERS_MAX; i++) {
		struct go_caller *c = &ret->rows[ret->n];
		uint64_t back = address + i + CALL_BYTES;

		if (bytes[i] != CALL ||
		    !is_target(t, back + (uint64_t)(int64_t)(int32_t)go_u32(bytes + i + 1)) ||
		    is_inside(t, back))
			continue;
		c->pc = back;
		find_argument(bytes + i, c);
		ret->n++;
	}
}

/* Each piece begins with the end of the one before it. */
static int scan_code(struct go_process *p, const struct targets *t, struct go_callers *ret)
{
	const struct go_table *table = &p->module.table;
	static uint8_t bytes[GO_READ_BYTES];
	size_t step = sizeof(bytes) - BEFORE - CALL_BYTES + 1;

	for (uint64_t at = table->text; at < table->end; at += step) {
		uint64_t left = table->end - at;
		size_t size = left < sizeof(bytes) ? (size_t)left : sizeof(bytes);
		int r = go_memory_read(&p->memory, at, bytes, size);

		if (r < 0)
			return r;
		find_calls(t, at, bytes, size, ret);
	}
	return 0;
}

int go_callers_answer(struct go_process *p, const void *request, size_t size, void *answer,
		      size_t *ret_size)
{
	const struct go_callers_request *q = request;
	struct go_callers *callers = answer;
	struct targets targets = { 0 };
	int r;

	if (size != sizeof(*q) || q->callee >= GO_CALLEE_MAX || *ret_size < sizeof(*callers))
		return -EINVAL;
	memset(callers, 0, sizeof(*callers));
	r = find_targets(&p->module.table, (enum go_callee)q->callee, &targets);
	if (r == 0 && targets.n == 0)
		r = -ENOENT;
	if (r == 0)
		r = scan_code(p, &targets, callers);
	*ret_size = sizeof(*callers);
	return r;
}
