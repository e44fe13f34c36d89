// SPDX-License-Identifier: GPL-2.0-only
/* What is read of another program's memory, by what the kernel tells of its pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "tests/unit/go_fake.h"

#define TEXT	   0x400000ull
#define TEXT_BYTES 0x10000ull
#define DATA	   0x500000ull
#define LIST	   0x600000ull
#define HEAP	   0xc000000000ull
#define G_STRIDE   480
#define GUARD	   (1ull << 58)

static struct go_memory *memory_of(struct fake *f)
{
	go_memory_begin(&f->process.memory, &fake_source, FAKE_CPU_NS, FAKE_BYTES);
	return &f->process.memory;
}

static int set_up(void **state)
{
	struct fake *f = fake_new();

	f->process.image.segments[0] = (struct go_segment){
		.address = TEXT + 0x40, .size = 0x1000, .offset = 0x40, .file_size = 0x1000
	};
	f->process.image.n_segments = 1;
	*state = f;
	return 0;
}

/* A word of each of three pages; what the file of the fake's memory has there is never shown. */
static void put_three(struct fake *f, uint64_t middle)
{
	for (uint64_t i = 0; i < 3; i++)
		put_word(f, HEAP + i * GO_PAGE, i + 1);
	fake_memory_entry(&f->process, HEAP + GO_PAGE, 1, middle);
}

static void test_what_is_there_is_read(void **state)
{
	struct fake *f = *state;
	uint64_t bytes[3 * GO_PAGE / 8];
	struct go_memory *m;

	put_three(f, FAKE_PRESENT);
	m = memory_of(f);
	assert_int_equal(go_memory_read(m, HEAP, bytes, sizeof(bytes)), 0);
	assert_true(bytes[0] == 1 && bytes[512] == 2 && bytes[1024] == 3);
	assert_int_equal(m->reads, 1);
	assert_int_equal(fake_files.opens, 0);
}

static void test_what_was_never_written_is_zeros(void **state)
{
	struct fake *f = *state;
	uint64_t bytes[3 * GO_PAGE / 8];

	put_three(f, 0);
	assert_int_equal(go_memory_read(memory_of(f), HEAP, bytes, sizeof(bytes)), 0);
	assert_true(bytes[0] == 1 && bytes[512] == 0 && bytes[1024] == 3);
	assert_int_equal(f->process.memory.unread.absent, 0);
}

/* Nothing tells what others have written there, so it is not made up. */
static void test_what_others_may_fill_is_not_read(void **state)
{
	static const struct {
		const char *maps;
		uint64_t entry;
		int error;
		struct go_unread unread;
	} rows[] = {
		{ "c000000000-c000003000 rw-s 00000000 00:01 7  /dev/zero (deleted)\n",
		  0,
		  -ENXIO,
		  { .absent = 1 } },
		{ "c000000000-c000003000 rw-p 00000000 00:2a 9  /mnt/dead\n",
		  0,
		  -ENXIO,
		  { .absent = 1 } },
		{ "c000000000-c000003000 r--p 00000000 00:00 0  [vvar]\n",
		  0,
		  -ENXIO,
		  { .absent = 1 } },
		{ "c000000000-c000001000 rw-p 00000000 00:00 0\n"
		  "c000002000-c000003000 rw-p 00000000 00:00 0\n",
		  0,
		  -EFAULT,
		  { .failed = 1 } },
		{ NULL, 0, -ENXIO, { .absent = 1 } },
		{ FAKE_SPACE, GUARD, -ENXIO, { .absent = 1 } },
		{ FAKE_SPACE, FAKE_SWAPPED | 0x1234, -ENXIO, { .swapped = 1 } },
	};
	struct fake *f = *state;
	struct go_memory *m;
	uint64_t word;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		put_three(f, rows[i].entry);
		fake_files.maps = rows[i].maps;
		m = memory_of(f);
		assert_int_equal(go_memory_word(m, HEAP + GO_PAGE + 8, &word), rows[i].error);
		assert_memory_equal(&m->unread, &rows[i].unread, sizeof(m->unread));
		assert_int_equal(m->bytes, 0);
	}
}

/* Private memory without a file goes by several names. */
static void test_names_of_memory(void **state)
{
	static const char *const names[] = { "", "[heap]", "[stack]", "[anon: Go: heap]" };
	struct fake *f = *state;
	char maps[100];

	put_three(f, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		uint64_t word = 1;

		snprintf(maps, sizeof(maps), "c000001000-c000002000 rw-p 00000000 00:00 0   %s\n",
			 names[i]);
		fake_files.maps = maps;
		assert_int_equal(go_memory_word(memory_of(f), HEAP + GO_PAGE, &word), 0);
		assert_int_equal(word, 0);
	}
}

/* The program's own file can be read without it, whole pages of a segment. */
static void test_the_file_stands_for_its_pages(void **state)
{
	struct fake *f = *state;
	char program[2 * GO_PAGE + 1] = { 0 }, found[8];

	memset(program, 'p', 2 * GO_PAGE);
	memcpy(program + 8, "at eight", 8);
	memcpy(program + GO_PAGE + 8, "the next", 8);
	fake_files.program = program;
	fake_files.maps = NULL;
	assert_int_equal(go_memory_read(memory_of(f), TEXT + 8, found, 8), 0);
	assert_memory_equal(found, "at eight", 8);
	assert_int_equal(go_memory_read(memory_of(f), TEXT + GO_PAGE + 8, found, 8), 0);
	assert_memory_equal(found, "the next", 8);
	assert_int_equal(go_memory_read(memory_of(f), TEXT + 2 * GO_PAGE, found, 8), -ENXIO);
	put(f, TEXT, "written.", 8); /* by the program itself */
	assert_int_equal(go_memory_read(memory_of(f), TEXT, found, 8), 0);
	assert_memory_equal(found, "written.", 8);
	fake_memory_entry(&f->process, TEXT, 8, FAKE_SWAPPED);
	assert_int_equal(go_memory_read(memory_of(f), TEXT, found, 8), -ENXIO);
}

