// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/explain/survivors.h"
#include "agent/model/go_function.h"

#define KEY_KEEPS 10
#define KEY_MIXED 12
#define KEY_DIES  15
#define STEP	  2

/* Addresses below it are dead, the others live; what was born in this generation is not judged. */
struct judge {
	uint64_t dead_below;
	uint32_t generation;
};

static int ask(void *context, const struct survivor_query *q, size_t n, struct survivor_answer *ret)
{
	const struct judge *j = context;

	for (size_t i = 0; i < n; i++) {
		assert_true(i == 0 || q[i].address > q[i - 1].address);
		ret[i].generation = j->generation;
		ret[i].fate = q[i].address < j->dead_below ? SURVIVOR_DEAD : SURVIVOR_ALIVE;
		if (q[i].generation == j->generation)
			ret[i].fate = SURVIVOR_UNKNOWN;
	}
	return 0;
}

static struct survivors *new_book_by(struct judge *j, uint32_t step)
{
	struct survivor_oracle oracle = { .ask = ask, .step = step, .at_once = 7, .context = j };
	struct survivors *s;

	assert_int_equal(survivors_new(&oracle, &s), 0);
	return s;
}

static struct survivors *new_book(struct judge *j)
{
	return new_book_by(j, STEP);
}

/* n objects, born one after the other from the given time on. */
static void bear_sized(struct survivors *s, uint64_t key, uint64_t address, uint64_t size,
		       uint64_t n, uint64_t born)
{
	for (uint64_t i = 0; i < n; i++) {
		struct survivor_birth b = { .key = key, .size = size, .born = born + i };

		assert_int_equal(survivors_add(s, address + size * i, &b), 0);
	}
}

static void bear(struct survivors *s, uint64_t key, uint64_t address, uint64_t n, uint64_t born)
{
	bear_sized(s, key, address, 64, n, born);
}

static struct survivor_row row_of(const struct survivors *s, uint64_t key)
{
	struct survivor_row *rows, found = { 0 };
	size_t n;

	assert_int_equal(survivors_rows(s, 0, &rows, &n), 0);
	for (size_t i = 0; i < n; i++)
		if (rows[i].key == key)
			found = rows[i];
	free(rows);
	return found;
}

static void test_fates_are_counted(void **state)
{
	struct judge j = { .dead_below = 1 << 20, .generation = STEP };
	struct survivors *s = new_book(&j);
	struct survivor_row row;

	bear(s, KEY_MIXED, 4096, 30, 0);
	bear(s, KEY_MIXED, 1 << 20, 10, 100);
	assert_int_equal(row_of(s, KEY_MIXED).pending, 40);
	assert_int_equal(survivors_check(s), 0);
	row = row_of(s, KEY_MIXED);
	assert_int_equal(row.site.sums.created, 40);
	assert_int_equal(row.site.sums.destroyed, 30);
	assert_int_equal(row.site.live, 10);
	assert_int_equal(row.site.live_bytes, 640);
	assert_int_equal(row.pending, 0);
	survivors_free(s);
}

/* An address that is given out again: its first owner is dead, though an oracle would call it
 * alive. */
static void test_reuse_is_a_death(void **state)
{
	struct judge j = { .generation = STEP };
	struct survivors *s = new_book(&j);

	bear(s, KEY_MIXED, 4096, 1, 0);
	assert_int_equal(survivors_check(s), 0);
	bear(s, KEY_KEEPS, 4096, 1, 50);
	assert_int_equal(row_of(s, KEY_MIXED).site.sums.destroyed, 1);
	assert_int_equal(row_of(s, KEY_MIXED).site.live, 0);
	assert_int_equal(row_of(s, KEY_KEEPS).pending, 1);
	survivors_free(s);
}

/* Two collections passed unseen: a slot may have another owner. At a site where many die, such
 * survivors say nothing; at one where none dies they count. */
static void test_doubtful_survivors(void **state)
{
	struct judge j = { .dead_below = 1 << 20, .generation = 2 * STEP };
	struct survivors *s = new_book(&j);

	bear(s, KEY_MIXED, 4096, 50, 0);
	bear(s, KEY_MIXED, 1 << 20, 50, 100);
	bear(s, KEY_KEEPS, 1 << 21, 50, 100);
	assert_int_equal(survivors_check(s), 0);
	assert_int_equal(row_of(s, KEY_MIXED).site.live, 0);
	assert_int_equal(row_of(s, KEY_KEEPS).site.live, 50);
	survivors_free(s);
}

