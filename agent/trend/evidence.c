// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "agent/base/text.h"
#include "agent/trend/evidence.h"
#include "agent/trend/proof.h"

struct text {
	char *dst;
	size_t size, at;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *format, ...)
{
	size_t room = t->at < t->size ? t->size - t->at : 0;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->dst + (room ? t->at : 0), room, format, args);
	va_end(args);
	t->at += n > 0 ? (size_t)n : 0;
}

static void add_proof(struct text *text, const struct evidence *e)
{
	if (e->proof == PROOF_BLOCKS)
		add(text, "; the minima of %u windows each rise evenly over %u windows", e->block,
		    e->span);
	if (e->proof == PROOF_DAYS)
		add(text, "; each hour is above the same hour of the day before, over %u windows",
		    e->span);
	if (e->resets)
		add(text, "; lost and grew again %u time%s", e->resets, e->resets == 1 ? "" : "s");
}

/* A count as digits, never as a power of ten. */
static void add_amount(struct text *text, double value, int digits, bool bytes)
{
	char amount[32];

	if (bytes)
		text_format_bytes(value, amount, sizeof(amount));
	else if (fabs(value) >= 100)
		snprintf(amount, sizeof(amount), "%.0f", value);
	else
		snprintf(amount, sizeof(amount), "%.*g", digits, value);
	add(text, "%s", amount);
}

static void add_slope(struct text *text, const struct trend *t, const struct evidence *e,
		      bool bytes)
{
	add(text, "; slope ");
	add_amount(text, t->rate_per_hour, 4, bytes);
	add(text, "/h");
	if (isnan(e->rate_error))
		return;
	add(text, " ± ");
	add_amount(text, e->rate_error, 2, bytes);
}

void evidence_write(const struct trend *t, const struct evidence *e, bool bytes, char *dst,
		    size_t size)
{
	struct text text = { dst, size, 0 };

	if (size)
		*dst = '\0';
	if (t->verdict == VERDICT_UNKNOWN || isnan(t->rate_per_hour))
		return;
	if (e->old)
		add(&text, "of those older than a window, ");
	if (e->rising)
		add(&text, "the minimum of each of the last %u windows rose", e->rising + 1);
	else
		add(&text, "the minimum of the last window did not rise");
	add_proof(&text, e);
	add_slope(&text, t, e, bytes);
	if (t->verdict >= VERDICT_WARMING)
		add(&text, e->slowing ? "; slowing" : "; no slowing");
	if (e->span > PROOF_DAY)
		add(&text, "; longer than a day of windows");
}

void trend_eta_range(const struct trend *t, const struct evidence *e, double used, double limit,
		     double *ret_low, double *ret_high)
{
	double eta = trend_eta(t, used, limit), left = (limit - used) * 3600;
	double slow = t->rate_per_hour - e->rate_error, fast = t->rate_per_hour + e->rate_error;

	*ret_low = *ret_high = NAN;
	if (isnan(eta) || isnan(e->rate_error))
		return;
	*ret_low = eta > 0 ? left / fast : 0;
	if (eta == 0 || slow > 0)
		*ret_high = eta > 0 ? left / slow : 0;
}
