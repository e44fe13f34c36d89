// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/layout.h"

/*
 * What is fixed relative to two offsets of struct g in all versions: the status stands before the
 * goroutine's id, the address of the go statement two words before that of the function.
 */
#define G(goid, startpc, bp)                                                                       \
	.g_sp = 56, .g_pc = 64, .g_bp = (bp), .g_status = (goid)-8, .g_goid = (goid),              \
	.g_wait_since = (goid) + 16, .g_wait_reason = (goid) + 24, .g_gopc = (startpc)-16,         \
	.g_startpc = (startpc), .g_bytes = (startpc) + 8

/* Of a timer: period, callback and argument follow the time. */
#define TIMER(when, state, owner, size)                                                            \
	.timer_when = (when), .timer_period = (when) + 8, .timer_callback = (when) + 16,           \
	.timer_argument = (when) + 24, .timer_state = (state), .timer_owner = (owner),             \
	.timer_bytes = (size)
#define OLD_TIMERS(at) .p_timers = (at), .timer_pairs = false, TIMER(8, 64, 0, 72)
#define NEW_TIMERS(at, when, owner, size)                                                          \
	.p_timers = (at), .timer_pairs = true, TIMER(when, 9, owner, size)

#define STATS(base)                                                                                \
	.stats_cycles = (base) + 4104, .stats_cpu_fraction = (base) + 4112,                        \
	.stats_buckhash = (base)-32
#define CONTROLLER(live)                                                                           \
	.gc_live = (live), .gc_marked = (live) + 48, .gc_total_alloc = (live) + 192,               \
	.gc_total_free = (live) + 200, .gc_mapped_ready = (live) + 208
#define HTTP(idle_at) .http_idle_at = (idle_at)
/* Of minor versions first to last; 1.20 is in none of the packages that these come from. */
static const struct {
	uint32_t first, last;
	struct go_layout layout;
} layouts[] = {
	{ 19, 19, { G(152, 312, 104), OLD_TIMERS(8840), STATS(3600), CONTROLLER(136), HTTP(184) } },
	{ 21, 21, { G(152, 296, 104), OLD_TIMERS(8840), STATS(3600), CONTROLLER(104), HTTP(184) } },
	{ 22, 22, { G(152, 296, 104), OLD_TIMERS(8872), STATS(3600), CONTROLLER(104), HTTP(184) } },
	{ 23,
	  24,
	  { G(160, 304, 104), NEW_TIMERS(8840, 16, 64, 88), STATS(3600), CONTROLLER(104),
	    HTTP(184) } },
	{ 25,
	  25,
	  { G(152, 296, 96), NEW_TIMERS(9392, 24, 72, 96), STATS(3576), CONTROLLER(104),
	    HTTP(184) } },
	{ 26,
	  27,
	  { G(152, 304, 96), NEW_TIMERS(13672, 24, 72, 96), STATS(3576), CONTROLLER(104),
	    HTTP(192) } },
};

#define SAMPLE		 64	/* goroutines that a derivation looks at */
#define FIRST_OFFSET	 120	/* of struct g: before it stand the stack, m and sched */
#define STATUS_MASK	 0xfffu /* without the bit that a collection sets meanwhile */
#define STATUS_MAX	 16
#define P_BYTES		 16384
#define TIMERS_PLAUSIBLE (1ull << 32)

void go_layout_of(uint32_t minor, struct go_layout *ret)
{
	size_t best = minor ? 0 : ARRAY_SIZE(layouts) - 1;

	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		if (layouts[i].first <= minor)
			best = i;
	*ret = layouts[best].layout;
	if (minor >= layouts[best].first && minor <= layouts[best].last)
		ret->minor = minor;
}

uint32_t go_layout_stamp(const struct go_layout *l, enum go_births births)
{
	if (births == GO_BIRTHS_QUERIES)
		return GO_SQL_RETURNED_AT;
	return births == GO_BIRTHS_REQUESTS && l->minor ? l->http_idle_at : 0;
}

struct sample {
	uint8_t bytes[SAMPLE][GO_G_BYTES_MAX];
	size_t n;
};

static int read_sample(struct go_memory *m, uint64_t allgs, struct sample *ret)
{
	uint64_t slice[3], pointers[SAMPLE];
	int r = go_memory_read(m, allgs, slice, sizeof(slice));
	size_t n = r == 0 && slice[1] < SAMPLE ? slice[1] : SAMPLE;

	if (r == 0 && (n == 0 || slice[1] > slice[2]))
		r = -EPROTO;
	if (r == 0)
		r = go_memory_read(m, slice[0], pointers, n * sizeof(pointers[0]));
	/* More is read than a struct may have, so that of one at the end of a mapping fails. */
	ret->n = 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (go_memory_read(m, pointers[i], ret->bytes[ret->n], GO_G_BYTES_MAX) == 0)
			ret->n++;
	return r < 0 ? r : ret->n ? 0 : -EFAULT;
}

static bool status_plausible(uint32_t status)
{
	return (status & STATUS_MASK) < STATUS_MAX;
}