/* Half of whom dies at a site, of that size, looks alive. */
static void let_half_die(struct survivors *s, uint64_t size)
{
	bear_sized(s, KEY_DIES, 4096, size, 10, 0);
	bear_sized(s, KEY_DIES, 1 << 23, size, 10, 0);
}

/* Of two sites of one size of which none is seen to die, the smaller may be in the other's slots;
 * but not where that is of another size, or no larger by much. */
static void test_survivors_in_slots_of_others(void **state)
{
	struct judge j = { .dead_below = 1 << 20, .generation = 2 * STEP };
	struct survivors *s = new_book(&j);

	let_half_die(s, 64);
	bear(s, KEY_KEEPS, 1 << 20, 22, 0);
	bear(s, KEY_MIXED, 1 << 21, 5, 0);
	bear(s, KEY_MIXED + 1, 1 << 22, 6, 0);
	bear_sized(s, KEY_MIXED + 2, 1 << 24, 128, 5, 0);
	assert_int_equal(survivors_check(s), 0);
	assert_int_equal(row_of(s, KEY_KEEPS).site.live, 22);
	assert_int_equal(row_of(s, KEY_MIXED).site.live, 0);
	assert_int_equal(row_of(s, KEY_MIXED + 1).site.live, 6);
	assert_int_equal(row_of(s, KEY_MIXED + 2).site.live, 5);
	survivors_free(s);
}

/* Seven of seven would look alive once in 128 times, five of five once in 32. */
static void test_survivors_by_no_chance(void **state)
{
	struct judge j = { .dead_below = 1 << 20, .generation = 2 * STEP };
	struct survivors *s = new_book(&j);

	let_half_die(s, 64);
	bear(s, KEY_KEEPS, 1 << 20, 100, 0);
	bear(s, KEY_MIXED, 1 << 21, 5, 0);
	bear(s, KEY_MIXED + 1, 1 << 22, 7, 0);
	assert_int_equal(survivors_check(s), 0);
	assert_int_equal(row_of(s, KEY_MIXED).site.live, 0);
	assert_int_equal(row_of(s, KEY_MIXED + 1).site.live, 7);
	survivors_free(s);
}

static void bear_later(struct survivors *s, uint64_t key, uint64_t address, uint64_t n,
		       uint32_t generation)
{
	for (uint64_t i = 0; i < n; i++) {
		struct survivor_birth b = { .key = key, .size = 64, .generation = generation };

		assert_int_equal(survivors_add(s, address + 64 * i, &b), 0);
	}
}

static void test_sure_survivors_speak_for_doubtful_ones(void **state)
{
	struct judge j = { .dead_below = 1 << 20, .generation = 2 * STEP };
	struct survivors *s = new_book(&j);

	bear(s, KEY_DIES, 4096, 1, 0);
	bear(s, KEY_DIES, 1 << 25, 32, 0);
	bear(s, KEY_KEEPS, 1 << 20, 1000, 0);
	bear(s, KEY_MIXED, 1 << 21, 90, 0);
	bear(s, KEY_MIXED + 1, 1 << 22, 95, 0);
	bear_later(s, KEY_MIXED, 1 << 23, 10, 2 * STEP);
	bear_later(s, KEY_MIXED + 1, 1 << 24, 5, 2 * STEP);
	assert_int_equal(survivors_check(s), 0);
	j.generation += STEP;
	assert_int_equal(survivors_check(s), 0);
	assert_int_equal(row_of(s, KEY_MIXED).site.live, 100);
	assert_int_equal(row_of(s, KEY_MIXED + 1).site.live, 5);
	survivors_free(s);
}

/* Whoever answers of now has no generations to miss. */
static void test_answers_of_now_are_not_doubted(void **state)
{
	struct judge j = { .dead_below = 1 << 20, .generation = 2 * STEP };
	struct survivors *s = new_book_by(&j, 0);

	bear(s, KEY_MIXED, 4096, 50, 0);
	bear(s, KEY_MIXED, 1 << 20, 50, 100);
	assert_int_equal(survivors_check(s), 0);
	assert_int_equal(row_of(s, KEY_MIXED).site.live, 50);
	survivors_free(s);
}

