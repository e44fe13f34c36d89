// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/explain/go/timers.h"

static struct site_frame after_func[] = { { .function = "time.newTimer", .module = "" },
					  { .function = "time.AfterFunc", .module = "" },
					  { .function = "main.expire", .module = "" } };
static struct site_frame library[] = {
	{ .function = "time.AfterFunc", .module = "" },
	{ .function = "net/http.(*Transport).tryPutIdleConn", .module = "" },
	{ .function = "net/http.(*persistConn).readLoop", .module = "" }
};
static struct site_frame ticker[] = { { .function = "time.NewTicker", .module = "" },
				      { .function = "main.serve", .module = "" },
				      { .function = "main.main", .module = "" } };
static struct site_frame deadline[] = { { .function = "net.(*conn).SetDeadline", .module = "" },
					{ .function = "main.serve", .module = "" },
					{ .function = "main.main", .module = "" } };

/* A site that kept `live`, while all timers and goroutines went from the first to the last number.
 */
static const char *pattern(struct site_frame *frames, uint64_t live, uint64_t timers_first,
			   uint64_t timers_last, uint64_t goroutines)
{
	static struct go_fates first, last;
	struct finding f = {
		.frames = frames, .n_frames = 3, .verdict = SITE_KEEPS, .live = live
	};

	first.timers = timers_first;
	last.timers = timers_last;
	first.goroutines = last.goroutines = goroutines;
	assert_int_equal(gotimer_mark(&f, &first, &last), 0);
	assert_int_equal(f.verdict, f.pattern ? SITE_KEEPS : SITE_UNDECIDED);
	return f.pattern;
}

static void what_grows_is_told(void **state)
{
	assert_string_equal(pattern(after_func, 50, 100, 160, 10), "timer-not-stopped");
	assert_string_equal(pattern(ticker, 50, 0, 60, 10), "unstopped-ticker");
}

/* Sessions that last longer than the watch: all that were seen beginning go on, and as many older
 * ones end. */
static void what_only_lives_long_is_not(void **state)
{
	assert_null(pattern(after_func, 79, 1793, 1700, 40));
	assert_null(pattern(after_func, 79, 300, 320, 40));
	assert_null(pattern(ticker, 53, 243, 263, 640));
}

static void a_pile_is_of_those_that_wait_for_a_channel(void **state)
{
	assert_string_equal(pattern(ticker, 53, 1000, 1000, 10), "unstopped-ticker");
	assert_null(pattern(after_func, 53, 1000, 1000, 10));
}

static void the_library_has_its_own(void **state)
{
	assert_null(pattern(library, 50, 100, 160, 10));
}

static void other_timers_are_none(void **state)
{
	struct finding f = { .frames = deadline, .n_frames = 3, .verdict = SITE_KEEPS, .live = 9 };
	static const struct go_fates none;

	assert_int_equal(gotimer_mark(&f, &none, &none), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_grows_is_told),
		cmocka_unit_test(what_only_lives_long_is_not),
		cmocka_unit_test(a_pile_is_of_those_that_wait_for_a_channel),
		cmocka_unit_test(the_library_has_its_own),
		cmocka_unit_test(other_timers_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
