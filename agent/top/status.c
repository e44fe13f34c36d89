// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/model/sentence.h"
#include "agent/top/status.h"

static double watched(const struct model *m)
{
	return m->now - m->started;
}

/* Whether a first trend is known: a window has passed, or an agent has told. */
static bool has_trends(const struct watch *w)
{
	const struct model *m = watch_model(w);

	return watch_has_history(w) || watched(m) >= m->window;
}

void status_headline(const struct watch *w, const struct rows *list, char *dst, size_t size)
{
	const struct row *worst = rows_worst(list);
	char sentence[STATUS_MAX];

	*dst = '\0';
	if (!worst) {
		snprintf(dst, size, "No process passes the filter.");
		return;
	}
	if (row_verdict(worst) >= VERDICT_GROWING) {
		sentence_growth(&worst->holder, worst->slot, dst, size);
		return;
	}
	if (row_nearly_full(worst)) {
		sentence_share(&worst->holder, worst->slot, sentence, sizeof(sentence));
		snprintf(dst, size, "Near its bound: %s", sentence);
		return;
	}
	if (!isnan(worst->births) && sentence_births(worst->holder.process, dst, size))
		return;
	if (row_warms(worst)) {
		sentence_growth(&worst->holder, worst->slot, sentence, sizeof(sentence));
		snprintf(dst, size, "Rising, too early for a verdict: %s", sentence);
		return;
	}
	sentence_share(&worst->holder, worst->slot, sentence, sizeof(sentence));
	snprintf(dst, size, "%s Nearest to a bound: %s",
		 has_trends(w) ? "Nothing grows." : "No trend yet.", sentence);
}

/* "; 4 leak, 1 grows, 2 near their bound" */
static void say_counts(const struct rows *list, char *dst, size_t size)
{
	size_t leak = 0, grow = 0, near = 0;
	const char *before = "; ";

	for (size_t i = 0; i < list->n; i++) {
		enum verdict v = row_verdict(&list->rows[i]);

		leak += v == VERDICT_LEAKING;
		grow += v == VERDICT_GROWING;
		near += row_nearly_full(&list->rows[i]);
	}
	if (leak) {
		text_append(dst, size, "%s%zu leak%s", before, leak, leak == 1 ? "s" : "");
		before = ", ";
	}
	if (grow) {
		text_append(dst, size, "%s%zu grow%s", before, grow, grow == 1 ? "s" : "");
		before = ", ";
	}
	if (near)
		text_append(dst, size, "%s%zu near %s bound", before, near,
			    near == 1 ? "its" : "their");
}

void status_watching(const struct watch *w, const struct rows *list, char *dst, size_t size)
{
	const struct model *m = watch_model(w);
	char span[32], window[32];

	model_format_span(watched(m), span, sizeof(span));
	model_format_span(m->window, window, sizeof(window));
	if (watch_has_history(w))
		snprintf(dst, size, "history from the running agent, window %s", window);
	else if (has_trends(w))
		snprintf(dst, size, "watching for %s, window %s", span, window);
	else
		snprintf(dst, size, "watching for %s; a trend needs %s", span, window);
	say_counts(list, dst, size);
}

static void say_losses(const struct model *m, char *dst, size_t size)
{
	for (enum loss_topic t = 0; t < LOSS_TOPIC_MAX; t++)
		for (enum loss_reason r = 0; r < LOSS_REASON_MAX; r++)
			if (m->lost[t][r])
				text_append(dst, size, "%slost in %s: %" PRIu64 " (%s)",
					    *dst ? "; " : "", loss_topic_name(t), m->lost[t][r],
					    loss_reason_name(r));
}

void status_troubles(const struct watch *w, const struct rows *list, char *dst, size_t size)
{
	const struct model *m = watch_model(w);

	*dst = '\0';
	for (size_t i = 0; i < m->n_rungs; i++)
		if (*m->rungs[i].reason)
			text_append(dst, size, "%s%s: %s only (%s)", *dst ? "; " : "",
				    m->rungs[i].topic, m->rungs[i].rung, m->rungs[i].reason);
	if (list->unreadable)
		text_append(dst, size, "%s%zu process%s not read in full%s%s%s", *dst ? "; " : "",
			    list->unreadable, list->unreadable == 1 ? "" : "es",
			    list->unreadable_reason ? " (" : "",
			    list->unreadable_reason ? list->unreadable_reason : "",
			    list->unreadable_reason ? ")" : "");
	say_losses(m, dst, size);
}