/* They cost a look at the process each, so a scan has one of each. */
static void test_files_are_opened_once_a_scan(void **state)
{
	struct fake *f = *state;
	struct go_memory *m = memory_of(f);
	uint64_t word;

	fake_files.program = "";
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(go_memory_word(m, HEAP + i * GO_PAGE, &word), 0);
	assert_int_equal(fake_files.opens, 1);
	go_memory_word(m, TEXT, &word);
	go_memory_word(m, TEXT, &word);
	assert_int_equal(fake_files.opens, 2);
	assert_int_equal(go_memory_word(memory_of(f), HEAP, &word), 0);
	assert_int_equal(fake_files.opens, 3);
}

/* A long scan does not believe what it saw at its begin. */
static void test_a_look_ages(void **state)
{
	static const struct timespec pause = { .tv_nsec = 3 * GO_PAGES_FRESH };
	struct fake *f = *state;
	struct go_memory *m;
	uint64_t word;

	put_three(f, FAKE_PRESENT);
	m = memory_of(f);
	assert_int_equal(go_memory_word(m, HEAP + GO_PAGE, &word), 0);
	fake_memory_entry(&f->process, HEAP + GO_PAGE, 1, FAKE_SWAPPED);
	nanosleep(&pause, NULL);
	assert_int_equal(go_memory_word(m, HEAP + GO_PAGE, &word), -ENXIO);
}

static void count(void *context, const struct go_item *item, const uint8_t *bytes)
{
	size_t *n = context;

	assert_int_equal(go_u64(bytes), item->tag);
	(*n)++;
}

/* Of neighbours that are read together only those are lost that are not there. */
static void test_the_others_are_gathered(void **state)
{
	struct fake *f = *state;
	struct go_item items[48];
	uint64_t away;
	size_t n = 0;

	for (uint64_t i = 0; i < ARRAY_SIZE(items); i++) {
		items[i] = (struct go_item){ HEAP + i * GO_PAGE / 4, i };
		put_word(f, items[i].address, i);
	}
	fake_memory_entry(&f->process, HEAP + 2 * GO_PAGE, 1, FAKE_SWAPPED);
	assert_int_equal(go_gather(memory_of(f), items, 48, 8, count, &n), 0);
	assert_int_equal(n, 44);
	assert_int_equal(f->process.memory.unread.swapped, 4);
	n = 0;
	assert_int_equal(go_gather_most(memory_of(f), items, 48, 8, count, &n, &away), -ENXIO);
	assert_int_equal(away, 4);
}

static void put_goroutines(struct fake *f, uint64_t n)
{
	const struct go_layout *l = &f->process.layout;
	uint64_t start = TEXT + 0x100, low = 0x1000, high = 0x1800;
	uint32_t waiting = 4;

	for (uint64_t i = 0; i < n; i++) {
		uint8_t g[G_STRIDE] = { 0 };
		uint64_t goid = i + 1;

		memcpy(g, &low, 8);
		memcpy(g + 8, &high, 8);
		memcpy(g + l->g_status, &waiting, 4);
		memcpy(g + l->g_goid, &goid, 8);
		memcpy(g + l->g_gopc, &start, 8);
		memcpy(g + l->g_startpc, &start, 8);
		put(f, HEAP + i * G_STRIDE, g, sizeof(g));
		put_word(f, LIST + 8 * i, HEAP + i * G_STRIDE);
	}
	put_slice(f, DATA, LIST, n, n);
}

/* A count that lacks a few says so; one that lacks many is none. */
static void test_a_count_with_pages_missing(void **state)
{
	struct fake *f = *state;
	struct go_process *p = &f->process;
	struct go_request request = { .groups = GO_GROUPS };

	p->module.table =
		(struct go_table){ .memory = &p->memory, .text = TEXT, .end = TEXT + TEXT_BYTES };
	p->variables = (struct go_variables){ .allgs = DATA, .main = TEXT + 0x100 };
	p->goroutines = true;
	go_layout_of(26, &p->layout);
	put_goroutines(f, 1000);
	assert_int_equal(fake_scan(f, &request, go_goroutines_scan), GO_READ);
	assert_true(f->report->live == 1000 && f->report->count_error == 0);
	fake_memory_entry(p, HEAP + 5 * GO_PAGE, GO_PAGE, FAKE_SWAPPED);
	assert_int_equal(fake_scan(f, &request, go_goroutines_scan), GO_READ);
	assert_in_range(f->report->count_error, 1, 10);
	assert_int_equal(f->report->live + f->report->count_error, 1000);
	fake_memory_entry(p, HEAP + 20 * GO_PAGE, 2 * GO_PAGE, FAKE_SWAPPED);
	assert_int_equal(fake_scan(f, &request, go_goroutines_scan), GO_ABSENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_there_is_read, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_what_was_never_written_is_zeros, set_up,
						fake_free),
		cmocka_unit_test_setup_teardown(test_what_others_may_fill_is_not_read, set_up,
						fake_free),
		cmocka_unit_test_setup_teardown(test_names_of_memory, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_the_file_stands_for_its_pages, set_up,
						fake_free),
		cmocka_unit_test_setup_teardown(test_files_are_opened_once_a_scan, set_up,
						fake_free),
		cmocka_unit_test_setup_teardown(test_a_look_ages, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_the_others_are_gathered, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_a_count_with_pages_missing, set_up, fake_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
