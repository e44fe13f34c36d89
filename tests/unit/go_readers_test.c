// SPDX-License-Identifier: GPL-2.0-only
/* Which connections of net/http clients have a response that nobody reads, by the goroutines of a
 * program that does not exist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "tests/unit/go_fake.h"

#define TEXT	   0x400000ull
#define TEXT_BYTES 0x1000ull
#define PARK	   (TEXT + 0x10)
#define READ_LOOP  (TEXT + 0x100)
#define READ	   (TEXT + 0x200)
#define HANDLER	   (TEXT + 0x300)
#define TABLE	   0x500000ull
#define NAMES	   0x510000ull
#define INDEX	   0x520000ull
#define DATA	   0x530000ull
#define LIST	   0x600000ull
#define STACKS	   0xc000000000ull
#define STACK_SIZE 0x1000ull
#define GS	   0xc000100000ull
#define G_STRIDE   512
#define CONNECTION 0xc000200000ull
#define IDLE_AT	   192 /* of net/http.persistConn, in Go 1.26 */
#define WHEN	   0x123456789abcdef0ull
#define SELECT	   9
#define IO_WAIT	   2

/* Each takes 0x100 bytes of code. */
static void put_functions(struct fake *f)
{
	static const char *const functions[] = { "runtime.gopark",
						 "net/http.(*persistConn).readLoop",
						 "net/http.(*persistConn).Read", "shop.handle" };
	static const size_t name_size = 64, description = 64;
	size_t n = ARRAY_SIZE(functions);

	for (uint32_t i = 0; i <= n; i++) {
		const uint32_t entry[] = { i * 0x100, (uint32_t)(i * description) },
			       name = (uint32_t)(i * name_size);

		put(f, INDEX + i * sizeof(entry), entry, sizeof(entry));
		put(f, TABLE + i * description + 4, &name, sizeof(name));
		if (i < n)
			put(f, NAMES + name, functions[i], strlen(functions[i]) + 1);
	}
	f->process.module.table = (struct go_table){ .memory = &f->process.memory,
						     .text = TEXT,
						     .end = TEXT + TEXT_BYTES,
						     .n_functions = n,
						     .names = { NAMES, n * name_size },
						     .functions = { TABLE, (n + 1) * description },
						     .index = { INDEX, 0x1000 } };
}

static int set_up(void **state)
{
	struct fake *f = fake_new();
	struct go_process *p = &f->process;

	put_functions(f);
	p->variables.allgs = DATA;
	go_layout_of(26, &p->layout);
	p->goroutines = true;
	strcpy(p->wait_reasons[SELECT], "select");
	strcpy(p->wait_reasons[IO_WAIT], "IO wait");
	put_slice(f, DATA, LIST, 0, 64);
	put_word(f, CONNECTION + IDLE_AT, WHEN);
	*state = f;
	return 0;
}

/* It waits below the function that returns to there, which works with the connection. */
static void put_goroutine(struct fake *f, uint8_t reason, uint64_t function)
{
	const struct go_layout *l = &f->process.layout;
	uint64_t low = STACKS + f->n * STACK_SIZE, sp = low + 0x800;
	const uint64_t bounds[] = { low, low + STACK_SIZE }, frame[] = { 0, function + 8 };

	put(f, GS + f->n * G_STRIDE, bounds, sizeof(bounds));
	put_word(f, GS + f->n * G_STRIDE + l->g_status, 4);
	put_word(f, GS + f->n * G_STRIDE + l->g_sp, sp);
	put_word(f, GS + f->n * G_STRIDE + l->g_pc, PARK);
	put_word(f, GS + f->n * G_STRIDE + l->g_bp, sp + 0x20);
	put(f, GS + f->n * G_STRIDE + l->g_wait_reason, &reason, sizeof(reason));
	put(f, sp + 0x20, frame, sizeof(frame));
	put_word(f, sp + 0x80, CONNECTION);
	put_word(f, low + STACK_SIZE - 8, 0);
	put_word(f, LIST + 8 * f->n, GS + f->n * G_STRIDE);
	put_slice(f, DATA, LIST, ++f->n, 64);
}

static uint32_t fate(struct fake *f)
{
	static struct go_fates_request q = {
		.n = 1, .objects = { { .address = CONNECTION, .generation = (uint32_t)WHEN } }
	};
	static struct go_fates fates;

	go_memory_begin(&f->process.memory, &fake_source, FAKE_CPU_NS, FAKE_BYTES);
	assert_int_equal(go_readers_ask(&f->process, &q, &fates), 0);
	assert_int_equal(fates.answers[0].generation, (uint32_t)WHEN);
	return fates.answers[0].fate;
}

static void test_what_nobody_reads(void **state)
{
	struct fake *f = *state;

	put_goroutine(f, SELECT, READ_LOOP);
	assert_int_equal(fate(f), GO_FATE_ALIVE);
}

/* It waits for the network, or nobody reads it at all. */
static void test_what_idles(void **state)
{
	struct fake *f = *state;

	put_goroutine(f, IO_WAIT, READ_LOOP);
	assert_int_equal(fate(f), GO_FATE_DEAD);
	put_goroutine(f, SELECT, HANDLER);
	assert_int_equal(fate(f), GO_FATE_DEAD);
}

/* The response is another's, whose request went out since. */
static void test_what_idled_since(void **state)
{
	struct fake *f = *state;

	put_goroutine(f, SELECT, READ_LOOP);
	put_word(f, CONNECTION + IDLE_AT, WHEN + 1);
	assert_int_equal(fate(f), GO_FATE_DEAD);
}

/* Where such a version keeps the time is not known: it is not asked for. */
static void test_what_may_have_idled(void **state)
{
	struct fake *f = *state;

	f->process.layout.minor = 0;
	put_goroutine(f, SELECT, READ_LOOP);
	put_word(f, CONNECTION + IDLE_AT, WHEN + 1);
	assert_int_equal(fate(f), GO_FATE_ALIVE);
}

static void test_a_stream_that_is_read(void **state)
{
	struct fake *f = *state;

	put_goroutine(f, SELECT, READ_LOOP);
	put_goroutine(f, IO_WAIT, READ);
	assert_int_equal(fate(f), GO_FATE_DEAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_nobody_reads, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_what_idles, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_what_idled_since, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_what_may_have_idled, set_up, fake_free),
		cmocka_unit_test_setup_teardown(test_a_stream_that_is_read, set_up, fake_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
