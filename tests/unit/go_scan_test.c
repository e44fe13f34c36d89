// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scans of a program that does not exist: its memory is a file whose offsets are the addresses.
 * What a program may claim of itself has no end; a scan of it has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "tests/unit/go_fake.h"

#define TEXT	   0x400000ull
#define TEXT_BYTES 0x10000ull
#define DATA	   0x500000ull
#define LIST	   0x600000ull
#define GS	   0xc000000000ull
#define G_STRIDE   480
#define MAIN	   (TEXT + 0x100)
#define MADE	   (TEXT + 0x200)
#define START	   (TEXT + 0x300)

static void put_goroutine(const struct fake *f, uint64_t i, uint64_t goid, uint32_t status)
{
	const struct go_layout *l = &f->process.layout;
	uint8_t g[G_STRIDE] = { 0 };
	uint64_t start = i == 0 ? MAIN : START, made = MADE, low = 0x1000, high = 0x1800;

	memcpy(g, &low, 8);
	memcpy(g + 8, &high, 8);
	memcpy(g + l->g_status, &status, 4);
	memcpy(g + l->g_goid, &goid, 8);
	memcpy(g + l->g_gopc, &made, 8);
	memcpy(g + l->g_startpc, &start, 8);
	g[l->g_wait_reason] = 14;
	put(f, GS + i * G_STRIDE, g, sizeof(g));
	put_word(f, LIST + 8 * i, GS + i * G_STRIDE);
}

static int set_up(void **state)
{
	struct fake *f = fake_new();
	struct go_process *p = &f->process;

	p->module.table =
		(struct go_table){ .memory = &p->memory, .text = TEXT, .end = TEXT + TEXT_BYTES };
	p->module.data[0] = (struct go_bytes){ DATA, 0x1000 };
	p->variables = (struct go_variables){ .allgs = DATA, .allp = DATA + 0x40, .main = MAIN };
	go_layout_of(26, &p->layout);
	p->goroutines = true;
	*state = f;
	return 0;
}

static void test_counts_by_age(void **state)
{
	struct fake *f = *state;
	struct go_request request = { .groups = GO_GROUPS, .n_slices = 2, .slices = { 100, 200 } };
	const struct go_report *r = f->report;

	for (uint64_t i = 0; i < 300; i++)
		put_goroutine(f, i, i + 1, i % 10 == 9 ? 6 : 4);
	put_slice(f, DATA, LIST, 300, 512);
	assert_int_equal(fake_scan(f, &request, go_goroutines_scan), GO_READ);
	assert_int_equal(r->live, 270);
	assert_int_equal(r->dead, 30);
	assert_int_equal(r->implausible, 0);
	assert_int_equal(r->last_goid, 299);
	assert_int_equal(r->n_groups, 2); /* main, and the others */
	assert_int_equal(r->groups[0].count, 269);
	assert_int_equal(r->groups[0].by_age[0], 89);
	assert_int_equal(r->groups[0].by_age[1], 90);
	assert_int_equal(r->groups[0].by_age[2], 90);
	assert_int_equal(r->codes[r->groups[0].made].pc, MADE);
	assert_int_equal(r->groups[0].stack_bytes, 269 * 0x800);
	assert_int_equal(go_report_check(r, offsetof(struct go_report, strings) + r->n_strings), 0);
}

/* Where there are very many, a sample of spans tells of all: by age too, and how far it may be off.
 */
