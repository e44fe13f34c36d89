// SPDX-License-Identifier: GPL-2.0-only
/* Timers that the callback of another makes, told by the stacks that windows saw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/chains.h"

static bool arms(const char *resource, const char *const *functions, size_t n, const char *callback)
{
	struct site_frame frames[8] = { 0 };
	struct finding f = { .resource = resource, .frames = frames, .n_frames = n };
	struct findings list = { .rows = &f, .n = 1 };

	assert_true(n <= ARRAY_SIZE(frames));
	for (size_t i = 0; i < n; i++)
		frames[i].function = (char *)functions[i];
	return gochains_arm(&list, callback);
}

static void test_a_callback_that_makes_the_next(void **state)
{
	static const char *const chain[] = { "time.AfterFunc", "shop.(*session).beat",
					     "shop.(*session).beat-fm", "runtime.goexit" };
	static const char *const request[] = { "time.AfterFunc", "shop.(*session).beat",
					       "net/http.(*conn).serve", "runtime.goexit" };

	assert_true(arms("gotimer", chain, 4, "shop.(*session).beat-fm"));
	assert_false(arms("gotimer", chain, 4, "shop.(*session).end-fm"));
	assert_false(arms("gotimer", request, 4, "shop.(*session).beat-fm"));
	assert_false(arms("goheap", chain, 4, "shop.(*session).beat-fm"));
	assert_false(arms("gotimer", chain, 3, "shop.(*session).beat-fm")); /* cut */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_callback_that_makes_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
