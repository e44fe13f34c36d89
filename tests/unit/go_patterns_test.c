// SPDX-License-Identifier: GPL-2.0-only
/* Known mistakes: what is kept by a call into the standard library, named by the function that was
 * called, and what goroutines and timers show of them in a report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static uint32_t add_string(struct go_report *r, const char *text)
{
	uint32_t at = r->n_strings;

	r->n_strings += (uint32_t)snprintf(r->strings + at, 100, "%s", text) + 1;
	return at;
}

/* A report with one group, that waits for this in that function, made by that. */
static void describe(struct go_report *r, const char *made, const char *in, const char *wait)
{
	memset(r, 0, sizeof(*r));
	r->n_strings = 1;
	r->n_codes = r->n_places = 2;
	r->codes[0].n = r->codes[1].n = 1;
	r->codes[1].first = 1;
	r->places[0].function = add_string(r, made);
	r->places[1].function = add_string(r, in);
	r->n_groups = 1;
	r->groups[0].reason = add_string(r, wait);
	r->groups[0].n_stack = 1;
	r->stacks[0] = 1;
}

static const char *pattern_in(const char *made, const char *in, const char *wait, bool keeps,
			      bool ends)
{
	static struct go_report r;
	struct go_evidence e = { .report = &r,
				 .group = &r.groups[0],
				 .keeps = keeps,
				 .ended = ends,
				 .freed = ends,
				 .grown = 10 };
	const char *also[FINDING_ALSO], *name;

	describe(&r, made, in, wait);
	go_patterns_find(&e, &name, also);
	return name;
}

static const char *pattern(const char *made, const char *wait, bool keeps, bool ends)
{
	return pattern_in(made, "internal/poll.(*FD).Read", wait, keeps, ends);
}

static void test_patterns(void **state)
{
	assert_string_equal(pattern("main.handle", "IO wait", true, true), "goroutine-per-request");
	assert_string_equal(pattern("main.handle", "chan send", true, false), "blocked-goroutine");
	assert_string_equal(pattern("main.handle", "semacquire", true, true),
			    "goroutine-per-request");
	assert_string_equal(pattern_in("iter.Pull[go.shape.int]", "main.orders", "coroutine", true,
				       false),
			    "blocked-goroutine");
	assert_null(pattern("main.handle", "chan send", false, true));
	assert_null(pattern("net/http.(*Server).Serve", "IO wait", true, false));
	assert_string_equal(pattern("context.propagateCancel", "select", true, false),
			    "context-not-cancelled");
	assert_string_equal(pattern("netpool.com/x.f", "IO wait", true, false),
			    "goroutine-per-request");
}

/* A handler, or what time.AfterFunc calls: the library started it, the program made it wait. */
static void test_what_the_library_started_for_the_program(void **state)
{
	static const char serve[] = "net/http.(*Server).Serve", own[] = "main.handle";

	assert_string_equal(pattern_in(serve, own, "chan receive", true, false),
			    "blocked-goroutine");
	assert_null(pattern_in(serve, own, "chan receive", false, false));
	assert_null(pattern_in(serve, own, "chan receive", true, true));
	assert_null(pattern_in(serve, own, "IO wait", true, false));
	assert_null(pattern_in("database/sql.(*DB).beginDC", "database/sql.(*Tx).awaitDone",
			       "select", true, false));
}

/* By who made the goroutine, since it is the library's from end to end. */
static void test_a_client_for_each_request(void **state)
{
	static const char *const makers[] = { "net/http.(*Transport).dialConn",
					      "net/http.(*http2Transport).newClientConn",
					      "net/http/internal/http2.(*Transport).newClientConn",
					      "golang.org/x/net/http2.(*Transport).newClientConn",
					      "net/rpc.NewClientWithCodec" };

	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		assert_string_equal(pattern(makers[i], "IO wait", true, false), "unclosed-client");
		assert_null(pattern(makers[i], "IO wait", false, false));
	}
	assert_null(pattern("net/http.(*Transport).dialConn", "select", true, false));
	assert_string_equal(pattern("database/sql.OpenDB", "select", true, false),
			    "unclosed-client");
	assert_null(pattern("net.(*Resolver).lookupIPAddr", "IO wait", true, false));
}

