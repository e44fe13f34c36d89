// SPDX-License-Identifier: GPL-2.0-only
/* What is kept by a call into the standard library, named by the function that was called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/patterns.h"

static const char *pattern_of(const char *const *functions, size_t n)
{
	struct site_frame frames[8] = { 0 };
	struct finding f = { .frames = frames, .n_frames = n };

	assert_true(n <= ARRAY_SIZE(frames));
	for (size_t i = 0; i < n; i++)
		frames[i].function = (char *)functions[i];
	return go_pattern_of_keeper(&f);
}

#define PATTERN(...)                                                                               \
	pattern_of((const char *const[]){ __VA_ARGS__ },                                           \
		   sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void test_a_context_is_kept_by_who_made_it(void **state)
{
	assert_string_equal(PATTERN("context.(*cancelCtx).propagateCancel", "context.withCancel",
				    "context.WithCancel", "shop.Open", "main.main"),
			    "context-not-cancelled");
	assert_string_equal(PATTERN("runtime.newobject", "context.WithDeadline", "shop.Open"),
			    "context-not-cancelled");
	assert_string_equal(PATTERN("context.(*cancelCtx).propagateCancel", "context.AfterFunc",
				    "shop.Open"),
			    "context-not-cancelled");
	assert_null(PATTERN("runtime.newobject", "context.WithValue", "shop.Open"));
}

/* net/http makes a context for each connection, and cancels it itself. */
static void test_a_context_of_the_library_is_its_own(void **state)
{
	assert_null(PATTERN("context.WithCancel", "net/http.(*conn).serve", "main.main"));
}

static void test_a_sync_map_is_a_map(void **state)
{
	assert_string_equal(PATTERN("runtime.newobject", "internal/sync.newEntryNode",
				    "internal/sync.(*HashTrieMap[go.shape.any]).Swap",
				    "sync.(*Map).Swap", "sync.(*Map).Store", "shop.Keep"),
			    "unbounded-map");
	assert_null(PATTERN("runtime.newobject", "sync.(*Map).Store", "mime.AddExtensionType",
			    "shop.Keep"));
}

static void test_a_register_of_the_library_is_a_map(void **state)
{
	assert_string_equal(PATTERN("runtime.newobject", "sync.(*Map).Store", "expvar.Publish",
				    "expvar.NewInt", "shop.Handle"),
			    "unbounded-map");
	assert_string_equal(PATTERN("runtime.mapassign", "os/signal.Notify.func1",
				    "os/signal.Notify", "shop.Handle"),
			    "unbounded-map");
	assert_string_equal(PATTERN("runtime.mapassign_fast32ptr", "reflect.addReflectOff",
				    "reflect.resolveReflectName", "reflect.StructOf", "shop.Row"),
			    "unbounded-map");
	assert_null(PATTERN("runtime.newobject", "net/http.(*Server).trackConn", "main.main"));
}

static void test_nothing_else_is_known(void **state)
{
	assert_null(PATTERN("runtime.newobject", "shop.Keep", "context.WithCancel"));
	assert_null(PATTERN("container/list.(*List).PushBack", "shop.Keep"));
	assert_null(pattern_of(NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_context_is_kept_by_who_made_it),
		cmocka_unit_test(test_a_context_of_the_library_is_its_own),
		cmocka_unit_test(test_a_sync_map_is_a_map),
		cmocka_unit_test(test_a_register_of_the_library_is_a_map),
		cmocka_unit_test(test_nothing_else_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
