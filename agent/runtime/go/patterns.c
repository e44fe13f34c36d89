// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/go_function.h"
#include "agent/runtime/go/go.h"
#include "agent/runtime/go/patterns.h"

#define CAPTURED_BYTES	 4096 /* of each goroutine: more than its own stack and frame */
#define FREED_OF_BLOCKED 0.05 /* of those that came and stayed */
#define TABLE_BYTES	 2048 /* of a map that holds a hundred keys or more */
#define TIMERS_A_LOT	 50   /* of one kind that nobody waits for */
#define FIRE_SOON	 (10 * INT64_C(1000000000)) /* ns: all that there are are gone by then */
#define SOON_A_LOT	 1000 /* of those, some 200 KiB; as SeepGoTimersAbandoned has it */
#define WAITED_FOR	 2    /* timers that a goroutine may wait for at once */
#define CLIENTS_LEAST	 10 /* of a server that came and stayed, before anything is said of them */

static const char *function_of(const struct go_report *r, uint16_t code)
{
	const struct go_place *place = go_code_place(r, code);

	return place ? go_string(r, place->function) : "";
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *wait_of(const struct go_evidence *e)
{
	return e->group ? go_string(e->report, e->group->reason) : "";
}

/* A collection would not know better. */
bool go_waits_for_others(const char *wait)
{
	static const char *const waits[] = { "chan ", "select",	   "semacquire",
					     "sync.", "wait for ", "coroutine" };

	for (size_t i = 0; i < ARRAY_SIZE(waits); i++)
		if (starts_with(wait, waits[i]))
			return true;
	return false;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_read_loop(const char *function)
{
	return strcmp(function, "net/http.(*persistConn).readLoop") == 0;
}

/* HTTP/2 in net/http or in golang.org/x/net: each request has a goroutine on the connection that
 * waits in a select until the body is read or closed. */
static bool is_stream(const char *function)
{
	return strstr(function, "http2") && (ends_with(function, "lientStream).writeRequest") ||
					     ends_with(function, "lientStream).doRequest"));
}

/* Goroutines that a client of the standard library, or grpc, starts and only its end or its close
 * ends. Of a connection of net/http: that its reader waits for the peer, since it idles. */
static bool is_of_client(const char *made, const char *wait)
{
	if (strcmp(made, "net/http.(*Transport).dialConn") == 0 ||
	    strcmp(made, "net/rpc.NewClientWithCodec") == 0 ||
	    (strstr(made, "http2") && ends_with(made, "ransport).newClientConn")))
		return strcmp(wait, "IO wait") == 0;
	return strcmp(made, "database/sql.OpenDB") == 0 ||
	       starts_with(made, "google.golang.org/grpc/internal/transport.NewHTTP2Client") ||
	       starts_with(made, "google.golang.org/grpc/internal/transport.newHTTP2Client");
}

/* HTTP/2 is the library's wherever it comes from: net/http has a copy of that package in it. */
static bool is_own(const char *function)
{
	return !go_function_is_standard(function) &&
	       !starts_with(function, "golang.org/x/net/http2.");
}

/* On the stack of the one of that group that was looked at. */
static bool group_stands_in(const struct go_report *r, const struct go_group *g,
			    bool (*fits)(const char *function))
{
	for (uint16_t i = 0; i < g->n_stack; i++) {
		const struct go_code *c = &r->codes[r->stacks[g->stack + i]];

		for (uint16_t k = 0; k < c->n; k++)
			if (fits(go_string(r, r->places[c->first + k].function)))
				return true;
	}
	return false;
}

static bool stands_in(const struct go_evidence *e, bool (*fits)(const char *function))
{
	return group_stands_in(e->report, e->group, fits);
}

static bool reads_body(const char *function)
{
	return strcmp(function, "net/http.(*bodyEOFSignal).Read") == 0 ||
	       (strstr(function, "http2") && ends_with(function, "ransportResponseBody.Read"));
}

static bool awaits_response(const char *function)
{
	return strcmp(function, "net/http.(*persistConn).roundTrip") == 0;
}

static uint64_t count_in(const struct go_report *r, bool (*fits)(const char *function))
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < r->n_groups; i++)
		n += group_stands_in(r, &r->groups[i], fits) ? r->groups[i].count : 0;
	return n;
}

/* readLoop waits for the program to read the body; while a connection idles it waits for IO. A
 * stream is read while it comes, by goroutines that wait for more. */