static void test_a_body_of_http2_that_nobody_reads(void **state)
{
	static const char made[] = "net/http.(*http2ClientConn).roundTrip";

	assert_string_equal(pattern_in(made, "net/http.(*http2clientStream).writeRequest", "select",
				       true, false),
			    "unclosed-response-body");
	assert_string_equal(pattern_in("net/http/internal/http2.(*ClientConn).roundTrip",
				       "net/http/internal/http2.(*clientStream).doRequest",
				       "select", true, false),
			    "unclosed-response-body");
	assert_null(pattern_in(made, "net/http.(*http2clientStream).writeRequest", "select", false,
			       false));
}

/* Idle connections end by themselves where each has a timer. */
static void test_a_connection_that_will_be_closed_is_no_mistake(void **state)
{
	static struct go_report r;
	struct go_evidence e = { .report = &r, .group = &r.groups[0], .keeps = true, .grown = 10 };
	const char *also[FINDING_ALSO], *name;

	describe(&r, "net/http.(*Transport).dialConn", "internal/poll.(*FD).Read", "IO wait");
	r.codes[2].n = 1;
	r.codes[2].first = 2;
	r.n_codes = r.n_places = 3;
	r.places[2].function = add_string(&r, "net/http.(*persistConn).closeConnIfStillIdle-fm");
	r.n_timers = 1;
	r.timer_groups[0] = (struct go_timer){ .code = 2, .count = 10 };
	go_patterns_find(&e, &name, also);
	assert_null(name);
	r.timer_groups[0].count = 9;
	go_patterns_find(&e, &name, also);
	assert_string_equal(name, "unclosed-client");
	r.n_timers = 0;
}

/* A server without timeouts waits for clients that began a request and went. */
static void test_a_connection_that_is_read_without_a_deadline(void **state)
{
	static const char serve[] = "net/http.(*Server).Serve", read[] = "net.(*netFD).Read";
	static struct go_report r;
	struct go_evidence e = { .report = &r, .group = &r.groups[0], .keeps = true, .grown = 10 };
	const char *also[FINDING_ALSO], *name;

	assert_string_equal(pattern_in(serve, read, "IO wait", true, false),
			    "read-without-deadline");
	assert_null(pattern_in(serve, read, "IO wait", false, false));
	assert_null(pattern_in(serve, "os.(*File).Read", "IO wait", true, false));
	assert_null(pattern_in("net/http.(*connReader).startBackgroundRead", read, "IO wait", true,
			       false));
	describe(&r, serve, read, "IO wait");
	r.n_timers = 1;
	r.timer_groups[0] = (struct go_timer){ .kind = GO_TIMER_DEADLINE, .count = 10 };
	go_patterns_find(&e, &name, also);
	assert_null(name);
	describe(&r, "main.handle", read, "IO wait");
	go_patterns_find(&e, &name, also);
	assert_string_equal(name, "goroutine-per-request");
	assert_string_equal(also[0], "read-without-deadline");
}

/* A client that has more to do at once than ever dials again, and keeps what it dialled. */
static void test_a_few_connections_more_are_no_mistake(void **state)
{
	static const char serve[] = "net/http.(*Server).Serve", read[] = "net.(*netFD).Read";
	static struct go_report r;
	struct go_evidence e = { .report = &r, .group = &r.groups[0], .keeps = true, .grown = 9 };
	const char *also[FINDING_ALSO], *name;

	describe(&r, serve, read, "IO wait");
	go_patterns_find(&e, &name, also);
	assert_null(name);
	assert_true(go_serves_few_more(&e));
	e.grown = 10;
	assert_false(go_serves_few_more(&e));
	describe(&r, serve, "main.handle", "chan receive"); /* they wait for the program */
	e.grown = 3;
	assert_false(go_serves_few_more(&e));
	describe(&r, "main.dial", read, "IO wait");
	assert_false(go_serves_few_more(&e));
}

