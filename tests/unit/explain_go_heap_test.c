// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is said of a Go program's heap after a watch, from a book of births and the collector's
 * answers. The program is not there: the stack of each site is made here (the linker puts the
 * __wrap_ functions in place of those that ask for it).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/clock.h"
#include "agent/base/message.h"
#include "agent/explain/go/births.h"

#define SECONDS 40
#define OBJECTS 400
#define SIZE	1024
#define KEY	7

int __wrap_survivor_site(struct survivor *s, uint64_t key, struct survivor_site *ret);
int __wrap_go_names_ask(struct reader *r, pid_t pid, const char *module, const uint64_t *pcs,
			size_t n, struct site_frame **ret, size_t *ret_n);

int __wrap_survivor_site(struct survivor *s, uint64_t key, struct survivor_site *ret)
{
	*ret = (struct survivor_site){ .frames = 1 };
	return 0;
}

/* What allocates for main.keep. */
static const char *allocator;

int __wrap_go_names_ask(struct reader *r, pid_t pid, const char *module, const uint64_t *pcs,
			size_t n, struct site_frame **ret, size_t *ret_n)
{
	const char *functions[] = { allocator, "main.keep" };
	struct site_frame *frames = calloc(2, sizeof(*frames));

	assert_non_null(frames);
	for (size_t i = 0; i < 2; i++) {
		frames[i].function = strdup(functions[i]);
		frames[i].module = strdup("");
	}
	*ret = frames;
	*ret_n = 2;
	return 0;
}

static int all_live(void *context, const struct survivor_query *q, size_t n,
		    struct survivor_answer *ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = (struct survivor_answer){ .fate = SURVIVOR_ALIVE,
						   .generation = q[i].generation };
	return 0;
}

/* So many of that size are born evenly during the watch, and live on. */
static struct survivors *book_since(uint64_t began, uint64_t objects, uint64_t size)
{
	struct survivor_oracle oracle = { .ask = all_live, .at_once = OBJECTS };
	struct survivors *book;

	assert_int_equal(survivors_new(&oracle, &book), 0);
	for (uint64_t i = 0; i < objects; i++) {
		struct survivor_birth b = {
			.key = KEY,
			.size = size,
			.born = began + i * (SECONDS * NS_PER_S / objects),
		};

		assert_int_equal(survivors_add(book, 4096 + i * size, &b), 0);
	}
	assert_int_equal(survivors_check(book), 0);
	return book;
}

static const struct explain_options options;

/* collected: seconds into the watch, when its last collection ended. */
static struct gobirths watch(double collected)
{
	struct gobirths s = { .options = &options };

	s.began = monotonic_ns() - SECONDS * NS_PER_S;
	s.collected = s.began + (uint64_t)(collected * NS_PER_S);
	s.last.total_alloc = OBJECTS * SIZE;
	s.first.heap_marked = 1;
	s.last.heap_marked = OBJECTS * SIZE;
	return s;
}

static enum site_verdict verdict_of(const char *function, double collected)
{
	struct gobirths s = watch(collected);
	struct findings list = { 0 };
	enum site_verdict verdict;

	allocator = function;
	s.heap = book_since(s.began, OBJECTS, SIZE);
	assert_int_equal(goheap_findings(&s, SECONDS, &list), 0);
	assert_int_equal(list.n, 1);
	verdict = list.rows[0].verdict;
	findings_clear(&list);
	survivors_free(s.heap);
	return verdict;
}

static void test_what_stays_is_kept(void **state)
{
	assert_int_equal(verdict_of("runtime.newobject", SECONDS - 1), SITE_KEEPS);
}

/* It may have been dropped after the last collection; one without any told nothing. */
static void test_an_early_collection_says_little(void **state)
{
	assert_int_equal(verdict_of("runtime.newobject", 0.5 * SECONDS), SITE_KEEPS);
	assert_int_equal(verdict_of("runtime.newobject", 0.3 * SECONDS), SITE_UNDECIDED);
	assert_int_equal(verdict_of("runtime.newobject", -1), SITE_UNDECIDED);
}

/* As many as once were used: the keys of a map can go while its overflow buckets stay. */
static void test_what_the_runtime_holds_in_reserve(void **state)
{
	static const char *const reserves[] = { "runtime.(*hmap).newoverflow",
						"runtime.acquireSudog", "runtime.malg",
						"sync.(*Pool).pinSlow",
						"sync.(*poolChain).pushHead" };

	for (size_t i = 0; i < sizeof(reserves) / sizeof(reserves[0]); i++)
		assert_int_equal(verdict_of(reserves[i], SECONDS - 1), SITE_UNDECIDED);
	assert_int_equal(verdict_of("runtime.makemap", SECONDS - 1), SITE_KEEPS);
}

/* It is no verdict, but the row says what would make one. */
static void test_what_stays_is_little(void **state)
{
	struct gobirths s = watch(SECONDS - 1);
	struct findings list = { 0 };

	allocator = "runtime.newobject";
	s.heap = book_since(s.began, 20, 64);
	s.last.total_alloc = 20 * 64;
	assert_int_equal(goheap_findings(&s, SECONDS, &list), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.rows[0].verdict, SITE_UNDECIDED);
	assert_non_null(strstr(list.rows[0].evidence, "a longer watch will tell"));
	findings_clear(&list);
	survivors_free(s.heap);
}

/* A dozen of 4 KiB that windows of so many seconds saw. */
static size_t rare_rows(double watched)
{
	struct gobirths s = watch(SECONDS - 1);
	struct findings list = { 0 };
	size_t n;

	allocator = "runtime.makeslice";
	s.heap = book_since(s.began, 0, 0);
	s.rare[0] = (struct gorare){ .windows = { .births = GO_BIRTHS_SLOTS, .watched = watched },
				     .book = book_since(s.began, 12, 4096) };
	assert_int_equal(goheap_findings(&s, SECONDS, &list), 0);
	n = list.n;
	findings_clear(&list);
	survivors_free(s.heap);
	survivors_free(s.rare[0].book);
	return n;
}

static void test_what_is_rare_was_seen_in_part(void **state)
{
	assert_int_equal(rare_rows(0.25 * SECONDS), 1);
	assert_int_equal(rare_rows(SECONDS), 0);
}

/* By what allocates, not by who is called from there. */
static void test_a_program_has_functions_of_its_own(void **state)
{
	struct site_frame frames[] = { { .function = "runtime.newobject" },
				       { .function = "main.keep" },
				       { .function = "sync.(*Pool).Get" } };
	const struct finding f = { .frames = frames, .n_frames = 3 };

	assert_false(goheap_is_reserve(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_stays_is_kept),
		cmocka_unit_test(test_an_early_collection_says_little),
		cmocka_unit_test(test_what_the_runtime_holds_in_reserve),
		cmocka_unit_test(test_what_stays_is_little),
		cmocka_unit_test(test_what_is_rare_was_seen_in_part),
		cmocka_unit_test(test_a_program_has_functions_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
