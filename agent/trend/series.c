// SPDX-License-Identifier: GPL-2.0-only
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/trend/proof.h"
#include "agent/trend/series.h"
#include "agent/trend/slope.h"

#define PARTS	8 /* of a window */
#define WINDOWS 3 /* that must rise one after the other */
#define KEPT	(PARTS * WINDOWS)
#define GAP	PROOF_DAY /* windows; a longer one starts anew */

/* What the lows of three windows must have gained at least: in units, and of the value itself; and
 * how sure the rise must be (one chance in 2000 for values without a trend). */
#define LEAST_GAIN    3
#define LEAST_SHARE   0.002
#define LEAST_DEVIATE 3.3

/* What a value that moves needs. */
struct past {
	double since;
	float parts[KEPT];	      /* lowest value of each part, newest last */
	float windows[PROOF_WINDOWS]; /* of each window, newest last */
	float window_low;	      /* of the window at hand */
	struct evidence evidence;
};

struct series {
	struct past *past;	     /* NULL while every value was `low` */
	double part_begin;	     /* NAN before the first value */
	float low;		     /* of the part at hand */
	float rate;		     /* per hour */
	uint16_t n_windows, n_parts; /* complete and kept */
	uint8_t phase;		     /* parts of the window at hand that are complete */
	uint8_t verdict;	     /* enum verdict */
	bool restarts;		     /* what is counted survives them */
	float added;		     /* last, NAN when that was taken */
	uint32_t number;	     /* of whoever saves it */
};

static_assert(sizeof(struct series) <= SERIES_FLAT_BYTES, "a flat series");
static_assert(sizeof(struct series) + sizeof(struct past) < SERIES_MOVED_BYTES,
	      "a series that moves");

struct series *series_new(bool restarts)
{
	struct series *s = calloc(1, sizeof(*s));

	if (s)
		*s = (struct series){
			.part_begin = NAN, .rate = NAN, .restarts = restarts, .added = NAN
		};
	return s;
}

void series_free(struct series *s)
{
	if (!s)
		return;
	free(s->past);
	free(s);
}

static void start(struct series *s, double now, double value)
{
	free(s->past);
	*s = (struct series){
		.part_begin = now,
		.low = (float)value,
		.rate = NAN,
		.restarts = s->restarts,
		.added = s->added,
		.number = s->number,
	};
}

/* The value moves for the first time: until now, every low was the same. */
static void promote(struct series *s)
{
	struct past *p = s->past = malloc(sizeof(*p));

	if (!p)
		return;
	for (unsigned int i = 0; i < KEPT; i++)
		p->parts[i] = s->low;
	for (unsigned int i = 0; i < PROOF_WINDOWS; i++)
		p->windows[i] = s->low;
	p->window_low = s->low;
	p->since = NAN;
	p->evidence = (struct evidence){ 0 };
}

/* A day without any movement: what was before cannot prove anything any more. */
static void demote(struct series *s)
{
	const float *w = s->past->windows + PROOF_WINDOWS - PROOF_DAY, *p = s->past->parts;

	if (s->n_windows < PROOF_DAY || s->n_parts < KEPT)
		return;
	for (unsigned int i = 0; i < PROOF_DAY; i++)
		if (w[i] != s->low)
			return;
	for (unsigned int i = 0; i < KEPT; i++)
		if (p[i] != s->low)
			return;
	free(s->past);
	s->past = NULL;
	s->n_windows = PROOF_DAY;
	s->rate = 0;
	s->verdict = VERDICT_STEADY;
}

static void push(float *kept, unsigned int size, float value)
{
	memmove(kept, kept + 1, (size - 1) * sizeof(*kept));
	kept[size - 1] = value;
}

enum rise { RISE_NONE, RISE_SLOWING, RISE_STEADY };

/* Whether the lowest value of each window is above that of the one before, by more than noise,
 * without slowing, and still at the end: what levelled off within the last window does not count.
 */
static enum rise rise_of(const struct series *s)
{
	const float *last = s->past->parts + KEPT - PARTS;
	float low[WINDOWS];