static const char *timer_pattern(enum go_timer_kind kind, bool async, bool keeps)
{
	static struct go_report r;
	struct go_timer t = { .kind = kind };
	struct go_evidence e = {
		.report = &r, .timer = &t, .keeps = keeps, .live = 10, .grown = 10
	};
	const char *also[FINDING_ALSO], *name;

	r.async_timers = async;
	go_patterns_find(&e, &name, also);
	return name;
}

/* A dropped ticker is no mistake where the runtime collects it. */
static void test_timer_patterns(void **state)
{
	assert_string_equal(timer_pattern(GO_TIMER_TICKER, true, true), "unstopped-ticker");
	assert_null(timer_pattern(GO_TIMER_TICKER, false, true));
	assert_null(timer_pattern(GO_TIMER_ONCE, false, true));
	assert_null(timer_pattern(GO_TIMER_ONCE, true, false));
	assert_string_equal(timer_pattern(GO_TIMER_CONTEXT, false, true), "context-not-cancelled");
}

/* Each session has its goroutine, which has a timer or two; or has gone and left them. */
static void test_timers_that_goroutines_wait_for(void **state)
{
	static struct go_report r = { .async_timers = true };
	struct go_timer t = { .kind = GO_TIMER_ONCE };
	struct go_evidence e = { .report = &r,
				 .timer = &t,
				 .keeps = true,
				 .live = 40,
				 .grown = 40,
				 .goroutines_grown = 20 };
	const char *also[FINDING_ALSO], *name;

	go_patterns_find(&e, &name, also);
	assert_null(name);
	e.goroutines_grown = 19;
	go_patterns_find(&e, &name, also);
	assert_string_equal(name, "timer-per-iteration");
	e.goroutines_grown = -5;
	go_patterns_find(&e, &name, also);
	assert_string_equal(name, "timer-per-iteration");
}

/* Nobody waits for them; those of a short timeout are soon gone, and few. */
static void test_piles_of_timers(void **state)
{
	static struct go_report r = { .async_timers = true, .live = 10 };
	struct go_timer t = { .kind = GO_TIMER_ONCE, .left_most = 500 * 1000000 };
	struct go_evidence e = { .report = &r, .timer = &t, .live = 100 };
	const char *also[FINDING_ALSO], *name;

	go_patterns_find(&e, &name, also);
	assert_null(name);
	e.live = 1100;
	go_patterns_find(&e, &name, also);
	assert_string_equal(name, "timer-per-iteration");
	e.live = 100;
	t.left_most = 60 * INT64_C(1000000000);
	go_patterns_find(&e, &name, also);
	assert_string_equal(name, "timer-per-iteration");
	t = (struct go_timer){ .kind = GO_TIMER_TICKER, .left_most = 500 * 1000000 };
	go_patterns_find(&e, &name, also);
	assert_string_equal(name, "unstopped-ticker");
}

/* Twenty of the library's own wait until the program has read; beside them others, that read. */
static const char *pattern_of_stream(const char *waits, const char *reads, uint32_t readers)
{
	static struct go_report r;
	struct go_evidence e = { .report = &r, .group = &r.groups[0], .keeps = true, .live = 20 };
	const char *also[FINDING_ALSO], *name;

	describe(&r, "net/http.(*Transport).dialConn", waits, "select");
	r.places[2].function = add_string(&r, reads);
	r.codes[2] = (struct go_code){ .first = 2, .n = 1 };
	r.n_codes = r.n_places = 3;
	r.stacks[1] = 2;
	r.groups[1] = (struct go_group){ .count = readers, .stack = 1, .n_stack = 1 };
	r.n_groups = 2;
	go_patterns_find(&e, &name, also);
	return name;
}

