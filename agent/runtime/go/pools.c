// SPDX-License-Identifier: GPL-2.0-only
#include "agent/runtime/go/pools.h"

#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/calls.h"
#include "agent/runtime/go/process.h"
#include "agent/runtime/go/stack.h"

#define OPENERS	      (2 * GO_POOLS_MAX) /* goroutines that are looked at: some may end meanwhile */
#define USERS	      256		 /* goroutines that wait, whose stacks are looked at */
#define CALLERS	      64		 /* places that ask for connections, told apart */
#define SEARCH_EACH   32		 /* readings without stacks */
#define STACK_BYTES   4096		 /* of a stack, from where it stands */
#define CONNECTIONS   (1u << 24)	 /* more is no number of connections */
#define OPENER_QUEUE  1000000		 /* connectionRequestQueueSize, in all versions */
#define ADDRESS_LEAST 65536
#define ADDRESS_END   (1ull << 47)

enum { DB_CLOSED = 24, DB_FREE = 40, DB_REQUESTS = 64 };
enum { CHANNEL_ITEMS = 0, CHANNEL_CAPACITY = 8, CHANNEL_ITEM_BYTES = 24, CHANNEL_BYTES = 32 };

static const struct go_db_layout layouts[] = {
	{ .open = 80,
	  .opener = 88,
	  .max_idle = 120,
	  .max_open = 128,
	  .wait_count = 160,
	  .idle_closed = 168,
	  .slice = false }, /* Go 1.18 to 1.22 */
	{ .open = 88,
	  .opener = 96,
	  .max_idle = 128,
	  .max_open = 136,
	  .wait_count = 168,
	  .idle_closed = 176,
	  .slice = true }, /* since Go 1.23 */
};

const struct go_db_layout *go_db_layout_of(uint32_t minor, bool other)
{
	return &layouts[(minor >= 23) != other];
}

bool go_db_parse(const uint8_t *bytes, const struct go_db_layout *l, struct go_db *ret,
		 uint64_t *ret_requests)
{
	uint64_t capacity = go_u64(bytes + DB_FREE + 16);

	*ret = (struct go_db){
		.open = go_u64(bytes + l->open),
		.idle = go_u64(bytes + DB_FREE + 8),
		.waiting = l->slice ? go_u64(bytes + DB_REQUESTS + 8) : 0,
		.waited = go_u64(bytes + l->wait_count),
		.closed = go_u64(bytes + DB_CLOSED),
		.idle_closed = go_u64(bytes + l->idle_closed),
		.max_open = go_u64(bytes + l->max_open),
		.max_idle = (int64_t)go_u64(bytes + l->max_idle),
		.opener = go_u64(bytes + l->opener),
	};
	*ret_requests = l->slice ? 0 : go_u64(bytes + DB_REQUESTS);
	return ret->open < CONNECTIONS && ret->idle <= ret->open && ret->idle <= capacity &&
	       capacity < CONNECTIONS && ret->waiting < CONNECTIONS && ret->max_open <= INT32_MAX &&
	       ret->max_idle >= INT32_MIN && ret->max_idle <= INT32_MAX &&
	       ret->idle_closed <= ret->closed;
}

/* The channel is what no other struct has: so many places for items of no size. */
static bool is_opener_channel(struct go_memory *m, uint64_t address)
{
	uint8_t c[CHANNEL_BYTES];

	return address % 8 == 0 && go_memory_read(m, address, c, sizeof(c)) == 0 &&
	       go_u64(c + CHANNEL_CAPACITY) == OPENER_QUEUE &&
	       go_u64(c + CHANNEL_ITEMS) <= OPENER_QUEUE &&
	       (uint16_t)go_u32(c + CHANNEL_ITEM_BYTES) == 0;
}

static bool is_db(struct go_process *p, const uint8_t *bytes, bool other, struct go_db *ret)
{
	uint64_t requests;

	if (!go_db_parse(bytes, go_db_layout_of(p->image.minor, other), ret, &requests) ||
	    !is_opener_channel(&p->memory, ret->opener))
		return false;
	/* A map's first word is how many it holds. */
	if (requests && (go_memory_word(&p->memory, requests, &ret->waiting) < 0 ||
			 ret->waiting >= CONNECTIONS))
		ret->waiting = 0;
	return true;
}

static bool read_db(struct go_process *p, uint64_t address, struct go_db *ret)
{
	uint8_t bytes[GO_DB_BYTES];

	return go_memory_read(&p->memory, address, bytes, sizeof(bytes)) == 0 &&
	       (is_db(p, bytes, false, ret) || is_db(p, bytes, true, ret));
}