static void test_a_sample_tells_of_all(void **state)
{
	struct fake *f = *state;
	struct go_request request = { .groups = GO_GROUPS, .n_slices = 1, .slices = { 2000 } };
	const struct go_report *r = f->report;
	double error;

	for (uint64_t i = 0; i < 8000; i++)
		put_goroutine(f, i, i + 1, i % 10 == 9 ? 6 : 4);
	put_slice(f, DATA, LIST, 8000, 8192);
	assert_int_equal(fake_scan(f, &request, go_goroutines_scan), GO_READ);
	assert_int_equal(r->live, 7200);
	assert_int_equal(r->count_error, 0);
	request.most = 2000;
	assert_int_equal(fake_scan(f, &request, go_goroutines_scan), GO_READ);
	error = (double)r->count_error;
	assert_true(error > 0 && error < 800);
	assert_in_range(r->live, 7200 - (uint64_t)(3 * error), 7200 + (uint64_t)(3 * error));
	assert_in_range(r->by_age[0], 1800 - (uint64_t)(3 * error), 1800 + (uint64_t)(3 * error));
	assert_in_range(r->live + r->dead, 7990, 8010);
	assert_true(f->process.memory.bytes < 8000ull * G_STRIDE / 2);
}

/* A collection marks the status of those whose stacks it scans. */
static void test_a_scanned_goroutine_waits(void **state)
{
	struct fake *f = *state;
	struct go_request request = { .groups = GO_GROUPS };

	put_goroutine(f, 0, 1, 4 | 0x1000);
	put_slice(f, DATA, LIST, 1, 1);
	assert_int_equal(fake_scan(f, &request, go_goroutines_scan), GO_READ);
	assert_int_equal(f->report->live, 1);
	assert_int_equal(f->report->groups[0].count, 1);
}

/* Lists that cannot be: a scan says so, and asks for no memory for them. */
static void test_absurd_lists(void **state)
{
	struct fake *f = *state;
	struct go_request request = { .groups = GO_GROUPS };
	static const struct {
		uint64_t address, n, capacity;
		enum go_status status;
	} lists[] = {
		{ LIST, 0, 0, GO_TORN },
		{ LIST, 10, 5, GO_TORN },
		{ LIST, UINT64_MAX, UINT64_MAX, GO_TOO_LONG },
		{ LIST, 1ull << 40, 1ull << 41, GO_TOO_LONG },
		{ UINT64_MAX - 64, 8, 8, GO_UNREADABLE },
		{ 1ull << 62, 8, 8, GO_UNREADABLE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		put_slice(f, DATA, lists[i].address, lists[i].n, lists[i].capacity);
		assert_int_equal(fake_scan(f, &request, go_goroutines_scan), lists[i].status);
	}
}

/* Goroutines anywhere, one many times, and of bytes that are none: each is counted as what it is.
 */
static void test_lying_goroutines(void **state)
{
	struct fake *f = *state;
	struct go_request request = { .groups = GO_GROUPS, .stacks = 10 };

	for (uint64_t i = 0; i < 64; i++)
		put_goroutine(f, i, i + 1, 4);
	for (uint64_t i = 0; i < 16; i++)
		put_word(f, LIST + 8 * i, GS); /* the same */
	put_word(f, LIST + 8 * 20, UINT64_MAX - 8);
	put_word(f, LIST + 8 * 21, 0);
	put_word(f, LIST + 8 * 22, LIST);
	put_word(f, GS + 30 * G_STRIDE + f->process.layout.g_goid, 0);
	put_word(f, GS + 31 * G_STRIDE + f->process.layout.g_startpc, 0xdead);
	put_slice(f, DATA, LIST, 64, 64);
	fake_scan(f, &request, go_goroutines_scan);
	assert_true(f->report->implausible >= 2);
	assert_true(f->report->live <= 64);
}

/* Bytes of chance everywhere: no crash, and an answer that passes the parent's check. */
static void test_chance(void **state)
{
	struct fake *f = *state;
	struct go_request request = { .groups = GO_GROUPS, .stacks = GO_GROUPS, .n_slices = 1 };
	static uint8_t bytes[0x4000];

	srandom(7);
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(random() % 3 ? 0 : random());
		put(f, DATA, bytes, 0x1000);
		put(f, LIST, bytes, sizeof(bytes));
		put_slice(f, DATA, LIST, (uint64_t)random() % 2048, 4096);
		put_slice(f, DATA + 0x40, LIST + 8, (uint64_t)random() % 64, 4096);
		for (uint64_t i = 0; i < 2048; i += 3)
			put_word(f, LIST + 8 * i, LIST + (uint64_t)random() % sizeof(bytes));
		fake_scan(f, &request, go_goroutines_scan);
		assert_int_equal(go_report_check(f->report, offsetof(struct go_report, strings) +
								    f->report->n_strings),
				 0);
		f->process.timers_known = true;
		fake_scan(f, &request, go_timers_scan);
		fake_scan(f, &request, go_collector_scan);
	}
}

