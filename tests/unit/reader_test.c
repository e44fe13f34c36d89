// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader on real processes: forks of this program, stopped in the middle of a system call. It
 * is built like any other program of a distribution: -O2 -g, no frame pointers.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "agent/sites/reader.h"
#include "tests/unit/traced.h"

/* The guilty ones. Not inlined, and with more to do after the call, so that it is one. */
#define KEEP __attribute__((noinline, noclone, used))

static volatile int sink;
static int guilty_line, inlined_line;

static inline __attribute__((always_inline)) int inlined_helper(int clock)
{
	int fd;

	inlined_line = __LINE__ + 1;
	fd = timerfd_create(clock, TFD_CLOEXEC);
	sink += fd;
	return fd;
}

KEEP static int guilty(int clock)
{
	char pad[300];
	int fd;

	guilty_line = __LINE__ + 1;
	fd = inlined_helper(clock);
	pad[fd & 127] = (char)fd;
	sink += pad[sink & 127];
	return fd;
}

KEEP static int caller_one(int clock)
{
	int fd = guilty(clock);

	sink += fd;
	return fd + 1;
}

KEEP static int caller_two(void)
{
	int r = caller_one(CLOCK_MONOTONIC);

	sink ^= r;
	return r;
}

/* A fresh reader, a stopped process, its stack and what the reader made of it. */
struct scene {
	struct reader *reader;
	pid_t pid;
	struct stack_copy copy;
	uint64_t pcs[SITE_FRAMES];
	size_t n_pcs, n;
	struct site_frame *frames;
};

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	close(caller_two() - 1); /* the functions note their lines */
	assert_int_equal(reader_new(&s->reader), 0);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	if (s->pid)
		traced_end(s->pid);
	site_frames_free(s->frames, s->n);
	reader_free(s->reader);
	free(s);
	return 0;
}

static void name_frames(struct scene *s)
{
	assert_int_equal(reader_symbolize(s->reader, s->pid, s->pcs, s->n_pcs, &s->frames, &s->n),
			 0);
}

static void play(struct scene *s, int (*body)(void), unsigned long long call)
{
	s->pid = traced_start(body);
	traced_run_to(s->pid, call);
	traced_copy(s->pid, &s->copy);
	assert_int_equal(reader_unwind(s->reader, s->pid, &s->copy, s->pcs, SITE_FRAMES, &s->n_pcs),
			 0);
	name_frames(s);
}

static void show(const struct scene *s)
{
	for (size_t i = 0; i < s->n; i++)
		print_message("#%zu %s %s:%d %s+%#llx\n", i, s->frames[i].function,
			      s->frames[i].file, s->frames[i].line, s->frames[i].module,
			      (unsigned long long)s->frames[i].offset);
}

static size_t find_frame(const struct scene *s, const char *function)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->frames[i].function, function) == 0)
			return i;
	show(s);
	fail_msg("%s is not in the stack", function);
	return 0;
}

static void assert_frame(const struct scene *s, size_t i, const char *function, int line)
{
	const struct site_frame *f = &s->frames[i];

	if (i >= s->n || strcmp(f->function, function) != 0 || (line && f->line != line) ||
	    !strstr(f->file, "reader_test.c")) {
		show(s);
		fail_msg("frame %zu is not %s at line %d", i, function, line);
	}
}

static void assert_guilty(const struct scene *s, size_t i)
{
	assert_frame(s, i, "inlined_helper", inlined_line);
	assert_frame(s, i + 1, "guilty", guilty_line);
	assert_frame(s, i + 2, "caller_one", 0);
	assert_frame(s, i + 3, "caller_two", 0);
}

static void test_guilty_function(void **state)
{
	struct scene *s = *state;

	play(s, caller_two, SYS_timerfd_create);
	assert_string_equal(s->frames[0].function, "timerfd_create");
	assert_non_null(strstr(s->frames[0].module, "libc"));
	assert_guilty(s, 1);
	find_frame(s, "main");
	assert_true(reader_last(s->reader).complete);
	assert_int_equal(reader_last(s->reader).guessed, 0);
}

static void *thread(void *unused)
{
	sink += caller_two();
	return NULL;
}

static int create_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	return 0;
}

