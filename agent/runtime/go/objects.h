/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Single objects of a Go program: where births can be seen (points.c), and which of them still live
 * (fates.c), each read in the reader child; names of their stacks (names.c); who calls a function
 * (callers.c). The root process asks by objects.c. Beside the reports of go.h, and by the same
 * service.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "agent/model/frame.h"
#include "agent/sites/reader.h"
#include "bpf/survivor.h"

/* The first word of a request; a go_request begins with GO_ASK_REPORT. */
enum go_ask {
	GO_ASK_REPORT,
	GO_ASK_POINTS,
	GO_ASK_FATES,
	GO_ASK_NAMES,
	GO_ASK_CALLERS,
	GO_ASK_PROFILE, /* profile.h */
	GO_ASK_BUFFERS, /* buffers.h */
	GO_ASK_STORES,	/* stores.h */
	GO_ASK_MAX
};

/* What is born. */
enum go_births {
	GO_BIRTHS_HEAP,	      /* objects of the heap: at the returns of the allocator */
	GO_BIRTHS_SLOTS,      /* those for which the allocator needs more than its next free slot:
			       * one in 64 at least, and the first in each span */
	GO_BIRTHS_LARGE,      /* those that have a span for themselves */
	GO_BIRTHS_TIMERS,     /* runtime timers, when they are started */
	GO_BIRTHS_REQUESTS,   /* connections of net/http clients, when a request goes out on one */
	GO_BIRTHS_QUERIES,    /* connections of database/sql, when a query goes out on one */
	GO_BIRTHS_MAPS,	      /* maps, when a key is assigned */
	GO_BIRTHS_GOROUTINES, /* what go statements run, when they start it */
	GO_BIRTHS_MAX
};

#define GO_POINTS_MAX 64

struct go_points_request {
	uint32_t ask;
	uint32_t births; /* enum go_births */
};

struct go_points {
	uint32_t n;
	uint32_t pad;
	uint64_t offsets[GO_POINTS_MAX]; /* in the file of the executable */
	struct survivor_object object;	 /* its count_min is the asker's choice */
	struct survivor_heap heap;
	struct survivor_range skipped;
};

/* One object whose fate is asked for. */
struct go_object {
	uint64_t address;
	uint64_t size;
	uint32_t generation; /* of the collector, at its birth or when it was last known to live; of
			      * a connection: its stamp (go_layout_stamp) when it was used */
	uint32_t pad;
};

enum go_fate {
	GO_FATE_UNKNOWN, /* no collection has judged it since */
	GO_FATE_ALIVE,
	GO_FATE_DEAD,
};

#define GO_OBJECTS_MAX 640

/* How to tell. */
enum go_oracle {
	GO_ORACLE_MARKS,   /* by the collector's marks: known after the next collection */
	GO_ORACLE_TIMERS,  /* whether it is in a processor's heap of timers now */
	GO_ORACLE_READERS, /* of a client's connection: whether a response on it waits to be read */
	GO_ORACLE_USERS,   /* of a connection to a database: whether somebody has it of its pool */
	GO_ORACLE_MAX
};

struct go_fates_request {
	uint32_t ask;
	uint32_t oracle;
	uint32_t n;
	uint32_t pad;
	struct go_object objects[GO_OBJECTS_MAX]; /* ascending addresses; sent up to n */
};

struct go_fates {
	uint32_t n;
	uint32_t generation;  /* mheap_.sweepgen: two more for each collection; 0 when not known */
	uint64_t heap_marked; /* bytes that the last collection found alive, or 0 */
	uint64_t heap_live;   /* that, and what was allocated since */
	uint64_t total_alloc; /* bytes since the start of the program */
	uint64_t timers;      /* GO_ORACLE_TIMERS: in all heaps, stopped ones too */
	uint64_t goroutines;  /* the same: most that ever were at once */
	struct go_answer {
		uint32_t fate;	     /* enum go_fate */
		uint32_t generation; /* of the collection that says so */
	} answers[GO_OBJECTS_MAX];   /* received up to n */
};

struct go_names_request {
	uint32_t ask;
	uint32_t n;
	uint32_t logical; /* inlined calls have addresses of their own: of each the innermost place
			   */
	uint32_t pad;
	uint64_t pcs[SITE_FRAMES]; /* all are return addresses */
};

/* Functions whose callers are asked for. */
enum go_callee {
	GO_CALLEE_MEMORY_LIMIT, /* runtime/debug.SetMemoryLimit, inlined or not */
	GO_CALLEE_MAX
};

#define GO_CALLERS_MAX 16

struct go_callers_request {
	uint32_t ask;
	uint32_t callee; /* enum go_callee */
};

struct go_callers {
	uint32_t n;
	uint32_t pad;
	struct go_caller {
		uint64_t pc;	  /* return address of the call */
		int64_t argument; /* where the code right before it tells */
		uint32_t known;	  /* whether it does */
		uint32_t pad;
	} rows[GO_CALLERS_MAX];
};

_Static_assert(sizeof(struct go_object) == 24, "wire format");
_Static_assert(sizeof(struct go_caller) == 24, "wire format");
_Static_assert(sizeof(struct go_fates_request) <= sizeof(struct stack_copy),
	       "the child has room for no longer request");

/*
 * Where to probe for births. *ret_fd: the executable, closed by the caller. -ENOEXEC when it is no
 * Go program, -ENOENT when it has no such function (the program cannot make such objects), -ENODATA
 * when the runtime's structures are not as known, or as for every reader call.
 */
int go_points_ask(struct reader *r, pid_t pid, enum go_births births, struct go_points *ret,
		  int *ret_fd);

/* Fill the answer for n objects, at most GO_OBJECTS_MAX; the request's ask is set here. */
int go_fates_ask(struct reader *r, pid_t pid, struct go_fates_request *request,
		 struct go_fates *ret);

/* The calls of a function in the program's code, by address. -ENOENT when it has no such function,
 * else as for every reader call. */
int go_callers_ask(struct reader *r, pid_t pid, enum go_callee callee, struct go_callers *ret);

/* Name n return addresses, innermost first, inlined calls among them: as reader_symbolize. module:
 * the path of the program, escaped. */
int go_names_ask(struct reader *r, pid_t pid, const char *module, const uint64_t *pcs, size_t n,
		 struct site_frame **ret, size_t *ret_n);

/* The same for a stack in which inlined calls have addresses of their own, as the runtime's
 * profiles record it. */
int go_names_ask_logical(struct reader *r, pid_t pid, const char *module, const uint64_t *pcs,
			 size_t n, struct site_frame **ret, size_t *ret_n);
