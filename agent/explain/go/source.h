/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is told of a Go program, by four sources (agent/explain/source.h). What is read of it comes
 * from agent/runtime/go.
 *
 * go, by pulls of its memory, with no probe: source.c
 *   findings.c    goroutines and timers; sites.c judges them, lives.c follows the timers,
 *                 chains.c knows those that make the next
 *   channels.c, channel_findings.c      queues that fill
 *   pools.c                             pools of a database
 *   collector.c, limit.c, limit_findings.c   what the collector did, and its memory limit
 *   outside.c                           memory that is not Go's
 * gobirths, by windows on what is made: births_source.c; births_probes.c which windows,
 *     births_oracle.c what became of it, rare.c longer windows on what is rare
 *   heap_findings.c   objects of the heap; churn.c those that die at once, stores.c those in a
 *                     store that has room, youth.c those of a program that has just begun
 *   maps.c, maps_findings.c             maps by their keys
 *   timer_findings.c                    who makes timers
 *   request_findings.c                  answers that nobody reads
 *   profile.c, profile_findings.c       the program's own heap profile; profile_look.c when it is
 *                                       read, profile_switch.c the one write, by --active
 * gospawns, by windows on go statements: spawn_source.c; spawns.c completes others' stacks
 *   probe.c           a probe on one kind of births, for both
 * gobuffers, by how far objects are filled: buffers_source.c, buffers.c, buffers_findings.c
 */
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
