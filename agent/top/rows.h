/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of top: one for each (holder, resource) that matters, ranked. A resource that is seen
 * from several sides (tcp and timerfds are descriptors) is one row, named by the side that tells
 * most.
 */
#pragma once

#include <stddef.h>

#include "agent/model/holder.h"

#define SEEP_TOP_SORTS(X)                                                                          \
	X(GROWTH, "growth") /* the most urgent first */                                            \
	X(LIVE, "live")	    /* counts before bytes */                                              \
	X(SHARE, "share")   /* of the bound */                                                     \
	X(NAME, "name")

enum rows_sort {
#define X(id, name) SORT_##id,
	SEEP_TOP_SORTS(X)
#undef X
		SORT_MAX
};

const char *rows_sort_name(enum rows_sort sort);
/* SORT_MAX when there is no such word. */
enum rows_sort rows_sort_find(const char *name);

struct row {
	struct holder holder;
	enum seep_slot slot;
	double eta;    /* seconds to the bound, NAN for none */
	double births; /* threads an hour that birth times tell of, NAN for none */
	double share;  /* of the bound, by all its users */
	/* What ranks it: the same, but of a bound that many share only the largest holder has the
	 * whole; the others have what they hold themselves. */
	double weight;
};

struct rows {
	struct row *rows;
	size_t n, capacity;
	size_t unreadable; /* processes that pass, some count of which could not be read */
	const char *unreadable_reason; /* of one of them, or NULL */
};

struct rows_options {
	pid_t pid;	   /* 0: any */
	const char *text;  /* in name, path or group; NULL: any */
	const char *group; /* only processes of this group; NULL: any */
	bool all;	   /* kernel threads, and rows that do not matter */
	bool by_group;
	enum rows_sort sort;
};

/*
 * Fill from the model; valid until its next census. Rows point into the model. A list that was used
 * before keeps its memory. 0 or -ENOMEM.
 */
int rows_build(struct rows *list, const struct model *m, const struct rows_options *o);
void rows_free(struct rows *list);

/* The row of the first sentence: the most urgent, else the nearest to its bound; NULL for none. */
const struct row *rows_worst(const struct rows *list);
enum verdict row_verdict(const struct row *r);
/* Little is left of its bound, whether it moves or not. */
bool row_nearly_full(const struct row *r);
/* Growth that is no verdict yet, and would soon matter if it went on. */
bool row_warms(const struct row *r);
