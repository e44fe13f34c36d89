/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which store holds an object of a Go program's heap: a ring, a log, a history, made with room for
 * all that it will ever hold, and filled from its beginning on. The collector knows no such thing,
 * and nobody points back; so all objects that have pointers are read for words that lead to the
 * given ones, then for words that lead to those, a few times.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "agent/runtime/go/report.h"
#include "agent/sites/reader.h"

#define GO_STORES_OBJECTS 256

struct go_stores_request {
	uint32_t ask; /* GO_ASK_STORES of objects.h */
	uint32_t n;
	uint64_t addresses[GO_STORES_OBJECTS]; /* where objects begin; sent up to n */
};

/* The object that leads to most of the given ones, of those that lead to this one, and have room:
 * no more than two fifths of it are filled. What append makes is fuller than that. */
struct go_store {
	uint64_t address; /* 0: there is none */
	uint64_t bytes;
	uint64_t filled;  /* bytes up to the last one that is not zero */
	uint32_t entries; /* words in it that lead there, GO_STORE_LEAST or more */
	uint32_t pad;
};

#define GO_STORE_LEAST 8 /* fewer may be the fields of one object */
#define GO_STORE_FILL  0.4

struct go_stores {
	uint32_t n;
	uint32_t cut; /* 1: more objects lead there than are followed, so one may be missed */
	struct go_unread unread;		 /* of the heap: what was not searched */
	struct go_store rows[GO_STORES_OBJECTS]; /* of each of the given ones; received up to n */
};

_Static_assert(sizeof(struct go_store) == 32, "wire format");

/* The request's ask is set. -ENODATA when the heap is not as known, -E2BIG when more of it has
 * pointers than is read, -ETIME when that takes too long, else as for every reader call. */
int go_stores_ask(struct reader *r, pid_t pid, struct go_stores_request *request,
		  struct go_stores *ret);

/* 0, or -EPIPE for an answer to n objects that does not hold. */
int go_stores_check(const struct go_stores *t, size_t size, uint32_t n);
