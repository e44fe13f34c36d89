/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What seep explain says of one site: the place in the code that takes a resource, how much of it
 * lives, and whether it gives back. A source (descriptors, heap) makes findings, an exporter writes
 * them; neither knows the other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/model/frame.h"
#include "agent/model/loss.h"

enum site_verdict { SITE_UNDECIDED, SITE_KEEPS, SITE_RETURNS };

#define FINDING_ALSO	      4
#define FINDING_PEER_SIZE     80
#define FINDING_EVIDENCE_SIZE 512

struct finding {
	const char *resource;		      /* a word of model/resource.h, or "heap", static */
	const char *kind;		      /* static or NULL */
	const char *pattern;		      /* name of a known mistake, static or NULL */
	const char *also[FINDING_ALSO];	      /* further patterns, static; NULL ends */
	const char *reason;		      /* why there is no stack, static or NULL */
	char peer[FINDING_PEER_SIZE];	      /* whom it is taken from, "10.0.0.5:5432", or "" */
	char evidence[FINDING_EVIDENCE_SIZE]; /* in words where counts do not tell it, or "" */
	enum site_verdict verdict;
	uint64_t live;	     /* objects that exist, as far as seen since the watch began */
	uint64_t live_bytes; /* 0 where the resource has no bytes */
	uint64_t created, destroyed;
	uint32_t sampled;	/* 1: every creation was seen with its stack, else one in so many */
	double growth_per_hour; /* objects, NAN when unknown */
	double growth_bytes_per_hour; /* NAN when unknown */
	double oldest;		      /* seconds, NAN when unknown */
	uint64_t bound;		      /* 0: none known */
	const char *bound_source;     /* static or NULL */
	struct site_frame *frames;    /* innermost first, owned */
	size_t n_frames;
};

struct findings {
	struct finding *rows; /* in the order of findings_sort() */
	size_t n, capacity;
};

/* What the watch itself did and cost. */
struct explain_summary {
	pid_t pid;
	double seconds;	     /* how long it watched */
	uint64_t windows;    /* times that it attached */
	uint64_t hits;	     /* runs of its programs in the target */
	double cost_seconds; /* CPU time: programs (in every process), seep and its children */
	bool over_budget;    /* ended early, because it cost more than it was allowed */
	bool ended;	     /* the process ended before the time was over */
	uint64_t lost[LOSS_REASON_MAX];
};

/* The words of the outputs. */
const char *site_verdict_name(enum site_verdict verdict);

/* A zeroed row at the end, owned by the list, valid until the next; NULL when out of memory. */
struct finding *findings_add(struct findings *list);
/* Take the newest row back. */
void findings_drop_last(struct findings *list);
/* Those that keep first, and of these a known mistake before what grows up to twice as fast, since
 * that may hang on it; then most growth first. */
void findings_sort(struct findings *list);
void findings_clear(struct findings *list);

/*
 * The frame that people look for: the innermost one outside the C library and the loader, and for
 * the heap outside what wraps the allocator, for Go outside the standard library and what starts
 * goroutines for others; or the innermost one, or NULL when there is no stack.
 */
const struct site_frame *finding_frame(const struct finding *f);