/* The stub of clone3 is no function of its own: the site is the caller of pthread_create. */
static void test_thread_creation(void **state)
{
	struct scene *s = *state;
	size_t i;

	play(s, create_thread, SYS_clone3);
	for (i = 0; i < s->n && !strstr(s->frames[i].function, "pthread_create"); i++)
		;
	assert_frame(s, i + 1, "create_thread", 0);
	assert_true(reader_last(s->reader).complete);
}

static void on_signal(int number)
{
	sink += caller_two();
}

static int raise_signal(void)
{
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	return 0;
}

static void test_signal_handler(void **state)
{
	struct scene *s = *state;
	size_t i;

	play(s, raise_signal, SYS_timerfd_create);
	assert_guilty(s, 1);
	i = find_frame(s, "on_signal");
	assert_true(find_frame(s, "raise_signal") > i);
	assert_true(reader_last(s->reader).complete);
	assert_int_equal(reader_last(s->reader).guessed, 0);
}

/* Code made at run time, with a frame pointer: push %rbp; mov %rsp,%rbp; call *%rdi; pop; ret. */
static int run_made_code(void)
{
	static const uint8_t code[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };
	void *made = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	memcpy(made, code, sizeof(code));
	r = ((int (*)(int (*)(void)))made)(caller_two);
	sink += r;
	return r + 1;
}

static void test_made_code(void **state)
{
	struct scene *s = *state;

	play(s, run_made_code, SYS_timerfd_create);
	assert_guilty(s, 1);
	assert_string_equal(s->frames[5].function, "");
	assert_string_equal(s->frames[5].module, "");
	assert_frame(s, 6, "run_made_code", 0);
	assert_int_equal(reader_last(s->reader).guessed, 1);
	assert_true(reader_last(s->reader).complete);
}

/* A clock that the vdso does not know: its system call is made inside the vdso. */
static int read_odd_clock(void)
{
	struct timespec t;

	sink += clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int)t.tv_sec + sink;
}

static void test_vdso(void **state)
{
	struct scene *s = *state;

	play(s, read_odd_clock, SYS_clock_gettime);
	assert_string_equal(s->frames[0].module, "[vdso]");
	assert_string_not_equal(s->frames[0].function, "");
	assert_true(find_frame(s, "read_odd_clock") <= 2);
	assert_true(reader_last(s->reader).complete);
}

/* What is mapped after the reader looked is found when a stack runs through it. */
static int first_one_then_made_code(void)
{
	caller_two();
	sink += run_made_code();
	return sink;
}

static void test_new_mapping(void **state)
{
	struct scene *s = *state;

	play(s, first_one_then_made_code, SYS_timerfd_create);
	ptrace(PTRACE_SYSCALL, s->pid, NULL, NULL);
	waitpid(s->pid, NULL, 0);
	traced_run_to(s->pid, SYS_timerfd_create);
	traced_copy(s->pid, &s->copy);
	site_frames_free(s->frames, s->n);
	assert_int_equal(reader_unwind(s->reader, s->pid, &s->copy, s->pcs, SITE_FRAMES, &s->n_pcs),
			 0);
	name_frames(s);
	find_frame(s, "run_made_code");
	find_frame(s, "first_one_then_made_code");
}

static void test_short_copy(void **state)
{
	struct scene *s = *state;
	size_t n;

	play(s, caller_two, SYS_timerfd_create);
	s->copy.size = 350; /* about the frame of guilty */
	assert_int_equal(reader_unwind(s->reader, s->pid, &s->copy, s->pcs, SITE_FRAMES, &n), 0);
	assert_in_range(n, 2, s->n_pcs - 3);
	assert_false(reader_last(s->reader).complete);
	assert_int_equal(reader_lost(s->reader, LOSS_TRUNCATED), 1);
	assert_int_equal(reader_unwind(s->reader, s->pid, &s->copy, s->pcs, 1, &n), 0);
	assert_int_equal(n, 1);
}

/* Code without a table, and nothing on the stack that could be a return address. */
static void test_no_table(void **state)
{
	struct scene *s = *state;
	size_t n;

	play(s, caller_two, SYS_timerfd_create);
	memset(s->copy.bytes, 0x5a, sizeof(s->copy.bytes));
	s->copy.regs[STACK_RIP] = 0x1000;
	assert_int_equal(reader_unwind(s->reader, s->pid, &s->copy, s->pcs, SITE_FRAMES, &n),
			 -ENODATA);
}

