// SPDX-License-Identifier: GPL-2.0-only
/* Whom a goroutine was started by, where windows saw its go statement. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/spawns.h"

#define DIAL	0x1000 /* what go statements return to */
#define CONNECT 0x2000
#define SECONDS 100

static struct site_frame *make_frames(const char *const *functions, size_t n, uint64_t pc)
{
	struct site_frame *frames = calloc(n, sizeof(*frames));

	for (size_t i = 0; frames && i < n; i++)
		frames[i] = (struct site_frame){ .pc = pc + i,
						 .function = strdup(functions[i]),
						 .file = strdup(""),
						 .module = strdup("") };
	return frames;
}

#define FRAMES(pc, ...)                                                                            \
	make_frames((const char *const[]){ __VA_ARGS__ },                                          \
		    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), pc)

static void add_spawn(struct gospawns *s, uint64_t pc, uint64_t started, const char *function,
		      const char *caller)
{
	struct survivor_birth birth = { .key = s->n + 2 };

	assert_int_equal(gospawns_add(s, 0, &birth), 0);
	assert_int_equal(gospawns_add(s, 0, &birth), 0); /* seen again */
	s->rows[s->n - 1].pc = pc;
	s->rows[s->n - 1].started = started;
	s->rows[s->n - 1].frames = FRAMES(pc, function, caller, "runtime.goexit");
	s->rows[s->n - 1].n_frames = 3;
}

/* Goroutines of a library that kept of each 10 seconds what came, and windows saw a tenth. */
static struct finding goroutines(double kept)
{
	return (struct finding){ .resource = "goroutine",
				 .growth_per_hour = kept / SECONDS * 3600,
				 .frames = FRAMES(DIAL, "lib.dial", "runtime.gopark"),
				 .n_frames = 2 };
}

static bool names(const struct finding *f, const char *function)
{
	for (size_t i = 0; i < f->n_frames; i++)
		if (strcmp(f->frames[i].function, function) == 0)
			return true;
	return false;
}

static void extend(struct gospawns *s, struct finding *f)
{
	s->watched = SECONDS / 10.;
	assert_int_equal(gospawns_extend(s, SECONDS, f), 0);
}

static void end(struct gospawns *s, struct finding *f)
{
	gospawns_clear(s);
	site_frames_free(f->frames, f->n_frames);
}

static void test_the_only_caller_is_named(void **state)
{
	struct gospawns s = { 0 };
	struct finding f = goroutines(200);

	add_spawn(&s, DIAL, 20, "lib.dial", "shop.order");
	add_spawn(&s, CONNECT, 90, "lib.connect", "shop.other");
	extend(&s, &f);
	assert_true(names(&f, "shop.order"));
	assert_false(names(&f, "shop.other"));
	end(&s, &f);
}

static void test_who_gives_back_is_not_named_for_a_rare_one(void **state)
{
	struct gospawns s = { 0 };
	struct finding f = goroutines(100);

	add_spawn(&s, DIAL, 990, "lib.dial", "shop.busy");
	add_spawn(&s, DIAL, 10, "lib.dial", "shop.leak");
	extend(&s, &f);
	assert_int_equal(f.n_frames, 2);
	end(&s, &f);
}

static void test_most_of_what_is_kept_is_of_the_busiest(void **state)
{
	struct gospawns s = { 0 };
	struct finding f = goroutines(980);

	add_spawn(&s, DIAL, 80, "lib.dial", "shop.leak");
	add_spawn(&s, DIAL, 20, "lib.dial", "shop.other");
	extend(&s, &f);
	assert_true(names(&f, "shop.leak"));
	end(&s, &f);
}

/* Of what a server accepted and nobody serves any more, who took it from the server comes first. */
static void test_who_takes_a_connection_is_named(void **state)
{
	struct gospawns s = { 0 };
	struct finding f = { .resource = "fd",
			     .growth_per_hour = 200. / SECONDS * 3600,
			     .frames = FRAMES(1, "syscall.accept4", "net/http.(*Server).Serve",
					      "main.main"),
			     .n_frames = 3 };

	add_spawn(&s, 7, 20, "net/http.(*response).Hijack", "shop.upgrade");
	add_spawn(&s, DIAL, 900, "lib.dial", "shop.order");
	extend(&s, &f);
	assert_int_equal(f.n_frames, 6);
	assert_string_equal(f.frames[1].function, "shop.upgrade");
	assert_string_equal(f.frames[5].function, "main.main");
	end(&s, &f);
}

