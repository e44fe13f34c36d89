// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools of a program that does not exist: its memory is a file whose offsets are the addresses.
 * What a stack leads to is a pool when it holds together, and nothing else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/process.h"
#include "tests/unit/go_fake.h"

#define TEXT	    0x400000ull
#define TEXT_BYTES  0x10000ull
#define SQL	    (TEXT + 0x2000) /* the package's code, which begins with OpenDB */
#define SQL_END	    (TEXT + 0x3000)
#define OPEN_DB	    SQL
#define OWN	    (TEXT + 0x5000) /* the program's */
#define DATA	    0x500000ull
#define LIST	    0x600000ull
#define STACKS	    0x700000ull
#define STACK_BYTES 0x800ull
#define POOL	    0xc000100000ull
#define CHANNEL	    0xc000200000ull
#define GS	    0xc000000000ull
#define G_STRIDE    480
#define NOWHERE	    0x7ffffffff000ull
#define IO_WAIT	    2
#define SELECT	    9
#define QUEUE	    1000000

/* Its stack, which is empty; it stands at the lowest word. */
static uint64_t put_goroutine(struct fake *f, uint64_t made, uint8_t reason)
{
	const struct go_layout *l = &f->process.layout;
	uint64_t stack = STACKS + f->n * STACK_BYTES, goid = f->n + 1, pc = OWN + 0x800;
	uint64_t words[] = { stack, stack + STACK_BYTES };
	uint8_t g[G_STRIDE] = { 0 };

	memcpy(g, words, sizeof(words));
	memcpy(g + l->g_sp, &stack, 8);
	memcpy(g + l->g_bp, &stack, 8);
	memcpy(g + l->g_pc, &pc, 8);
	memcpy(g + l->g_goid, &goid, 8);
	memcpy(g + l->g_gopc, &made, 8);
	memcpy(g + l->g_startpc, &made, 8);
	g[l->g_status] = 4;
	g[l->g_wait_reason] = reason;
	put(f, GS + f->n * G_STRIDE, g, sizeof(g));
	put_word(f, LIST + 8 * f->n, GS + f->n * G_STRIDE);
	f->n++;
	put_slice(f, DATA, LIST, f->n, f->n);
	return stack;
}

/* The goroutine of OpenDB, with a word of its stack. */
static uint64_t put_opener(struct fake *f, uint64_t word)
{
	uint64_t stack = put_goroutine(f, OPEN_DB + 0x40, SELECT);

	put_word(f, stack + 0x40, word);
	return stack;
}

static void put_pool(const struct fake *f, uint64_t at, uint64_t open, uint64_t idle,
		     uint64_t max_open)
{
	const struct go_db_layout *l = go_db_layout_of(f->process.image.minor, false);

	put_word(f, at + 48, idle);
	put_word(f, at + 56, idle + 1);
	put_word(f, at + l->open, open);
	put_word(f, at + l->max_open, max_open);
	put_word(f, at + l->opener, CHANNEL);
}

static int set_up(void **state)
{
	struct fake *f = fake_new();
	struct go_process *p = &f->process;

	p->module.table =
		(struct go_table){ .memory = &p->memory, .text = TEXT, .end = TEXT + TEXT_BYTES };
	p->module.data[0] = (struct go_bytes){ DATA, 0x1000 };
	p->variables = (struct go_variables){ .allgs = DATA, .main = TEXT };
	p->sql = (struct go_sql){ .searched = true,
				  .low = SQL,
				  .high = SQL_END,
				  .open = SQL + 0x100,
				  .open_db = OPEN_DB,
				  .open_db_end = OPEN_DB + 0x100 };
	strcpy(p->wait_reasons[IO_WAIT], "IO wait");
	strcpy(p->wait_reasons[SELECT], "select");
	p->image.minor = 26;
	go_layout_of(26, &p->layout);
	p->goroutines = true;
	put_word(f, CHANNEL + 8, QUEUE);
	*state = f;
	return 0;
}

static enum go_status scan_for(struct fake *f, const struct go_request *request)
{
	enum go_status status = fake_scan(f, request, go_pools_scan);

	assert_int_equal(go_report_check(f->report, offsetof(struct go_report, strings) +
							    f->report->n_strings),
			 0);
	return status;
}

static enum go_status scan(struct fake *f)
{
	return scan_for(f, &(struct go_request){ .stacks = 1 });
}

static enum go_status scan_lightly(struct fake *f)
{
	return scan_for(f, &(struct go_request){ 0 });
}

static void a_pool_is_found_by_its_opener(void **state)
{
	struct fake *f = *state;
	const struct go_pool *pool = f->report->pools;

	put_opener(f, POOL);
	put_goroutine(f, OWN, SELECT); /* another's */
	put_pool(f, POOL, 26, 2, 0);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_pools, 1);
	assert_true(pool->address == POOL && pool->open == 26 && pool->idle == 2);
	assert_true(pool->max_open == 0 && pool->n_user == 0);
}