/* The linker lays out a package's functions side by side. */
static int take_function(void *context, const struct go_function *f, const char *name)
{
	struct go_sql *sql = context;

	if (strncmp(name, "database/sql.", strlen("database/sql.")) != 0)
		return 0;
	if (!sql->low || f->entry < sql->low)
		sql->low = f->entry;
	if (f->end > sql->high)
		sql->high = f->end;
	if (strcmp(name, "database/sql.Open") == 0)
		sql->open = f->entry;
	if (strcmp(name, "database/sql.OpenDB") == 0) {
		sql->open_db = f->entry;
		sql->open_db_end = f->end;
	}
	return 0;
}

static int search(struct go_process *p)
{
	int r = go_table_each(&p->module.table, take_function, &p->sql);

	p->sql.searched = r == 0;
	return r;
}

static int take_call(void *context, const struct go_call *call)
{
	struct go_sql *sql = context;

	if ((call->to != sql->open && call->to != sql->open_db) ||
	    (call->back >= sql->low && call->back < sql->high))
		return 0;
	if (sql->n_calls < GO_SQL_CALLS)
		sql->calls[sql->n_calls] = call->back;
	sql->n_calls += sql->n_calls <= GO_SQL_CALLS;
	return 0;
}

static int scan_calls(struct go_process *p)
{
	int r = go_calls_each(p, take_call, &p->sql);

	p->sql.scanned = r == 0 || r == -EFAULT;
	return r == -EFAULT ? 0 : r;
}

struct scan {
	struct go_builder *builder;
	struct go_parked openers[OPENERS], users[USERS];
	size_t n_openers, n_users;
	struct {
		uint64_t pc;
		uint32_t pool, count;
		struct go_parked parked;
	} callers[CALLERS];
	size_t n_callers;
	uint8_t stack[STACK_BYTES];
};

static bool may_use_a_pool(const struct go_process *p, uint8_t reason)
{
	const char *text = reason < GO_WAIT_REASONS ? p->wait_reasons[reason] : "";

	return strcmp(text, "IO wait") == 0 || strcmp(text, "select") == 0;
}

static void take_waiting(void *context, const struct go_parked *g, uint8_t reason)
{
	struct scan *s = context;
	const struct go_sql *sql = &s->builder->process->sql;

	if (g->sp < g->low || g->sp >= g->high)
		return;
	if (g->made > sql->open_db && g->made <= sql->open_db_end) {
		if (s->n_openers < OPENERS)
			s->openers[s->n_openers++] = *g;
	} else if (s->n_users < USERS && may_use_a_pool(s->builder->process, reason)) {
		s->users[s->n_users++] = *g;
	}
}

/* How many words of its stack there are. */
static size_t read_words(struct scan *s, const struct go_parked *g)
{
	uint64_t size = g->high - g->sp;

	size = size < sizeof(s->stack) ? size : sizeof(s->stack);
	if (go_memory_read(&s->builder->process->memory, g->sp, s->stack, size) < 0)
		return 0;
	return size / 8;
}

static uint64_t word_at(const struct scan *s, size_t i)
{
	return go_u64(s->stack + 8 * i);
}

static bool is_known(const struct go_report *r, uint64_t address)
{
	for (uint32_t i = 0; i < r->n_pools; i++)
		if (r->pools[i].address == address)
			return true;
	return false;
}

static void add_pool(struct go_report *r, uint64_t address, const struct go_db *db)
{
	r->pools[r->n_pools++] = (struct go_pool){ .address = address,
						   .open = db->open,
						   .idle = db->idle,
						   .waiting = db->waiting,
						   .waited = db->waited,
						   .closed = db->closed,
						   .idle_closed = db->idle_closed,
						   .max_open = db->max_open,
						   .max_idle = db->max_idle };
}

static void look_for_pool(struct scan *s, const struct go_parked *g)
{
	struct go_report *r = s->builder->report;
	size_t n = read_words(s, g);

	for (size_t i = 0; i < n && r->n_pools < GO_POOLS_MAX; i++) {
		uint64_t word = word_at(s, i);
		struct go_db db;

		if (word % 8 || word < ADDRESS_LEAST || word >= ADDRESS_END ||
		    (word >= g->low && word < g->high) || is_known(r, word) ||
		    !read_db(s->builder->process, word, &db))
			continue;
		add_pool(r, word, &db);
		return;
	}
}

/* Of which pool a goroutine in database/sql has the address at hand; n_pools: of none. */
static uint32_t pool_of(const struct scan *s, size_t words)
{
	const struct go_report *r = s->builder->report;

	for (size_t i = 0; i < words; i++)
		for (uint32_t pool = 0; pool < r->n_pools; pool++)
			if (r->pools[pool].address == word_at(s, i))
				return pool;
	return r->n_pools;
}