/* Where few are taken, who stays is served. */
static void test_who_takes_few_connections_is_not_named(void **state)
{
	struct gospawns s = { 0 };
	struct finding f = { .resource = "fd",
			     .growth_per_hour = 10. / SECONDS * 3600,
			     .frames = FRAMES(1, "syscall.accept4", "net/http.(*Server).Serve",
					      "main.main"),
			     .n_frames = 3 };

	add_spawn(&s, 7, 20, "net/http.(*response).Hijack", "shop.upgrade");
	extend(&s, &f);
	assert_int_equal(f.n_frames, 3);
	end(&s, &f);
}

/* A descriptor is taken in a goroutine, whose first function bears the go statement's name. */
static void test_descriptors_are_told_over_two_goroutines(void **state)
{
	struct gospawns s = { 0 };
	struct finding f = { .resource = "fd",
			     .growth_per_hour = 200. / SECONDS * 3600,
			     .frames = FRAMES(1, "net.socket", "lib.dial.func2", "runtime.goexit"),
			     .n_frames = 3 };

	add_spawn(&s, DIAL, 20, "lib.dial", "lib.(*Client).connect.gowrap1");
	add_spawn(&s, CONNECT, 20, "lib.(*Client).connect", "shop.order");
	extend(&s, &f);
	assert_true(names(&f, "lib.(*Client).connect.gowrap1"));
	assert_true(names(&f, "shop.order"));
	end(&s, &f);
}

static void test_like_names_are_no_closures(void **state)
{
	static const char *const firsts[] = { "lib.dial", "lib.dialer.func1", "lib.dial.func",
					      "lib.dial.func1.1", "lib.dial.(*x).run" };

	for (size_t i = 0; i < ARRAY_SIZE(firsts); i++) {
		struct gospawns s = { 0 };
		struct finding f = { .resource = "fd",
				     .growth_per_hour = 200. / SECONDS * 3600,
				     .frames = FRAMES(1, firsts[i], "runtime.goexit"),
				     .n_frames = 2 };

		add_spawn(&s, DIAL, 20, "lib.dial", "shop.order");
		extend(&s, &f);
		assert_int_equal(f.n_frames, 2);
		end(&s, &f);
	}
}

/* What windows alone saw, timers, has no rate. */
static void test_what_has_no_rate_goes_by_what_is_left(void **state)
{
	struct gospawns s = { 0 };
	struct finding f = { .resource = "gotimer",
			     .growth_per_hour = NAN,
			     .created = 40,
			     .frames = FRAMES(1, "time.NewTicker", "lib.dial.func1",
					      "runtime.goexit"),
			     .n_frames = 3 };

	add_spawn(&s, DIAL, 20, "lib.dial", "shop.order");
	extend(&s, &f);
	assert_true(names(&f, "shop.order"));
	end(&s, &f);
}

/* A stack holds so many frames, and goroutines that start each other end. */
static void test_goroutines_that_start_each_other(void **state)
{
	struct gospawns s = { 0 };
	struct finding f = { .resource = "fd",
			     .growth_per_hour = 200. / SECONDS * 3600,
			     .frames = FRAMES(1, "lib.dial.func1", "runtime.goexit"),
			     .n_frames = 2 };

	add_spawn(&s, DIAL, 20, "lib.dial", "lib.dial.func1");
	extend(&s, &f);
	assert_true(f.n_frames > 2 && f.n_frames <= SITE_FRAMES);
	end(&s, &f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_only_caller_is_named),
		cmocka_unit_test(test_who_gives_back_is_not_named_for_a_rare_one),
		cmocka_unit_test(test_most_of_what_is_kept_is_of_the_busiest),
		cmocka_unit_test(test_who_takes_a_connection_is_named),
		cmocka_unit_test(test_who_takes_few_connections_is_not_named),
		cmocka_unit_test(test_descriptors_are_told_over_two_goroutines),
		cmocka_unit_test(test_like_names_are_no_closures),
		cmocka_unit_test(test_what_has_no_rate_goes_by_what_is_left),
		cmocka_unit_test(test_goroutines_that_start_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
