/* SPDX-License-Identifier: GPL-2.0-only */
/* What is seen of a Go program in one watch: by pulls of its memory, no probe. */
#pragma once

#include "agent/explain/go/sites.h"
#include "agent/explain/go/channels.h"
#include "agent/explain/go/collector.h"
#include "agent/explain/go/pools.h"
#include "agent/explain/source.h"

struct go_source {
	const struct explain_options *options;
	struct reader *reader;
	char *module;		  /* path of the program, escaped */
	struct go_report *report; /* of the last pull */
	const struct go_wish *wish;
	struct go_sites goroutines, timers;
	struct gocollector collector;
	struct gochannels channels;
	struct gopools pools;
	double began, next; /* CLOCK_MONOTONIC */
	uint64_t lost[LOSS_REASON_MAX];
};

/* What a resource asks of a pull. */
struct go_wish {
	const char *resource;
	enum go_feature feature; /* without which there is nothing to say */
	uint32_t wanted;	 /* bits by enum go_feature */
	int (*findings)(const struct go_source *s, struct findings *ret);
};

/* Append what the pulls tell. 0 or -ENOMEM. */
int go_findings_goroutines(const struct go_source *s, struct findings *ret);
int go_findings_timers(const struct go_source *s, struct findings *ret);
int go_findings_collector(const struct go_source *s, struct findings *ret);
int go_findings_channels(const struct go_source *s, struct findings *ret);
int go_findings_pools(const struct go_source *s, struct findings *ret);
int go_findings_outside(const struct go_source *s, struct findings *ret);
int go_findings_all(const struct go_source *s, struct findings *ret);