static void the_older_layout_is_read_too(void **state)
{
	struct fake *f = *state;

	f->process.image.minor = 22;
	put_opener(f, POOL);
	put_pool(f, POOL, 7, 3, 8);
	put_word(f, POOL + 64, CHANNEL + 0x1000); /* a map of requests */
	put_word(f, CHANNEL + 0x1000, 5);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_pools, 1);
	assert_int_equal(f->report->pools[0].max_open, 8);
	assert_int_equal(f->report->pools[0].waiting, 5);
	f->process.image.minor = 99; /* a version whose layout is not as expected */
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_pools, 1);
}

/* One field of a struct that is none is not as in a pool. */
static void what_does_not_hold_together_is_none(void **state)
{
	static const struct {
		uint64_t address, value;
	} lies[] = {
		{ POOL + 88, UINT64_MAX },  /* open */
		{ POOL + 88, 1 },	    /* fewer than idle */
		{ POOL + 48, 9 },	    /* idle above the slice's capacity */
		{ POOL + 56, 1ull << 40 },  /* that capacity */
		{ POOL + 136, UINT64_MAX }, /* limit */
		{ POOL + 128, 1ull << 62 }, /* idle limit */
		{ POOL + 176, 1 },	    /* closed, more than were closed at all */
		{ POOL + 96, 0 },	    /* no channel */
		{ POOL + 96, UINT64_MAX - 7 },
		{ POOL + 96, CHANNEL + 1 },
		{ CHANNEL + 8, 1 }, /* another channel */
		{ CHANNEL, QUEUE + 1 },
		{ CHANNEL + 24, 8 },
	};
	struct fake *f = *state;

	put_opener(f, POOL);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		uint64_t was;

		put_pool(f, POOL, 6, 2, 0);
		assert_int_equal(pread(f->process.memory.fd, &was, 8, (off_t)lies[i].address), 8);
		put_word(f, lies[i].address, lies[i].value);
		assert_int_equal(scan(f), GO_READ);
		assert_int_equal(f->report->n_pools, 0);
		put_word(f, lies[i].address, was);
	}
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_pools, 1); /* it was the lies */
}

/* Words of a stack that are no addresses are no failure; nor is one that leads into the stack. */
static void a_stack_holds_anything(void **state)
{
	struct fake *f = *state;
	uint64_t stack = put_opener(f, POOL);

	put_pool(f, POOL, 6, 2, 0);
	put_word(f, stack + 0x08, 7);
	put_word(f, stack + 0x10, UINT64_MAX);
	put_word(f, stack + 0x18, stack + 0x20);
	put_word(f, stack + 0x20, POOL + 4);
	put_word(f, stack + 0x28, NOWHERE);
	put_word(f, stack + 0x30, POOL - 64);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_pools, 1);
	assert_int_equal(f->process.memory.unread.failed, 0);
}

static void a_pool_counts_once_and_there_is_room_for_so_many(void **state)
{
	struct fake *f = *state;

	for (uint64_t i = 0; i < 3; i++)
		put_opener(f, POOL);
	put_pool(f, POOL, 6, 2, 0);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_pools, 1);
	for (uint64_t i = 1; i < 300; i++) {
		put_opener(f, POOL + i * 0x400);
		put_pool(f, POOL + i * 0x400, 6, 2, 0);
	}
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_pools, GO_POOLS_MAX);
}

/* A goroutine that stands in database/sql, called from there, with that pool at hand. */
static void put_user(struct fake *f, uint64_t pool, uint64_t caller)
{
	uint64_t stack = put_goroutine(f, OWN, IO_WAIT);

	put_word(f, stack, stack + 0x20); /* the caller's frame, and where to return to */
	put_word(f, stack + 8, SQL + 0x300);
	put_word(f, stack + 0x20, 0);
	put_word(f, stack + 0x28, caller);
	put_word(f, stack + 0x40, pool);
}

static bool stands_under(const struct fake *f, const struct go_pool *pool, uint64_t caller)
{
	const struct go_report *r = f->report;

	return pool->n_user == 3 && r->codes[r->stacks[pool->user + 2]].pc == caller;
}