static void count_caller(struct scan *s, uint64_t pc, uint32_t pool, const struct go_parked *g)
{
	size_t i = 0;

	while (i < s->n_callers && (s->callers[i].pc != pc || s->callers[i].pool != pool))
		i++;
	if (i == CALLERS)
		return;
	if (i == s->n_callers) {
		s->callers[i].pc = pc;
		s->callers[i].pool = pool;
		s->callers[i].count = 0;
		s->callers[i].parked = *g;
		s->n_callers++;
	}
	s->callers[i].count++;
}

static void look_for_user(struct scan *s, const struct go_parked *g)
{
	const struct go_sql *sql = &s->builder->process->sql;
	uint64_t pcs[GO_STACK], caller = 0;
	size_t n = go_stack_read(s->builder->process, g, pcs, GO_STACK);
	uint32_t pool;

	for (size_t i = 0; i + 1 < n; i++)
		if (pcs[i] >= sql->low && pcs[i] < sql->high)
			caller = pcs[i + 1];
	if (!caller)
		return;
	pool = pool_of(s, read_words(s, g));
	if (pool < s->builder->report->n_pools)
		count_caller(s, caller, pool, g);
}

/* The place that most of those who use a pool now came from. */
static void tell_user(struct scan *s, uint32_t pool)
{
	struct go_pool *to = &s->builder->report->pools[pool];
	size_t best = s->n_callers;

	for (size_t i = 0; i < s->n_callers; i++)
		if (s->callers[i].pool == pool &&
		    (best == s->n_callers || s->callers[i].count > s->callers[best].count))
			best = i;
	if (best < s->n_callers)
		go_stack_tell(s->builder, &s->callers[best].parked, &to->user, &to->n_user);
}

/* Where the program opens pools: all calls, or none when there are too many. */
static void tell_calls(struct go_builder *b)
{
	const struct go_sql *sql = &b->process->sql;
	struct go_report *r = b->report;

	r->pool_calls = (uint16_t)r->n_stacks;
	for (uint32_t i = 0; sql->n_calls <= GO_SQL_CALLS && i < sql->n_calls; i++) {
		uint16_t code = go_builder_code(b, sql->calls[i], true);

		if (code == GO_CODES || r->n_stacks == GO_STACKS)
			return;
		r->stacks[r->n_stacks++] = code;
		r->n_pool_calls++;
	}
}

static int tell(struct scan *s)
{
	struct go_process *p = s->builder->process;
	struct go_report *r = s->builder->report;
	struct go_unread unread = p->memory.unread;
	int e = 0;

	for (size_t i = 0; i < s->n_openers; i++)
		look_for_pool(s, &s->openers[i]);
	p->memory.unread = unread; /* a word that is no address is no loss */
	if (s->builder->request->stacks == 0)
		return 0;
	for (size_t i = 0; r->n_pools && i < s->n_users; i++)
		look_for_user(s, &s->users[i]);
	for (uint32_t i = 0; i < r->n_pools; i++)
		tell_user(s, i);
	if (r->n_pools && !p->sql.scanned)
		e = scan_calls(p);
	if (e == 0 && r->n_pools)
		tell_calls(s->builder);
	return e;
}

static void keep_known(const struct go_report *r, struct go_sql *sql)
{
	sql->n_known = r->n_pools;
	for (uint32_t i = 0; i < r->n_pools; i++)
		sql->known[i] = r->pools[i].address;
}

/* What is no pool any more is left out. 0, or -ENXIO when that is not known. */
static int read_known(struct go_builder *b)
{
	struct go_process *p = b->process;
	uint64_t away = go_memory_away(&p->memory);
	struct go_db db;

	for (uint32_t i = 0; i < p->sql.n_known; i++)
		if (read_db(p, p->sql.known[i], &db))
			add_pool(b->report, p->sql.known[i], &db);
	if (go_memory_away(&p->memory) != away)
		return -ENXIO;
	keep_known(b->report, &p->sql);
	return 0;
}

/* Who wants no stacks reads often, and a search for pools looks at every goroutine. */
static bool may_skip_search(struct go_builder *b)
{
	return b->request->stacks == 0 && b->process->sql.scans++ % SEARCH_EACH != 0;
}

enum go_status go_pools_scan(struct go_builder *b)
{
	static struct scan s; /* the child has one thread */
	struct go_process *p = b->process;
	int r = p->sql.searched ? 0 : search(p);

	if (r < 0)
		return go_status_of(r);
	if (!p->sql.open_db)
		return GO_READ; /* it has none */
	if (!p->variables.allgs)
		return GO_NO_VARIABLE;
	if (!p->goroutines)
		return GO_NO_LAYOUT;
	if (may_skip_search(b))
		return go_status_of(read_known(b));
	s.builder = b;
	s.n_openers = s.n_users = s.n_callers = 0;
	r = go_goroutines_waiting(p, 0, take_waiting, &s);
	if (r == 0)
		r = tell(&s);
	if (r == 0)
		keep_known(b->report, &p->sql);
	return go_status_of(r);
}