/* Offsets are checked against the program, and derived for a version that is not known. */
static void test_layout_is_derived(void **state)
{
	struct fake *f = *state;
	struct go_layout l;

	for (uint64_t i = 0; i < 40; i++)
		put_goroutine(f, i, i + 1, 4);
	put_slice(f, DATA, LIST, 40, 64);
	go_memory_begin(&f->process.memory, &fake_source, FAKE_CPU_NS, 1 << 20);
	go_layout_of(99, &l);
	assert_int_equal(l.minor, 0);
	assert_int_equal(go_layout_goroutines(&l, &f->process.module, &f->process.variables), 0);
	assert_int_equal(l.g_goid, f->process.layout.g_goid);
	assert_int_equal(l.g_gopc, f->process.layout.g_gopc);

	go_layout_of(21, &l); /* claims to be 1.21, and is not */
	assert_int_equal(l.minor, 21);
	assert_int_equal(go_layout_goroutines(&l, &f->process.module, &f->process.variables), 0);
	assert_int_equal(l.minor, 0);
	assert_int_equal(l.g_startpc, f->process.layout.g_startpc);
}

struct gathered {
	uint64_t last;
	size_t n;
	bool ascending, right;
};

static void take(void *context, const struct go_item *item, const uint8_t *bytes)
{
	struct gathered *g = context;

	g->ascending &= item->address >= g->last;
	g->right &= go_u64(bytes) == item->address && item->tag == item->address * 3;
	g->last = item->address;
	g->n++;
}

static void test_neighbours_are_read_together(void **state)
{
	struct fake *f = *state;
	struct go_memory *m = &f->process.memory;
	static struct go_item items[1000];
	struct gathered g = { .ascending = true, .right = true };

	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t address = GS + i * 617 % 1000 * 64;

		items[i] = (struct go_item){ address, address * 3 };
		put_word(f, address, address);
	}
	go_memory_begin(m, &fake_source, FAKE_CPU_NS, 1 << 20);
	assert_int_equal(go_gather(m, items, 1000, 8, take, &g), 0);
	assert_true(g.n == 1000 && g.ascending && g.right);
	assert_true(m->reads <= 64000 / GO_READ_BYTES + 1);
}

static void test_a_budget_ends(void **state)
{
	struct fake *f = *state;
	struct go_request request = { .groups = GO_GROUPS };
	static struct go_builder builder;

	for (uint64_t i = 0; i < 1000; i++)
		put_goroutine(f, i, i + 1, 4);
	put_slice(f, DATA, LIST, 1000, 1024);
	memset(f->report, 0, sizeof(*f->report));
	builder = (struct go_builder){ .process = &f->process,
				       .request = &request,
				       .report = f->report };
	go_memory_begin(&f->process.memory, &fake_source, FAKE_CPU_NS, 100000);
	assert_int_equal(go_goroutines_scan(&builder), GO_TOO_LONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_counts_by_age, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_a_sample_tells_of_all, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_a_scanned_goroutine_waits, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_absurd_lists, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_lying_goroutines, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_chance, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_layout_is_derived, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_neighbours_are_read_together, set_up,
						fake_free),
		cmocka_unit_test_setup_teardown(test_a_budget_ends, set_up, fake_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