static void who_uses_a_pool_most_is_told(void **state)
{
	struct fake *f = *state;
	const struct go_pool *pools = f->report->pools;

	put_opener(f, POOL);
	put_opener(f, POOL + 0x400);
	put_pool(f, POOL, 6, 2, 0);
	put_pool(f, POOL + 0x400, 6, 2, 0);
	put_user(f, POOL, OWN + 0x100);
	put_user(f, POOL, OWN + 0x200);
	put_user(f, POOL, OWN + 0x200);
	put_user(f, POOL + 0x400, OWN + 0x300);
	put_user(f, 0, OWN + 0x400);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_pools, 2);
	assert_true(stands_under(f, &pools[0], OWN + 0x200));
	assert_true(stands_under(f, &pools[1], OWN + 0x300));
}

static void put_call(const struct fake *f, uint64_t at, uint64_t to)
{
	uint8_t code[5] = { 0xe8 };
	uint32_t offset = (uint32_t)(to - at - sizeof(code));

	memcpy(code + 1, &offset, sizeof(offset));
	put(f, at, code, sizeof(code));
}

/* Where two reads of the code meet, too; what the package calls itself is no opening. */
static void calls_that_open_are_found(void **state)
{
	struct fake *f = *state;
	const struct go_report *r = f->report;

	put_opener(f, POOL);
	put_pool(f, POOL, 6, 2, 0);
	put_call(f, OWN, SQL + 0x100);
	put_call(f, TEXT + 2 * GO_READ_BYTES - 6, OPEN_DB);
	put_call(f, SQL + 0x200, OPEN_DB);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(r->n_pool_calls, 2);
	assert_int_equal(r->codes[r->stacks[r->pool_calls]].pc, OWN + 5);
	assert_int_equal(r->codes[r->stacks[r->pool_calls + 1]].pc, TEXT + 2 * GO_READ_BYTES - 1);
}

static void too_many_calls_say_nothing(void **state)
{
	struct fake *f = *state;

	put_opener(f, POOL);
	put_pool(f, POOL, 6, 2, 0);
	for (uint64_t i = 0; i < 4 * GO_SQL_CALLS; i++)
		put_call(f, OWN + 16 * i, OPEN_DB);
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_pool_calls, 0);
}

static void a_program_without_the_package_costs_nothing(void **state)
{
	struct fake *f = *state;

	put_opener(f, POOL);
	put_pool(f, POOL, 6, 2, 0);
	f->process.sql = (struct go_sql){ .searched = true };
	assert_int_equal(scan(f), GO_READ);
	assert_int_equal(f->report->n_pools, 0);
	assert_int_equal(f->process.memory.reads, 0);
}

/* Who reads often has the pools that were found, without a look at any goroutine. */
static void what_was_found_is_read_again(void **state)
{
	struct fake *f = *state;

	put_opener(f, POOL);
	put_pool(f, POOL, 6, 2, 0);
	put_goroutine(f, OWN, IO_WAIT);
	assert_int_equal(scan_lightly(f), GO_READ);
	assert_int_equal(f->report->n_pools, 1);
	assert_int_equal(f->report->n_pool_calls, 0);
	put_word(f, DATA + 8, 0);
	put_pool(f, POOL, 26, 2, 0);
	assert_int_equal(scan_lightly(f), GO_READ);
	assert_int_equal(f->report->n_pools, 1);
	assert_int_equal(f->report->pools[0].open, 26);
	put_word(f, CHANNEL + 8, 1); /* it is none any more */
	assert_int_equal(scan_lightly(f), GO_READ);
	assert_int_equal(f->report->n_pools, 0);
	put_word(f, CHANNEL + 8, QUEUE);
	assert_int_equal(scan_lightly(f), GO_READ);
	assert_int_equal(f->report->n_pools, 0);
}

/* References that lead out of the report. */
static void lying_reports_are_refused(void **state)
{
	struct fake *f = *state;
	struct go_report *r = f->report;
	size_t size = offsetof(struct go_report, strings) + 1;

	r->n_strings = r->n_pools = 1;
	assert_int_equal(go_report_check(r, size), 0);
	r->pools[0].n_user = 1;
	assert_true(go_report_check(r, size) < 0);
	r->pools[0].n_user = 0;
	r->pools[0].user = 1;
	assert_true(go_report_check(r, size) < 0);
	r->pools[0].user = 0;
	r->n_pool_calls = 1;
	assert_true(go_report_check(r, size) < 0);
	r->n_pool_calls = 0;
	r->n_pools = GO_POOLS_MAX + 1;
	assert_true(go_report_check(r, size) < 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, fake_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_pool_is_found_by_its_opener),
		test(the_older_layout_is_read_too),
		test(what_does_not_hold_together_is_none),
		test(a_stack_holds_anything),
		test(a_pool_counts_once_and_there_is_room_for_so_many),
		test(who_uses_a_pool_most_is_told),
		test(calls_that_open_are_found),
		test(too_many_calls_say_nothing),
		test(a_program_without_the_package_costs_nothing),
		test(what_was_found_is_read_again),
		test(lying_reports_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