/* One of the first goroutines is the program's main one, and nothing contradicts. */
static bool offsets_hold(const struct go_layout *l, const struct go_module *m,
			 const struct sample *s, uint64_t main)
{
	bool found = false;

	for (size_t i = 0; i < s->n; i++) {
		const uint8_t *g = s->bytes[i];
		uint64_t start = go_u64(g + l->g_startpc), made = go_u64(g + l->g_gopc);

		if (!status_plausible(go_u32(g + l->g_status)))
			return false;
		if ((start && !go_module_is_code(m, start)) ||
		    (made && !go_module_is_code(m, made)))
			return false;
		found |= start == main && go_u64(g + l->g_goid) - 1 < SAMPLE;
	}
	return found;
}

/* Where the function is that a goroutine runs: main's is known, all others' are code. */
static uint16_t derive_start(const struct go_module *m, const struct sample *s, uint64_t main)
{
	for (size_t at = FIRST_OFFSET; at + 8 <= GO_G_BYTES_MAX - 24; at += 8) {
		bool found = false, code = true;

		for (size_t i = 0; i < s->n; i++) {
			uint64_t start = go_u64(s->bytes[i] + at);

			found |= start == main;
			code &= start == 0 || go_module_is_code(m, start);
		}
		if (found && code)
			return (uint16_t)at;
	}
	return 0;
}

/* Where its id is: small numbers, all different, a status before each. What a goroutine waits for
 * stands 24 bytes behind it (G above), and is read with it. */
static uint16_t derive_goid(const struct sample *s, uint16_t before)
{
	for (size_t at = FIRST_OFFSET; at + 24 < before; at += 8) {
		bool good = s->n > 1;

		for (size_t i = 0; good && i < s->n; i++) {
			uint64_t id = go_u64(s->bytes[i] + at);

			good = id && id < 1ull << 40 &&
			       status_plausible(go_u32(s->bytes[i] + at - 8));
			for (size_t k = 0; good && k < i; k++)
				good = go_u64(s->bytes[k] + at) != id;
		}
		if (good && go_u64(s->bytes[0] + at) == 1)
			return (uint16_t)at;
	}
	return 0;
}

static int derive(struct go_layout *l, const struct go_module *m, const struct sample *s,
		  uint64_t main)
{
	uint16_t start = derive_start(m, s, main), goid = start ? derive_goid(s, start) : 0;
	const struct go_layout g = { G(goid, start, l->g_bp) };

	if (!goid)
		return -EPROTO;
	l->minor = 0;
	l->g_status = g.g_status;
	l->g_goid = g.g_goid;
	l->g_wait_since = g.g_wait_since;
	l->g_wait_reason = g.g_wait_reason;
	l->g_gopc = g.g_gopc;
	l->g_startpc = g.g_startpc;
	l->g_bytes = g.g_bytes;
	return offsets_hold(l, m, s, main) ? 0 : -EPROTO;
}

int go_layout_goroutines(struct go_layout *l, struct go_module *m, const struct go_variables *v)
{
	struct sample sample;
	int r = read_sample(m->table.memory, v->allgs, &sample);

	if (r < 0)
		return r;
	if (l->minor && offsets_hold(l, m, &sample, v->main))
		return 0;
	return derive(l, m, &sample, v->main);
}

/* The owner that the first of these timers names: its p, or the p's struct of timers. */
static bool owner_holds(const struct go_layout *l, struct go_memory *m, uint64_t timers,
			uint64_t owner)
{
	uint64_t timer, found;

	return go_memory_word(m, timers, &timer) == 0 && timer &&
	       go_memory_word(m, timer + l->timer_owner, &found) == 0 && found == owner;
}

static bool is_slice(const uint8_t *bytes)
{
	uint64_t n = go_u64(bytes + 8), capacity = go_u64(bytes + 16);

	return go_u64(bytes) && n && n <= capacity && capacity < TIMERS_PLAUSIBLE;
}

int go_layout_timers(struct go_layout *l, struct go_module *m, uint64_t p)
{
	struct go_memory *memory = m->table.memory;
	uint16_t lead = l->timer_pairs ? 8 : 0; /* a lock stands before the heap */
	uint8_t bytes[P_BYTES];
	int r = go_memory_read(memory, p, bytes, l->minor ? l->p_timers + 32u : sizeof(bytes));

	if (r < 0)
		return r;
	if (l->minor) {
		const uint8_t *slice = bytes + l->p_timers + lead;

		if (go_u64(slice + 8) == 0)
			return -EAGAIN;
		return is_slice(slice) && owner_holds(l, memory, go_u64(slice),
						      l->timer_pairs ? p + l->p_timers : p)
			       ? 0
			       : -EPROTO;
	}
	for (uint16_t at = 0; at + 32u <= sizeof(bytes); at += 8) {
		if (is_slice(bytes + at + lead) && owner_holds(l, memory, go_u64(bytes + at + lead),
							       l->timer_pairs ? p + at : p)) {
			l->p_timers = at;
			return 0;
		}
	}
	return -EAGAIN;
}
