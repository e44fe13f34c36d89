/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every loss has a topic and a reason, is counted, and is shown: a number without its losses is a
 * guess. One table each gives the enum and the label.
 */
#pragma once

#define SEEP_LOSS_TOPICS(X)                                                                        \
	X(PROCESS, "process")                                                                      \
	X(FD, "fd")                                                                                \
	X(TCP, "tcp")                                                                              \
	X(SITES, "sites")                                                                          \
	X(HEAP, "heap")                                                                            \
	X(WEB, "web")                                                                              \
	X(MODEL, "model")                                                                          \
	X(STATE, "state")                                                                          \
	X(GO, "go")

#define SEEP_LOSS_REASONS(X)                                                                       \
	X(MAP_FULL, "map_full")		/* a BPF map had no room for a new key */                  \
	X(RING_FULL, "ring_full")	/* an event found no room in the ring buffer */            \
	X(PROBE_MISSED, "probe_missed") /* the kernel skipped a run of a program */                \
	X(ATTACH_FAILED, "attach_failed")                                                          \
	X(READ_FAULT, "read_fault")   /* memory of the process was not there to be read */         \
	X(NOT_PRESENT, "not_present") /* pages that reading would have brought in */               \
	X(SWAPPED, "swapped")	      /* the same, out of the swap */                              \
	X(TRUNCATED, "truncated")     /* a stack deeper than what is copied */                     \
	X(RATE_LIMITED, "rate_limited")                                                            \
	X(VANISHED, "vanished") /* the process ended while it was read */                          \
	X(NO_MEMORY, "no_memory")                                                                  \
	X(TIMEOUT, "timeout")                                                                      \
	X(REFUSED, "refused")	      /* over a limit of ours */                                   \
	X(CRASHED, "crashed")	      /* a child of ours died on it */                             \
	X(OVER_BUDGET, "over_budget") /* a watch ended early, since it cost what it may cost */    \
	X(WRITE_FAILED, "write_failed")

/* Series that are not exported, by the table whose cap refused them. */
#define SEEP_DROP_TABLES(X)                                                                        \
	X(GROUP, "group")                                                                          \
	X(PROCESS, "process")                                                                      \
	X(NETNS, "netns")

#define X(id, ...) LOSS_##id,
enum loss_topic { SEEP_LOSS_TOPICS(X) LOSS_TOPIC_MAX };
#undef X
#define X(id, ...) LOSS_##id,
enum loss_reason { SEEP_LOSS_REASONS(X) LOSS_REASON_MAX };
#undef X
#define X(id, ...) DROP_##id,
enum drop_table { SEEP_DROP_TABLES(X) DROP_MAX };
#undef X

const char *loss_topic_name(enum loss_topic topic);
const char *loss_reason_name(enum loss_reason reason);
const char *drop_table_name(enum drop_table table);
