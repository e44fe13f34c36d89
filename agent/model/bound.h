/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bound: how much of a resource there can be, who set it, and whose it is. A bound that several
 * processes share is judged by what all its users take.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* X(source, name, scope): where the number was read, as every output names it. */
#define SEEP_BOUND_SOURCES(X)                                                                      \
	X(NONE, "none", "none")                                                                    \
	X(RLIMIT_NOFILE, "RLIMIT_NOFILE", "process")                                               \
	X(RLIMIT_AS, "RLIMIT_AS", "process")                                                       \
	X(RLIMIT_NPROC, "RLIMIT_NPROC", "uid")                                                     \
	X(RLIMIT_SIGPENDING, "RLIMIT_SIGPENDING", "uid")                                           \
	X(CGROUP_PIDS_MAX, "pids.max", "cgroup")                                                   \
	X(CGROUP_MEMORY_MAX, "memory.max", "cgroup")                                               \
	X(THREADS_MAX, "kernel.threads-max", "host")                                               \
	X(PID_MAX, "kernel.pid_max", "host")                                                       \
	X(MAX_MAP_COUNT, "vm.max_map_count", "process")                                            \
	X(FILE_MAX, "fs.file-max", "host")                                                         \
	X(MEMORY_TOTAL, "MemTotal", "host")                                                        \
	X(MAX_USER_WATCHES, "fs.inotify.max_user_watches", "uid")                                  \
	X(LOCAL_PORT_RANGE, "ip_local_port_range", "netns")                                        \
	X(LISTEN_BACKLOG, "listen backlog", "socket")                                              \
	X(GO_MEMORY_LIMIT, "GOMEMLIMIT", "process")

enum bound_source {
#define X(source, ...) BOUND_##source,
	SEEP_BOUND_SOURCES(X)
#undef X
		BOUND_MAX
};

struct bound {
	enum bound_source source; /* BOUND_NONE: nothing limits it, which is a finding too */
	uint64_t limit;		  /* in the slot's unit; meaningless for BOUND_NONE */
	uint64_t used;		  /* what all users of this bound take together */
};

const char *bound_source_name(enum bound_source source);
const char *bound_scope_name(enum bound_source source);

/* Share of the bound in use, 0 and up; 0 for none. */
double bound_ratio(const struct bound *b);

/* So little is left that the next burst fails, whether anything grows or not. */
#define BOUND_NEAR 0.9
#define BOUND_FULL 0.95

/* Each process (or socket of it) has such a bound for itself: not what many take together. */
bool bound_is_own(enum bound_source source);

/* Keep in *b whichever of the two is nearer to exhaustion. */
void bound_tighten(struct bound *b, const struct bound *other);