/* An ended process is named as long as it is known; one that never was is not there. */
static void test_ended_process(void **state)
{
	struct scene *s = *state;
	size_t n;

	play(s, caller_two, SYS_timerfd_create);
	traced_end(s->pid);
	site_frames_free(s->frames, s->n);
	s->frames = NULL;
	assert_int_equal(reader_unwind(s->reader, s->pid, &s->copy, s->pcs, SITE_FRAMES, &n), 0);
	assert_int_equal(n, s->n_pcs);
	name_frames(s);
	assert_guilty(s, 1);
	reader_forget(s->reader, s->pid);
	assert_int_equal(reader_unwind(s->reader, s->pid, &s->copy, s->pcs, SITE_FRAMES, &n),
			 -ESRCH);
	s->pid = 0;
}

/* Offset in its file of an address of this process, by its own maps. */
static uint64_t own_offset(const void *address, uint64_t *ret_inode)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/maps", "re");
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long start, end, offset, inode;

		if (sscanf(line, "%lx-%lx %*s %lx %*s %lu", &start, &end, &offset, &inode) == 4 &&
		    (uintptr_t)address >= start && (uintptr_t)address < end) {
			*ret_inode = inode;
			return (uintptr_t)address - start + offset;
		}
	}
	fail_msg("%p is not mapped", address);
	return 0;
}

static void assert_function(struct scene *s, const char *module, const char *name,
			    const void *address)
{
	uint64_t offset = 0, inode, expected = own_offset(address, &inode);
	struct stat st;
	int fd = -1;

	assert_int_equal(reader_find_function(s->reader, getpid(), module, name, &offset, &fd), 0);
	assert_int_equal(offset, expected);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_ino, inode);
	close(fd);
}

static void test_find_function(void **state)
{
	struct scene *s = *state;
	uint64_t offset;
	int fd;

	assert_function(s, "/libc.so.6", "malloc", dlsym(RTLD_DEFAULT, "malloc"));
	assert_function(s, "/libc.so.6", "posix_memalign", dlsym(RTLD_DEFAULT, "posix_memalign"));
	assert_function(s, "/libc.so.6", "timer_create", dlsym(RTLD_DEFAULT, "timer_create"));
	assert_function(s, "", "caller_two", caller_two);
	assert_int_equal(reader_find_function(s->reader, getpid(), "/libc.so.6", "no_such", &offset,
					      &fd),
			 -ENOENT);
	assert_int_equal(reader_find_function(s->reader, getpid(), "/no.so", "malloc", &offset,
					      &fd),
			 -ENOENT);
	assert_int_equal(reader_find_function(s->reader, 0x3fffffff, "", "main", &offset, &fd),
			 -ESRCH);
}

struct listed {
	uint64_t bases[64];
	size_t n;
};

static int list_one(struct dl_phdr_info *info, size_t size, void *context)
{
	struct listed *l = context;

	assert_true(l->n < 64);
	l->bases[l->n++] = info->dlpi_addr;
	return 0;
}

/* What dl_iterate_phdr(3) gives is that list, in its order. */
static void test_load_order(void **state)
{
	const struct scene *s = *state;
	struct listed own = { 0 };
	uint64_t bases[64];
	size_t n;

	dl_iterate_phdr(list_one, &own);
	assert_true(own.n > 3);
	assert_int_equal(reader_load_order(s->reader, getpid(), bases, 64, &n), 0);
	assert_int_equal(n, own.n);
	assert_memory_equal(bases, own.bases, n * sizeof(bases[0]));
	assert_int_equal(reader_load_order(s->reader, getpid(), bases, 2, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(reader_load_order(s->reader, 0x3fffffff, bases, 64, &n), -ESRCH);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_guilty_function),
		T(test_thread_creation),
		T(test_signal_handler),
		T(test_made_code),
		T(test_vdso),
		T(test_new_mapping),
		T(test_short_copy),
		T(test_no_table),
		T(test_ended_process),
		T(test_find_function),
		T(test_load_order),
	};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