/* A stream, such as a subscription, is read for as long as it lasts. */
static void test_streams_are_no_unclosed_bodies(void **state)
{
	static const struct {
		const char *waits, *reads;
	} rows[] = {
		{ "net/http.(*persistConn).readLoop", "net/http.(*bodyEOFSignal).Read" },
		{ "net/http.(*http2clientStream).writeRequest",
		  "net/http.http2transportResponseBody.Read" },
		{ "net/http/internal/http2.(*clientStream).writeRequest",
		  "net/http/internal/http2.transportResponseBody.Read" },
		{ "golang.org/x/net/http2.(*clientStream).doRequest",
		  "golang.org/x/net/http2.transportResponseBody.Read" },
	};
	static const char unclosed[] = "unclosed-response-body";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *waits = rows[i].waits, *reads = rows[i].reads;

		assert_null(pattern_of_stream(waits, reads, 20));
		assert_null(pattern_of_stream(waits, reads, 11));
		assert_string_equal(pattern_of_stream(waits, reads, 10), unclosed);
		assert_string_equal(pattern_of_stream(waits, "bytes.(*Buffer).Read", 20), unclosed);
	}
}

/* A connection on which a request waits looks like one that idles. */
static void test_long_polls_are_no_unclosed_clients(void **state)
{
	static struct go_report r;
	struct go_evidence e = {
		.report = &r, .group = &r.groups[0], .keeps = true, .live = 10, .grown = 10
	};
	const char *also[FINDING_ALSO], *name;

	describe(&r, "net/http.(*Transport).dialConn", "net/http.(*persistConn).readLoop",
		 "IO wait");
	r.places[2].function = add_string(&r, "net/http.(*persistConn).roundTrip");
	r.codes[2] = (struct go_code){ .first = 2, .n = 1 };
	r.n_codes = r.n_places = 3;
	r.stacks[1] = 2;
	r.groups[1] = (struct go_group){ .count = 10, .stack = 1, .n_stack = 1 };
	r.n_groups = 2;
	go_patterns_find(&e, &name, also);
	assert_null(name);
	r.groups[1].count = 9;
	go_patterns_find(&e, &name, also);
	assert_string_equal(name, "unclosed-client");
}

/* The library ends its idle connections by time.AfterFunc; the program's own calls are its own. */
static void test_callbacks_of_the_library(void **state)
{
	static struct go_report r;
	struct go_timer t = { .kind = GO_TIMER_CALLBACK };
	struct go_evidence e = { .report = &r, .timer = &t, .keeps = true, .live = 10 };
	const char *also[FINDING_ALSO], *name;

	describe(&r, "net/http.(*persistConn).closeConnIfStillIdle-fm", "main.expire", "");
	go_patterns_find(&e, &name, also);
	assert_null(name);
	t.code = 1;
	go_patterns_find(&e, &name, also);
	assert_string_equal(name, "timer-not-stopped");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_context_is_kept_by_who_made_it),
		cmocka_unit_test(test_a_context_of_the_library_is_its_own),
		cmocka_unit_test(test_a_sync_map_is_a_map),
		cmocka_unit_test(test_a_register_of_the_library_is_a_map),
		cmocka_unit_test(test_nothing_else_is_known),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_what_the_library_started_for_the_program),
		cmocka_unit_test(test_a_client_for_each_request),
		cmocka_unit_test(test_a_body_of_http2_that_nobody_reads),
		cmocka_unit_test(test_a_connection_that_will_be_closed_is_no_mistake),
		cmocka_unit_test(test_a_connection_that_is_read_without_a_deadline),
		cmocka_unit_test(test_a_few_connections_more_are_no_mistake),
		cmocka_unit_test(test_timer_patterns),
		cmocka_unit_test(test_timers_that_goroutines_wait_for),
		cmocka_unit_test(test_piles_of_timers),
		cmocka_unit_test(test_streams_are_no_unclosed_bodies),
		cmocka_unit_test(test_long_polls_are_no_unclosed_clients),
		cmocka_unit_test(test_callbacks_of_the_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
