// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader against those who want it dead: lying ELF files, files that shrink or never answer,
 * devices, hostile names. Each costs at most its own answer. This process is its own target: it
 * maps what the reader is to read.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <linux/capability.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "agent/sites/reader.h"
#include "tests/unit/proc_status.h"
#include "tests/unit/traced.h"

#define MUTATIONS 500
#define NS_PER_MS 1000000ull

struct file {
	char *bytes;
	size_t size;
};

static int set_up(void **state)
{
	return reader_new((struct reader **)state);
}

static int tear_down(void **state)
{
	reader_free(*state);
	return 0;
}

static struct file read_self(void)
{
	_cleanup_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct file f;
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	f.size = (size_t)st.st_size;
	f.bytes = malloc(f.size);
	assert_non_null(f.bytes);
	assert_int_equal(read(fd, f.bytes, f.size), (ssize_t)f.size);
	return f;
}

/* A file of these bytes, mapped as if it were code; the descriptor goes to *ret_fd. */
static char *map_file(const char *name, const char *bytes, size_t size, size_t mapped, int *ret_fd)
{
	char *at;

	*ret_fd = memfd_create(name, MFD_CLOEXEC);
	assert_true(*ret_fd >= 0);
	assert_int_equal(write(*ret_fd, bytes, size), (ssize_t)size);
	at = mmap(NULL, mapped, PROT_READ | PROT_EXEC, MAP_PRIVATE, *ret_fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static void assert_answer(int r)
{
	if (r != 0 && r != -EPIPE && r != -ETIMEDOUT && r != -ENODATA && r != -ENOENT)
		fail_msg("an answer of %d", r);
}

/* Offset of this file's own first functions in it: the executable is mapped in one piece a segment.
 */
static size_t own_text(void)
{
	static size_t known;
	_cleanup_fclose_ FILE *f = known ? NULL : fopen("/proc/self/maps", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long start, end, offset;

		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 &&
		    (uintptr_t)own_text >= start && (uintptr_t)own_text < end)
			known = (uintptr_t)own_text - start + offset;
	}
	return known;
}

static size_t count_named(struct site_frame *frames, size_t n)
{
	size_t named = 0;

	for (size_t i = 0; i < n; i++)
		named += frames[i].line > 0;
	site_frames_free(frames, n);
	return named;
}

/* Ask everything that can be asked of the module that is mapped there; counts frames with lines. */
static size_t ask_all(struct reader *r, char *at, size_t size)
{
	_cleanup_free_ struct stack_copy *copy = calloc(1, sizeof(*copy));
	uint64_t pcs[SITE_FRAMES], offset;
	struct site_frame *frames;
	size_t n, named = 0;
	int fd, e;

	copy->size = 4096;
	copy->regs[STACK_RSP] = 0x7ffe00000000;
	for (size_t i = 0; i < copy->size / 8; i++)
		((uint64_t *)copy->bytes)[i] = (uint64_t)(at + i * 997 % size);
	for (size_t i = 0; i < 16; i++)
		pcs[i] = (uint64_t)(at + own_text() + i * 150);
	e = reader_symbolize(r, getpid(), pcs, 16, &frames, &n);
	assert_answer(e);
	if (e == 0)
		named = count_named(frames, n);
	for (size_t i = 0; i < 4; i++) {
		copy->regs[STACK_RIP] = pcs[4 * i];
		assert_answer(reader_unwind(r, getpid(), copy, pcs + 16, 48, &n));
	}
	e = reader_find_function(r, getpid(), "mutant", "ask_all", &offset, &fd);
	assert_answer(e);
	if (e == 0)
		close(fd);
	return named;
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/*
 * Each mutant lies in one area: a few bytes of the headers or the section headers, where one is
 * enough to make the file unreadable, or many bytes of a stretch, or of all of the file.
 */
static void mutate(char *bytes, size_t size, uint32_t *seed)
{
	static const uint8_t favourites[] = { 0, 1, 0x7f, 0x80, 0xff };
	size_t start = 0, length = size;
	uint32_t n = 1 + next_random(seed) % 2;

	switch (next_random(seed) % 4) {
	case 0:
		length = 1024;
		break;
	case 1:
		start = size - 3000;
		length = 3000;
		break;
	case 2:
		start = next_random(seed) % (size - 4096);
		length = 4096;
		/* fallthrough */
	default:
		n = 1 + next_random(seed) % 1000;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t kind = next_random(seed);
		uint8_t byte = kind & 1 ? favourites[kind / 2 % 5] : (uint8_t)(kind >> 8);

		bytes[start + next_random(seed) % length] = (char)byte;
	}
}

static void test_mutations(void **state)
{
	struct reader *r = *state;
	struct file self = read_self();
	_cleanup_free_ char *bytes = malloc(self.size);
	uint64_t start = monotonic_ns();
	uint32_t seed = 20260301;
	size_t named = 0;

	for (int i = 0; i < MUTATIONS; i++) {
		/* one in eight is also cut */
		size_t size = i % 8 ? self.size : 64 + next_random(&seed) % (self.size - 64);
		char *at;
		int fd;

		memcpy(bytes, self.bytes, self.size);
		mutate(bytes, self.size, &seed);
		at = map_file("mutant", bytes, size, self.size, &fd);
		named += ask_all(r, at, self.size);
		munmap(at, self.size);
		close(fd);
		reader_forget(r, getpid());
	}
	print_message("%d mutants, %zu frames named, %llu ms, %llu crashes, %llu timeouts\n",
		      MUTATIONS, named, (unsigned long long)((monotonic_ns() - start) / NS_PER_MS),
		      (unsigned long long)reader_lost(r, LOSS_CRASHED),
		      (unsigned long long)reader_lost(r, LOSS_TIMEOUT));
	assert_in_range(named, MUTATIONS, 16 * 16 * MUTATIONS); /* they were read, not refused */
	free(self.bytes);
}

/* With a line when lines is true, else by the symbol alone. */
static int name_self(struct reader *r, bool lines)
{
	uint64_t pc = (uint64_t)name_self;
	struct site_frame *frames;
	size_t n;
	int e = reader_symbolize(r, getpid(), &pc, 1, &frames, &n);

	if (e < 0)
		return e;
	assert_string_equal(frames[0].function, "name_self");
	assert_int_equal(frames[0].line > 0, lines);
	site_frames_free(frames, n);
	return 0;
}

/* The owner cuts the file while it is mapped: reading it is a bus error, in the child. */
static void test_shrinking_file(void **state)
{
	struct reader *r = *state;
	struct file self = read_self();
	struct site_frame *frames;
	size_t n;
	int fd;
	char *at = map_file("mutant", self.bytes, self.size, self.size, &fd);
	uint64_t pc = (uint64_t)at + self.size / 3;

	assert_int_equal(reader_symbolize(r, getpid(), &pc, 1, &frames, &n), 0);
	site_frames_free(frames, n);
	assert_int_equal(ftruncate(fd, 4096), 0);
	ask_all(r, at, self.size);
	assert_int_equal(ftruncate(fd, 0), 0);
	ask_all(r, at, self.size);
	assert_int_equal(name_self(r, false), 0); /* its DWARF is not read again */
	reader_forget(r, getpid());
	assert_int_equal(name_self(r, true), 0);
	munmap(at, self.size);
	close(fd);
	free(self.bytes);
}

/* A child that does not answer is replaced. */
static void test_child_that_hangs(void **state)
{
	struct reader *r = *state;
	pid_t child = reader_child(r);
	uint64_t start = monotonic_ns(), offset;
	int fd;

	kill(child, SIGSTOP);
	assert_int_equal(reader_find_function(r, getpid(), "", "main", &offset, &fd), -ETIMEDOUT);
	assert_in_range((monotonic_ns() - start) / NS_PER_MS, 1900, 5000);
	assert_int_equal(reader_lost(r, LOSS_TIMEOUT), 1);
	assert_int_equal(kill(child, 0), -1);
	assert_int_equal(name_self(r, true), 0);
	assert_int_not_equal(reader_child(r), child);
}

/* One that was killed between two requests is replaced, and nobody is blamed. */
static void test_child_that_dies(void **state)
{
	struct reader *r = *state;
	siginfo_t info;

	for (uint64_t i = 1; i <= 5; i++) {
		assert_int_equal(kill(reader_child(r), SIGKILL), 0);
		assert_int_equal(waitid(P_PID, (id_t)reader_child(r), &info, WEXITED | WNOWAIT), 0);
		assert_int_equal(name_self(r, true), 0);
		assert_int_equal(reader_lost(r, LOSS_CRASHED), i);
	}
	assert_int_equal(reader_lost(r, LOSS_REFUSED), 0);
}

/* A file that was whole when it was mapped and is cut before it is read: a bus error. */
static int unwind_cut_file(struct reader *r, int fd, const struct file *self, char *at, size_t step)
{
	static struct stack_copy copy = { .size = 64, .regs[STACK_RSP] = 4096 };
	uint64_t pcs[SITE_FRAMES], pc = (uint64_t)at + own_text();
	struct site_frame *frames;
	size_t n;
	int e;

	assert_int_equal(pwrite(fd, self->bytes, self->size, 0), (ssize_t)self->size);
	e = reader_symbolize(r, getpid(), &pc, 1, &frames, &n);
	if (e < 0)
		return e;
	site_frames_free(frames, n);
	assert_int_equal(ftruncate(fd, 0), 0);
	copy.regs[STACK_RIP] = pc + step;
	return reader_unwind(r, getpid(), &copy, pcs, SITE_FRAMES, &n);
}

/* Whose files kill the reader three times is not read again, until it is another program. */
static void test_killer(void **state)
{
	struct reader *r = *state;
	struct file self = read_self();
	int fd;
	char *at = map_file("mutant", self.bytes, self.size, self.size, &fd);

	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(unwind_cut_file(r, fd, &self, at, i), -EPIPE);
		assert_int_equal(reader_lost(r, LOSS_CRASHED), i);
	}
	assert_int_equal(name_self(r, true), -EPIPE);
	assert_int_equal(reader_lost(r, LOSS_CRASHED), 3);
	assert_in_range(reader_lost(r, LOSS_REFUSED), 1, 2);
	reader_forget(r, getpid());
	assert_int_equal(name_self(r, true), 0);
	munmap(at, self.size);
	close(fd);
	free(self.bytes);
}

/* Opening a device can act on it; only regular files are opened. */
static void test_device(void **state)
{
	struct reader *r = *state;
	_cleanup_close_ int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	char *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	uint64_t pc = (uint64_t)at + 16;
	struct site_frame *frames;
	size_t n;

	assert_ptr_not_equal(at, MAP_FAILED);
	assert_int_equal(reader_symbolize(r, getpid(), &pc, 1, &frames, &n), 0);
	assert_string_equal(frames[0].module, "/dev/zero");
	assert_string_equal(frames[0].function, "");
	site_frames_free(frames, n);
	munmap(at, 4096);
}

static void test_hostile_name(void **state)
{
	struct reader *r = *state;
	struct file self = read_self();
	struct site_frame *frames;
	size_t n;
	int fd;
	char *at =
		map_file("a\033[2J\\\xff\xe2\x80\xae \"b", self.bytes, self.size, self.size, &fd);
	uint64_t pc = (uint64_t)at;

	assert_int_equal(reader_symbolize(r, getpid(), &pc, 1, &frames, &n), 0);
	assert_string_equal(frames[0].module, "/memfd:a\\x1b[2J\\\\\\xff\\xe2\\x80\\xae \"b");
	site_frames_free(frames, n);
	munmap(at, self.size);
	close(fd);
	free(self.bytes);
}

/* The child of this process that has that name. */
static pid_t find_child(const char *name)
{
	for (pid_t pid = getpid() + 1;; pid++) {
		_cleanup_fclose_ FILE *f = NULL;
		char path[64], comm[32] = "";
		int parent = 0;

		if (pid > 4194304)
			pid = 2; /* numbers start again */
		assert_int_not_equal(pid, getpid());
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		f = fopen(path, "re");
		if (f && fscanf(f, "%*d (%31[^)]) %*c %d", comm, &parent) == 2 &&
		    parent == getpid() && strcmp(comm, name) == 0)
			return pid;
	}
}

static void assert_only_socket(pid_t child)
{
	char path[64], target[256];

	for (int fd = 0; fd < 64; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", child, fd);
		n = readlink(path, target, sizeof(target) - 1);
		assert_int_equal(n >= 0, fd <= 3);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (strncmp(target, fd < 3 ? "/dev/null" : "socket:", fd < 3 ? 10 : 7) != 0)
			fail_msg("descriptor %d is %s", fd, target);
	}
}

static void assert_sandboxed(pid_t child, unsigned long long capabilities)
{
	assert_int_equal(status_value(child, "CapEff", 16), capabilities);
	assert_int_equal(status_value(child, "CapPrm", 16), capabilities);
	assert_int_equal(status_value(child, "NoNewPrivs", 10), 1);
	assert_int_equal(status_value(child, "Seccomp", 10), 2);
	assert_int_equal(status_value(child, "Uid", 10), 65534);
	assert_only_socket(child);
}

static void test_sandbox(void **state)
{
	_cleanup_close_ int secret = open("/etc/passwd", O_RDONLY); /* not even closed on exec */
	struct reader *r = *state;

	assert_int_equal(name_self(r, true), 0);
	assert_sandboxed(reader_child(r), 0);
	assert_sandboxed(find_child("seep-opener"), 1ull << CAP_SYS_PTRACE |
							    1ull << CAP_DAC_READ_SEARCH |
							    1ull << CAP_CHECKPOINT_RESTORE);
}

/* A file server that never answers holds the opener: a second, and the reader goes on. */
static void test_opener_that_hangs(void **state)
{
	struct reader *r = *state;
	pid_t opener = find_child("seep-opener");
	uint64_t start = monotonic_ns();

	kill(opener, SIGSTOP);
	assert_int_equal(name_self(r, true), -ETIMEDOUT);
	assert_in_range((monotonic_ns() - start) / NS_PER_MS, 900, 1990);
	assert_int_equal(reader_lost(r, LOSS_TIMEOUT), 1);
	assert_int_equal(kill(opener, 0), -1);
	assert_int_equal(name_self(r, true), 0);
	assert_int_equal(reader_lost(r, LOSS_CRASHED), 0);
}

static void test_end(void **state)
{
	struct reader *r = NULL;
	pid_t child;

	assert_int_equal(reader_new(&r), 0);
	child = reader_child(r);
	reader_free(r);
	assert_int_equal(kill(child, 0), -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, not even a zombie */
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mutations),	  T(test_shrinking_file),
		T(test_child_that_hangs), T(test_child_that_dies),
		T(test_killer),		  T(test_opener_that_hangs),
		T(test_device),		  T(test_hostile_name),
		T(test_sandbox),	  cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests_name("reader, hostile", tests, NULL, NULL);
}
