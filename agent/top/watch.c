// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "agent/base/cleanup.h"
#include "agent/history.h"
#include "agent/model/group.h"
#include "agent/probe/census.h"
#include "agent/top/watch.h"

#define LEAST_WINDOW   60 /* seconds: something is said within a minute */
#define LOOKS_A_WINDOW 20 /* fewer would make a window's parts too coarse to trend */

struct watch {
	struct model *model;
	struct census *census;
	double own_window;
	bool has_history;
};

int watch_new(pid_t only_pid, double delay, bool ledger, struct watch **ret)
{
	struct census_options look = { .only_pid = only_pid, .ledger = ledger };
	struct watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->own_window =
		delay * LOOKS_A_WINDOW > LEAST_WINDOW ? delay * LOOKS_A_WINDOW : LEAST_WINDOW;
	r = model_new(w->own_window, delay, &w->model);
	if (r == 0)
		r = census_new(&look, w->model, &w->census);
	if (r < 0) {
		watch_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	census_free(w->census);
	model_free(w->model);
	free(w);
}

int watch_look(struct watch *w)
{
	int r;

	/* An agent's history brings its window along; our own series go by ours. */
	w->model->window = w->own_window;
	r = census_run(w->census, w->model);
	if (r < 0)
		return r;
	w->has_history = history_adopt(w->model) == 0;
	if (w->has_history)
		groups_forecast(w->model);
	return 0;
}

const struct model *watch_model(const struct watch *w)
{
	return w->model;
}

bool watch_has_history(const struct watch *w)
{
	return w->has_history;
}
