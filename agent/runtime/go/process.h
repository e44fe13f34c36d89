/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A Go program in the reader child: what was learned of it once, and the scans of its memory that
 * answer a request. One feature a file; each is a function that fills its part of the report and
 * returns its status.
 */
#pragma once

#include "agent/runtime/go/heap.h"
#include "agent/runtime/go/image.h"
#include "agent/runtime/go/layout.h"
#include "agent/runtime/go/memory.h"
#include "agent/runtime/go/moduledata.h"
#include "agent/runtime/go/pools.h"
#include "agent/runtime/go/report.h"
#include "agent/runtime/go/variables.h"

#define GO_WAIT_REASONS	    64
#define GO_WAIT_REASON_SIZE 40

struct go_process {
	struct go_image image;
	struct go_memory memory;
	struct go_module module;
	struct go_variables variables;
	struct go_layout layout;
	char wait_reasons[GO_WAIT_REASONS][GO_WAIT_REASON_SIZE];
	bool async_timers, limit_from_environment;
	bool goroutines;    /* their offsets hold */
	bool timers_known;  /* whether those of timers do was seen, */
	bool timers_broken; /* and they do not */
	bool heap_tried;    /* its layout was looked for */
	struct go_heap heap;
	struct go_known_channels *channels; /* NULL until they are looked for */
	struct go_makers *makers;	    /* of channels; NULL until one is looked for */
	struct go_sql sql;
	uint64_t attach_ns; /* CPU time */
};

/* Learn what a request needs. -ENOEXEC when it is no Go program, -ENODATA when it is one whose
 * function table cannot be read, or as the source and go_memory_read. */
int go_process_new(const struct source *source, struct go_process **ret);
void go_process_free(struct go_process *p);

/* Make sure that p->heap is known: 0, or -ENODATA when its layout is none that is known,
 * -ENXIO when what tells it is not there to be read. */
int go_process_heap(struct go_process *p);

/* Answers to the questions of objects.h: 0 or -errno; *ret_size: room, then what was used. */
int go_points_answer(struct go_process *p, const void *request, size_t size, void *answer,
		     size_t *ret_size);
int go_fates_answer(struct go_process *p, const void *request, size_t size, void *answer,
		    size_t *ret_size);
int go_names_answer(struct go_process *p, const void *request, size_t size, void *answer,
		    size_t *ret_size);
int go_callers_answer(struct go_process *p, const void *request, size_t size, void *answer,
		      size_t *ret_size);
int go_profile_answer(struct go_process *p, const void *request, size_t size, void *answer,
		      size_t *ret_size); /* of profile.h */
int go_buffers_answer(struct go_process *p, const void *request, size_t size, void *answer,
		      size_t *ret_size); /* of buffers.h */
int go_stores_answer(struct go_process *p, const void *request, size_t size, void *answer,
		     size_t *ret_size); /* of stores.h */

/* How far an object with its address and bytes is filled. As go_memory_read. */
struct go_buffer;
int go_buffer_measure(struct go_memory *m, struct go_buffer *b);

/* GO_ORACLE_READERS: fill the answers. */
int go_readers_ask(struct go_process *p, const struct go_fates_request *q, struct go_fates *ret);
int go_users_ask(struct go_process *p, const struct go_fates_request *q, struct go_fates *ret);

/* A report while it is made: names are kept once. */
struct go_builder {
	struct go_process *process;
	const struct go_request *request;
	struct go_report *report;
	uint16_t code_slots[2 * GO_CODES];	/* by pc, index + 1 */
	uint32_t string_slots[GO_STRINGS / 16]; /* by content, offset + 1 */
};

/* Offset of the string in the report, 0 ("") when there is no room. */
uint32_t go_builder_string(struct go_builder *b, const char *text);
/* Index of the code in the report, GO_CODES when there is no room. call: see go_table_places. */
uint16_t go_builder_code(struct go_builder *b, uint64_t pc, bool call);

/* The features. */
enum go_status go_goroutines_scan(struct go_builder *b);
enum go_status go_timers_scan(struct go_builder *b);
enum go_status go_collector_scan(struct go_builder *b);
/* What the collector says of itself, but for its processors. -ENODATA when its variables are not
 * known, -EPROTO when it contradicts itself, or as go_memory_read. */
int go_collector_read(struct go_process *p, struct go_collector *ret);
enum go_status go_channels_scan(struct go_builder *b);
enum go_status go_pools_scan(struct go_builder *b);

/* A feature's own status for what memory reads fail with. */
enum go_status go_status_of(int error);