	if (s->n_parts < KEPT)
		return RISE_NONE;
	for (unsigned int w = 0; w < WINDOWS; w++)
		low[w] = slope_lowest(s->past->parts + w * PARTS, PARTS);
	if (low[1] <= low[0] || low[2] <= low[1])
		return RISE_NONE;
	if (low[2] - low[0] < LEAST_GAIN || low[2] - low[0] < LEAST_SHARE * low[2])
		return RISE_NONE;
	if (last[PARTS - 1] <= last[PARTS / 2] || last[PARTS / 2] <= last[0] ||
	    slope_kendall(s->past->parts, KEPT) < LEAST_DEVIATE)
		return RISE_NONE;
	return low[2] - low[1] < (low[1] - low[0]) / 2 ? RISE_SLOWING : RISE_STEADY;
}

static void set_verdict(struct series *s, enum verdict v, double since)
{
	if (v <= VERDICT_WARMING)
		s->past->since = NAN;
	else if (!(s->past->since <= since)) /* or NAN */
		s->past->since = since;
	s->verdict = (uint8_t)v;
}

/* At each part: the rate, and whether it grows. What is proved is not for parts to say. */
static void judge_part(struct series *s, double window)
{
	double error, part_rate;
	enum rise rise;

	if (s->n_parts < PARTS || s->verdict == VERDICT_LEAKING)
		return;
	part_rate = slope_sen(s->past->parts + KEPT - PARTS, PARTS, &error);
	s->rate = (float)(part_rate * PARTS / window * 3600);
	s->past->evidence.rate_error = (float)(error * PARTS / window * 3600);
	rise = rise_of(s);
	s->past->evidence.slowing = rise == RISE_SLOWING;
	if (rise == RISE_STEADY)
		set_verdict(s, VERDICT_GROWING, s->part_begin - WINDOWS * window);
	else if (rise == RISE_SLOWING || (s->n_parts < KEPT && s->rate > 0))
		set_verdict(s, VERDICT_WARMING, NAN);
	else
		set_verdict(s, VERDICT_STEADY, NAN);
}

static void count_rising(struct series *s)
{
	const float *newest = s->past->windows + PROOF_WINDOWS - 1;
	unsigned int n = 0;

	while (n + 1 < s->n_windows && newest[-(int)n] > newest[-(int)n - 1])
		n++;
	s->past->evidence.rising = (uint16_t)n;
}

/* At each window: is it a leak, is it one still? */
static void judge_window(struct series *s, double window)
{
	const float *lows = s->past->windows + PROOF_WINDOWS - s->n_windows;
	double rate, back;

	count_rising(s);
	if (proof_leak(lows, s->n_windows, s->restarts, &s->past->evidence, &rate)) {
		back = fmax(proof_since(lows, s->n_windows, s->restarts), s->past->evidence.span);
		s->rate = (float)(rate / window * 3600);
		s->past->evidence.rate_error *= (float)(3600 / window);
		s->past->evidence.slowing = 0;
		set_verdict(s, VERDICT_LEAKING, s->part_begin - back * window);
	} else if (s->verdict == VERDICT_LEAKING && !proof_holds(lows, s->n_windows, s->restarts)) {
		s->verdict = VERDICT_STEADY;
		s->past->evidence = (struct evidence){ .rising = s->past->evidence.rising };
		judge_part(s, window);
	}
}

static void close_window(struct series *s, double window)
{
	s->phase = 0;
	if (s->n_windows < PROOF_WINDOWS)
		s->n_windows++;
	if (!s->past)
		return;
	push(s->past->windows, PROOF_WINDOWS, s->past->window_low);
	s->past->window_low = INFINITY;
	judge_window(s, window);
	demote(s);
}

static void judge_flat(struct series *s)
{
	if (s->n_parts < PARTS)
		return;
	s->rate = 0;
	s->verdict = VERDICT_STEADY;
}

static void close_part(struct series *s, double window)
{
	if (s->n_parts < KEPT)
		s->n_parts++;
	s->part_begin += window / PARTS;
	if (s->past) {
		push(s->past->parts, KEPT, s->low);
		s->past->window_low = fminf(s->past->window_low, s->low);
		judge_part(s, window);
	} else {
		judge_flat(s);
	}
	if (++s->phase == PARTS)
		close_window(s, window);
}

/* Close what has passed; the parts without a value lie on a line from the last low to this value.
 */
static void pass(struct series *s, double now, float value, double window)
{
	unsigned int passed = (unsigned int)((now - s->part_begin) / (window / PARTS));
	float from = s->low;

	for (unsigned int i = 1; i <= passed; i++) {
		close_part(s, window);
		s->low = i == passed ? value : from + (value - from) * (float)i / (float)passed;
	}
	/* Whether it grows now must be seen, not drawn. */
	if (passed > PARTS)
		s->n_parts = 0;
}

