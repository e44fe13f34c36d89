/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a Go program makes, seen in windows: objects of its heap, timers, keys of maps. Each kind is
 * a part with probes of its own; all are attached and detached together.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/explain/go/collector.h"
#include "agent/explain/go/maps.h"
#include "agent/explain/go/probe.h"
#include "agent/explain/go/profile.h"
#include "agent/explain/go/profile_switch.h"
#include "agent/explain/source.h"
#include "agent/explain/survivors.h"
#include "agent/explain/windows.h"
#include "agent/probe/survivor.h"
#include "agent/runtime/go/objects.h"

#define GORARE_MAX 4

/* What is rare has a book and windows of its own (rare.c). */
struct gorare {
	struct survivors *book; /* NULL: not watched */
	struct goprobe_windows windows;
	double due;	  /* when fates may be asked for again */
	uint32_t checked; /* generation that the book was last checked in, of the heap's */
};

struct gobirths {
	const struct explain_options *options;
	struct reader *reader;
	struct uprobe_host host;
	char *module;				/* path of the program, escaped */
	struct survivor *probes[GO_BIRTHS_MAX]; /* NULL: not watched */
	/* Books; NULL: not watched. */
	struct survivors *heap, *timers;
	struct gomaps maps;
	struct windows windows;
	uint64_t taken;		/* windows whose births are in the books */
	uint64_t began;		/* ns of CLOCK_MONOTONIC */
	double due, timers_due; /* when fates may be asked for again; seconds */
	double looked;		/* whether a collection ended; seconds */
	uint32_t checked;	/* generation that the heap's book was last checked in */
	uint64_t collected;	/* when that was new: ns of CLOCK_MONOTONIC, 0: never */
	struct gorare rare[GORARE_MAX];
	struct go_fates_request *request; /* room for the questions */
	struct go_fates first, last;	  /* of the heap when the watch began, and now */
	struct go_fates timers_first, timers_last;
	struct gocollector collector; /* at the beginning and at the end */
	struct goprofile profile;     /* the program's own, no looks where it keeps none */
	struct go_profile *reading;   /* room for one */
	double profile_due;	      /* seconds */
	struct goprofile_switch profile_switch;
	uint64_t lost[LOSS_REASON_MAX]; /* by what came after the watch */
};

/* Whether the resource that is asked for is about them. */
bool gobirths_wanted(const struct explain_options *o, enum go_births births);
/* Make a probe for each kind that is wanted and can be had. 0 when there is one, or what the last
 * failed with, as goprobe_new. */
int gobirths_start_probes(struct gobirths *s);
/* Those that open all probes but those of what is rare; the context is the source. */
extern const struct window_ops gobirths_windows;
/* CPU seconds of one kind's traps and programs so far, and its counts. */
double gobirths_cost(struct gobirths *s, enum go_births births, struct survivor_counts *ret);

/* What tells of objects of the heap; the context is the source. */
struct survivor_oracle gobirths_heap_oracle(struct gobirths *s);
/* What the oracles answer by; the context is the source. */
int gobirths_ask_heap(void *source, const struct survivor_query *queries, size_t n,
		      struct survivor_answer *ret);
int gobirths_ask_timers(void *source, const struct survivor_query *queries, size_t n,
			struct survivor_answer *ret);
int gobirths_ask_readers(void *source, const struct survivor_query *queries, size_t n,
			 struct survivor_answer *ret);
int gobirths_ask_users(void *source, const struct survivor_query *queries, size_t n,
		       struct survivor_answer *ret);

/* Name the stack of a site key into a finding; says in it why it could not. */
void gobirths_name(struct gobirths *s, enum go_births births, uint64_t key, struct finding *f);

/*
 * Read the program's own heap profile, where it keeps one, when it is due. 0, -ENODATA when there
 * is none, or -errno; what one reading could not see the next one may.
 */
int goprofile_look(struct gobirths *s);

/*
 * Queries, requests of clients, and allocations for which a free slot does not do are rare, so that
 * their windows are long. In those on all allocations, which are short where a program allocates
 * much, a few of them would be seen by chance. 0, or -ENOMEM; a poll goes on with the windows, an
 * end closes the last, and asks what became of all.
 */
int gorare_start(struct gobirths *s);
int gorare_poll(struct gobirths *s);
void gorare_end(struct gobirths *s);
/* Whether some wait for a collection to tell of them; ask what it told, since it ended. */
bool gorare_waits(const struct gobirths *s);
int gorare_collected(struct gobirths *s);
/* NULL where it is no rare kind, or none was watched. */
const struct gorare *gorare_get(const struct gobirths *s, enum go_births births);
bool gorare_is(enum go_births births);

/* Ask a book about all that lives in it; *ret_due: when it may be asked again. */
int gobirths_check(struct survivors *book, double *ret_due);

/* What the runtime and sync.Pool hold in reserve for the program, as many as once were used; so do
 * the overflow buckets of maps, which stay when their keys go: maps are told by their keys. */
bool goheap_is_reserve(const struct finding *f);

/* Whether objects of the heap stay that this function makes, or what it calls; false for NULL. */
bool goheap_keeps_in(const struct findings *list, const char *function);

/* Append what was seen of each kind. 0 or -errno. */
int goheap_findings(struct gobirths *s, double seconds, struct findings *ret);
int gomaps_findings(struct gobirths *s, struct findings *ret);
/* Those of the heap begin at the row first; what the profile says of the same sites is told there.
 */
int goprofile_findings(struct gobirths *s, size_t first, struct findings *ret);
int gorequest_findings(struct gobirths *s, struct findings *ret);
int gotimer_findings(struct gobirths *s, double seconds, struct findings *ret);