static bool is_unclosed_body(const struct go_evidence *e)
{
	return e->group && e->keeps && strcmp(wait_of(e), "select") == 0 &&
	       (stands_in(e, is_read_loop) || stands_in(e, is_stream)) &&
	       2 * count_in(e->report, reads_body) <= e->live;
}

/* Idle connections of net/http that a timer of theirs will close. */
static uint64_t closing_soon(const struct go_report *r)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < r->n_timers; i++)
		if (starts_with(function_of(r, r->timer_groups[i].code),
				"net/http.(*persistConn).closeConnIfStillIdle"))
			n += r->timer_groups[i].count;
	return n;
}

/* Connections that idle, and those on which a request waits for its response, which look alike. */
static uint64_t in_order(const struct go_report *r)
{
	return closing_soon(r) + count_in(r, awaits_response);
}

/* A client for each request, none of which is closed: a http.Transport keeps two connections to a
 * host by default, a pool is one sql.DB. */
static bool is_unclosed_client(const struct go_evidence *e)
{
	return e->group && e->keeps &&
	       is_of_client(function_of(e->report, e->group->made), wait_of(e)) &&
	       in_order(e->report) < e->grown;
}

/* The deadline's timer, or the goroutine that passes a parent's end on. */
static bool is_uncancelled_context(const struct go_evidence *e)
{
	if (!e->keeps)
		return false;
	if (e->timer)
		return e->timer->kind == GO_TIMER_CONTEXT;
	return e->group && starts_with(function_of(e->report, e->group->made), "context.");
}

static bool is_own_goroutine(const struct go_evidence *e)
{
	return e->group && e->keeps && is_own(function_of(e->report, e->group->made));
}

/* Or one that the library started to call the program: of a request's handler, of AfterFunc. */
static bool works_for_program(const struct go_evidence *e)
{
	return is_own_goroutine(e) || (e->group && e->keeps && stands_in(e, is_own));
}

static bool reads_connection(const char *function)
{
	return strcmp(function, "net.(*netFD).Read") == 0;
}

static uint64_t count_deadlines(const struct go_report *r)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < r->n_timers; i++)
		n += r->timer_groups[i].kind == GO_TIMER_DEADLINE ? r->timer_groups[i].count : 0;
	return n;
}

static bool waits_for_peer(const struct go_evidence *e)
{
	return e->group && strcmp(wait_of(e), "IO wait") == 0 && stands_in(e, reads_connection);
}

static bool is_server_of_library(const struct go_evidence *e)
{
	return strcmp(function_of(e->report, e->group->made), "net/http.(*Server).Serve") == 0;
}

bool go_serves_few_more(const struct go_evidence *e)
{
	return waits_for_peer(e) && is_server_of_library(e) && !works_for_program(e) &&
	       e->grown < CLIENTS_LEAST;
}

/* A deadline of a connection is a timer. Without one, who reads waits for a peer that is slow, or
 * gone without a word, for as long as the kernel does. A server of the library reads for the
 * program, which sets its timeouts. */
static bool is_endless_read(const struct go_evidence *e)
{
	return e->keeps && waits_for_peer(e) && !go_serves_few_more(e) &&
	       (works_for_program(e) || is_server_of_library(e)) &&
	       count_deadlines(e->report) < e->grown;
}

/* The heap grows with the sleepers, by more than a goroutine takes by itself. */
static bool is_long_capture(const struct go_evidence *e)
{
	return is_own_goroutine(e) && strcmp(wait_of(e), "sleep") == 0 && e->grown &&
	       e->heap_grown >= (int64_t)(e->grown * CAPTURED_BYTES);
}

/* For good: a backlog waits for others too, but some of it gets its turn. A few that were freed can
 * be passing work with ids from before its time (explain/go/sites.c). */
static bool is_blocked(const struct go_evidence *e)
{
	return e->group &&
	       (e->group->leaked || (works_for_program(e) && go_waits_for_others(wait_of(e)) &&
				     (double)e->freed <= FREED_OF_BLOCKED * (double)e->grown));
}

/* They become more, and not with goroutines that wait for them: those would be told themselves. */
static bool are_more_than_waiters(const struct go_evidence *e)
{
	return e->keeps &&
	       (e->goroutines_grown < 0 || e->grown > WAITED_FOR * (uint64_t)e->goroutines_grown);
}

/* A short timeout in a busy loop leaves few, and never more. */
static uint64_t a_lot(const struct go_timer *t)
{
	return t->kind == GO_TIMER_ONCE && t->left_most < FIRE_SOON ? SOON_A_LOT : TIMERS_A_LOT;
}