void series_add(struct series *s, double now, double value, double window)
{
	float v = (float)value;

	s->added = v;
	if (!(now - s->part_begin <= GAP * window))
		start(s, now, value);
	if (!s->past && v != s->low) {
		promote(s);
		if (!s->past)
			start(s, now, value);
	}
	if (now - s->part_begin >= window / PARTS)
		pass(s, now, v, window);
	s->low = fminf(s->low, v);
}

struct trend series_trend(const struct series *s)
{
	return (struct trend){ (enum verdict)s->verdict, s->rate, s->past ? s->past->since : NAN };
}

struct evidence series_evidence(const struct series *s)
{
	return s->past ? s->past->evidence
		       : (struct evidence){ .rate_error = s->verdict ? 0 : NAN };
}

uint32_t series_number(const struct series *s)
{
	return s->number;
}

void series_set_number(struct series *s, uint32_t number)
{
	s->number = number;
}

float series_take_added(struct series *s)
{
	float added = s->added;

	s->added = NAN;
	return added;
}

/* A series in a file, before its past. Raise LAYOUT when what was saved would mean something else;
 * the sizes are in it. */
#define LAYOUT 2
struct saved {
	double part_begin;
	float low, rate;
	uint16_t n_windows, n_parts;
	uint8_t phase, verdict, restarts, moved;
};

static_assert(sizeof(struct series) == 40 && sizeof(struct saved) == 24,
	      "a new field is saved too, or can be missed");
static_assert(sizeof(struct past) == sizeof(double) + (KEPT + PROOF_WINDOWS + 1) * sizeof(float) +
					     sizeof(struct evidence),
	      "no byte of it is undefined");
static_assert(sizeof(struct saved) + sizeof(struct past) <= SERIES_SAVED_MAX, "fits");

uint32_t series_layout(void)
{
	return LAYOUT << 24 | PARTS << 16 | (uint32_t)sizeof(struct past);
}

size_t series_save(const struct series *s, uint8_t *dst)
{
	struct saved saved = {
		s->part_begin, s->low,	   s->rate,	s->n_windows,	 s->n_parts,
		s->phase,      s->verdict, s->restarts, s->past != NULL,
	};

	memcpy(dst, &saved, sizeof(saved));
	if (!s->past)
		return sizeof(saved);
	memcpy(dst + sizeof(saved), s->past, sizeof(*s->past));
	return sizeof(saved) + sizeof(*s->past);
}

static bool all_finite(const float *v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (!isfinite(v[i]))
			return false;
	return true;
}

/* What no series of ours would ever be. */
static bool is_odd(const struct saved *saved, const struct past *past)
{
	if (!isfinite(saved->part_begin) || !isfinite(saved->low) || saved->phase >= PARTS ||
	    saved->n_windows > PROOF_WINDOWS || saved->n_parts > KEPT ||
	    saved->verdict >= VERDICT_MAX || saved->restarts > 1 || saved->moved > 1)
		return true;
	return saved->moved &&
	       (!all_finite(past->parts, KEPT) || !all_finite(past->windows, PROOF_WINDOWS) ||
		isnan(past->window_low) || past->evidence.proof > PROOF_DAYS);
}

int series_load(const uint8_t *src, size_t size, struct series **ret, size_t *ret_used)
{
	struct saved saved;
	struct past past;
	struct series *s;
	size_t used = sizeof(saved);

	if (size < sizeof(saved))
		return -EBADMSG;
	memcpy(&saved, src, sizeof(saved));
	if (saved.moved) {
		used += sizeof(past);
		if (size < used)
			return -EBADMSG;
		memcpy(&past, src + sizeof(saved), sizeof(past));
	}
	if (is_odd(&saved, &past))
		return -EBADMSG;
	s = series_new(saved.restarts);
	if (!s || (saved.moved && !(s->past = malloc(sizeof(past))))) {
		series_free(s);
		return -ENOMEM;
	}
	if (s->past)
		*s->past = past;
	s->part_begin = saved.part_begin;
	s->low = saved.low;
	s->rate = saved.rate;
	s->n_windows = saved.n_windows;
	s->n_parts = saved.n_parts;
	s->phase = saved.phase;
	s->verdict = saved.verdict;
	*ret = s;
	*ret_used = used;
	return 0;
}