/* An array that append moves dies in all sizes but the last. */
static void test_doubtful_survivors_of_one_size(void **state)
{
	struct judge j = { .dead_below = 1 << 20, .generation = 2 * STEP };
	struct survivors *s = new_book(&j);
	struct survivor_row row;

	bear_sized(s, KEY_MIXED, 4096, 128, 50, 0);
	bear_sized(s, KEY_MIXED, 1 << 16, 256, 50, 100);
	bear_sized(s, KEY_MIXED, 1 << 20, 512, 50, 200);
	bear_sized(s, KEY_MIXED, 1 << 21, 1024, 7, 200); /* too few to know of that size */
	assert_int_equal(survivors_check(s), 0);
	row = row_of(s, KEY_MIXED);
	assert_int_equal(row.site.sums.created, 157);
	assert_int_equal(row.site.sums.destroyed, 100);
	assert_int_equal(row.site.live, 50);
	assert_int_equal(row.site.live_bytes, 50 * 512);
	survivors_free(s);
}

/* Quarters end with the youngest that could be judged, not with the watch. */
static void test_quarters(void **state)
{
	struct judge j = { .generation = STEP };
	struct survivors *s = new_book(&j);
	struct survivor_birth late = { .key = KEY_KEEPS, .born = 1000000, .generation = STEP };
	struct survivor_row row;

	bear(s, KEY_KEEPS, 4096, 100, 0);
	assert_int_equal(survivors_add(s, 1 << 20, &late), 0);
	assert_int_equal(survivors_check(s), 0);
	row = row_of(s, KEY_KEEPS);
	for (int i = 0; i < 4; i++)
		assert_in_range(row.site.born[i], 24, 26);
	assert_int_equal(row.pending, 1);
	survivors_free(s);
}

/* The dead were seen, too. */
static void test_births_of_all(void **state)
{
	struct judge j = { .dead_below = 1 << 20, .generation = STEP };
	struct survivors *s = new_book(&j);
	uint64_t births[4];

	bear(s, KEY_MIXED, 4096, 10, 0);
	bear(s, KEY_KEEPS, 1 << 20, 10, 100);
	assert_int_equal(survivors_check(s), 0);
	survivors_births(s, 0, births);
	assert_int_equal(births[0], 10);
	assert_int_equal(births[1], 0);
	assert_int_equal(births[2], 0);
	assert_int_equal(births[3], 10);
	survivors_free(s);
}

static void test_go_functions(void **state)
{
	assert_true(go_function_is_standard("fmt.Sprintf"));
	assert_true(go_function_is_standard("net/http.(*Transport).getConn"));
	assert_true(go_function_is_standard("internal/runtime/maps.(*table).split"));
	assert_true(go_function_is_standard("slices.Grow[go.shape.[]example.org/x.T]"));
	assert_false(go_function_is_standard("main.cachePut"));
	assert_false(go_function_is_standard("go.uber.org/zap.New"));
	assert_false(go_function_is_standard("example.org/net/http.Serve"));
	assert_true(go_function_is_runtime("runtime.mallocgc"));
	assert_false(go_function_is_runtime("runtimex.f"));
}

/* Of one site, the oldest that live; the dead and the others' are not among them. */
static void test_the_oldest_are_told(void **state)
{
	struct judge j = { .dead_below = 0x1040, .generation = 4 };
	struct survivors *s = new_book(&j);
	uint64_t found[3];

	bear(s, KEY_KEEPS, 0x9000, 4, 50);
	bear(s, KEY_KEEPS, 0x1000, 2, 10); /* the first of them dies */
	bear(s, KEY_MIXED, 0x5000, 2, 20);
	assert_int_equal(survivors_oldest(s, KEY_KEEPS, found, 3), 0);
	assert_int_equal(survivors_check(s), 0);
	assert_int_equal(survivors_oldest(s, KEY_KEEPS, found, 3), 3);
	assert_int_equal(found[0], 0x1040);
	assert_int_equal(found[1], 0x9000);
	assert_int_equal(found[2], 0x9040);
	assert_int_equal(survivors_oldest(s, KEY_MIXED, found, 3), 2);
	survivors_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fates_are_counted),
		cmocka_unit_test(test_the_oldest_are_told),
		cmocka_unit_test(test_reuse_is_a_death),
		cmocka_unit_test(test_doubtful_survivors),
		cmocka_unit_test(test_survivors_in_slots_of_others),
		cmocka_unit_test(test_survivors_by_no_chance),
		cmocka_unit_test(test_sure_survivors_speak_for_doubtful_ones),
		cmocka_unit_test(test_answers_of_now_are_not_doubted),
		cmocka_unit_test(test_doubtful_survivors_of_one_size),
		cmocka_unit_test(test_quarters),
		cmocka_unit_test(test_births_of_all),
		cmocka_unit_test(test_go_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