/*
 * Timers of channels are of this program's making when there are more than goroutines that could
 * wait for them. Where dropped timers go by themselves, they are no mistake.
 */
static bool is_forgotten_timer(const struct go_evidence *e, enum go_timer_kind kind)
{
	return e->timer && e->timer->kind == kind && e->report->async_timers &&
	       (are_more_than_waiters(e) ||
		e->live > a_lot(e->timer) + WAITED_FOR * e->report->live);
}

static bool is_unstopped_ticker(const struct go_evidence *e)
{
	return is_forgotten_timer(e, GO_TIMER_TICKER);
}

static bool is_timer_pile(const struct go_evidence *e)
{
	return is_forgotten_timer(e, GO_TIMER_ONCE);
}

/* What time.AfterFunc started stays until it fires, whatever the version. The library's own calls,
 * as those that end idle connections, are bound to what they end, which is told by itself. */
static bool is_unstopped_timer(const struct go_evidence *e)
{
	return is_timer_pile(e) || (e->timer && e->timer->kind == GO_TIMER_CALLBACK && e->keeps &&
				    is_own(function_of(e->report, e->timer->code)));
}

static const struct {
	const char *name;
	bool (*fits)(const struct go_evidence *e);
} patterns[] = {
	{ "unclosed-response-body", is_unclosed_body },
	{ "unclosed-client", is_unclosed_client },
	{ "context-not-cancelled", is_uncancelled_context },
	{ "unstopped-ticker", is_unstopped_ticker },
	{ "timer-per-iteration", is_timer_pile }, /* the same mistake, as far as a pull can tell */
	{ "timer-not-stopped", is_unstopped_timer },
	{ "long-lived-capture", is_long_capture },
	{ "blocked-goroutine", is_blocked },
	{ "goroutine-per-request", is_own_goroutine },
	{ "read-without-deadline", is_endless_read },
};

void go_patterns_find(const struct go_evidence *e, const char **ret_pattern,
		      const char *ret_also[FINDING_ALSO])
{
	size_t n = 0;

	*ret_pattern = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		if (!patterns[i].fits(e))
			continue;
		if (!*ret_pattern)
			*ret_pattern = patterns[i].name;
		else if (n < FINDING_ALSO)
			ret_also[n++] = patterns[i].name;
	}
	if (n < FINDING_ALSO)
		ret_also[n] = NULL;
}

const char *go_allocating_function(const struct finding *f)
{
	size_t i = 0;

	while (i < f->n_frames && go_function_is_runtime(f->frames[i].function))
		i++;
	return i < f->n_frames && !go_function_is_standard(f->frames[i].function)
		       ? f->frames[i].function
		       : NULL;
}

const char *go_pattern_of_keeper(const struct finding *f)
{
	static const struct {
		const char *called, *pattern;
	} rows[] = {
		{ "context.WithCancel", "context-not-cancelled" },
		{ "context.WithDeadline", "context-not-cancelled" },
		{ "context.WithTimeout", "context-not-cancelled" },
		{ "context.AfterFunc", "context-not-cancelled" },
		{ "sync.(*Map).", "unbounded-map" },
		/* registers, out of which the library takes nothing */
		{ "expvar.", "unbounded-map" },
		{ "os/signal.Notify", "unbounded-map" },
		{ "reflect.StructOf", "unbounded-map" },
		{ "reflect.FuncOf", "unbounded-map" },
	};
	const char *called = "";

	for (size_t i = 0; i < f->n_frames && go_function_is_standard(f->frames[i].function); i++)
		called = f->frames[i].function;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (starts_with(called, rows[i].called))
			return rows[i].pattern;
	return NULL;
}

/* Between the allocator and the program's own function. */
static bool is_of_map(const struct finding *f)
{
	static const char *const parts[] = { "runtime.mapassign", "runtime.hashGrow",
					     "internal/runtime/maps.(*table).",
					     "internal/runtime/maps.(*Map).Put",
					     "internal/runtime/maps.(*Map).growTo" };

	for (size_t i = 0; i < f->n_frames && go_function_is_runtime(f->frames[i].function); i++)
		for (size_t k = 0; k < ARRAY_SIZE(parts); k++)
			if (starts_with(f->frames[i].function, parts[k]))
				return true;
	return false;
}

const char *go_pattern_of_growth(const struct finding *f)
{
	const char *pattern = go_pattern_of_keeper(f);

	if (!pattern && f->live_bytes >= f->live * TABLE_BYTES && is_of_map(f) &&
	    go_allocating_function(f))
		pattern = "unbounded-map";
	return pattern;
}
