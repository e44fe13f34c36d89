/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of the host at one instant: processes, the groups that people call services, what
 * each holds, towards which bound, and how it moves. The census fills it, the exporters read it;
 * it knows neither BPF nor any output format.
 *
 * Every string in here is escaped (escape.h). Times are seconds since the epoch, ages are seconds,
 * sizes are bytes. A count of LIVE_UNKNOWN could not be read; the process says why.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/model/ages.h"
#include "agent/model/births.h"
#include "agent/model/bound.h"
#include "agent/model/goruntime.h"
#include "agent/model/loss.h"
#include "agent/model/resource.h"
#include "agent/model/taken.h"
#include "agent/trend/series.h"

#define LIVE_UNKNOWN	(-1)
#define MODEL_PEERS	8  /* remote ends kept for a process: the largest */
#define MODEL_COMM_SIZE 64 /* 15 bytes, each escaped to four, and the end */

/* TCP connections of one process in one state to one remote end. */
struct model_peer {
	uint64_t count;
	uint16_t port;	     /* host order */
	uint16_t family;     /* AF_INET or AF_INET6 */
	enum seep_slot slot; /* of its state */
	uint8_t addr[16];    /* network order */
};

/* Limits of a process that are bounds of ours; RLIMIT_INFINITE when there is none. */
enum { RLIMITS_NOFILE, RLIMITS_NPROC, RLIMITS_SIGPENDING, RLIMITS_AS, RLIMITS };
#define RLIMIT_INFINITE UINT64_MAX

/* What one slot of one process or group holds. */
struct model_cell {
	int64_t live;	  /* or LIVE_UNKNOWN */
	int64_t old;	  /* of these, seen for longer than a trend window, or from before the first
			     census; LIVE_UNKNOWN without ages. The trend follows it where it is known:
			     load comes and goes, a leak grows old */
	uint64_t created; /* by the ledger since it attached */
	double oldest;	  /* age in seconds of the oldest, at least; NAN when unknown */
	struct trend trend;
	struct evidence evidence; /* what the trend rests on */
	struct series *series;	  /* NULL until the first non-zero value */
};

/* Seconds until a bound is reached: as the rate says, and the earliest and the latest that its
 * error allows. NAN for never or unknown. */
struct forecast {
	double eta, low, high;
};
#define FORECAST_NONE ((struct forecast){ NAN, NAN, NAN })

struct model_group {
	char *name; /* UNIT/EXE, container:ID12/EXE, session/EXE, kernel */
	unsigned int processes;
	struct model_cell cells[SLOT_MAX];
	struct bound bounds[SLOT_MAX]; /* totals only: the tightest of its processes */
	struct taken taken;	       /* of its processes together */
	struct gogroup go;
	struct forecast
		soonest[SLOT_MAX]; /* of the bounds that each of its processes has for itself
				    */
	struct model_group *next;
	uint64_t seen; /* number of the last census that had a process of it */
};

struct model_process {
	pid_t pid;	/* in the agent's own PID namespace */
	pid_t parent;	/* 0 when outside */
	uint64_t start; /* ns since boot (CLOCK_BOOTTIME): with pid, the identity */
	double start_time;
	uint64_t exec_id; /* exec generation */
	uint32_t uid;	  /* real, in the agent's user namespace */
	uint32_t netns;	  /* inode of the network namespace */
	bool kernel_thread;
	bool zombie;
	char comm[MODEL_COMM_SIZE];
	char *exe;	  /* path; empty for a kernel thread, NULL until read */
	uint64_t cgroups; /* the combination of cgroups that it is in: equal for processes that
			     share it */
	char *cgroup;	  /* path of the unified or named hierarchy, NULL until read */
	struct model_group *group;
	const char *reason;   /* why some counts are LIVE_UNKNOWN, or NULL */
	struct ages *ages;    /* first-seen times of its descriptors */
	uint64_t files_seen;  /* the last census that showed a table of it */
	struct births births; /* of its threads */
	uint64_t mm;	      /* identity of the address space: shared by CLONE_VM */
	uint64_t rlimits[RLIMITS];
	uint64_t virtual_bytes;
	struct taken_base taken_base;
	struct taken taken;
	struct goruntime go;
	struct model_cell cells[SLOT_MAX];
	struct bound bounds[SLOT_MAX]; /* totals only */
	struct model_peer peers[MODEL_PEERS];
	unsigned int n_peers;
	struct model_process *next; /* by pid, ascending */
	struct model_process *same_hash;
	uint64_t seen;
};

/* A network namespace: sockets without an owner still take ports. */
struct model_netns {
	uint32_t inode;
	struct model_cell
		cells[SLOT_MAX]; /* TCP_TIME_WAIT, TCP_NEW_SYN_RECV, orphans as their state */
	struct bound ports;	 /* the most used (destination) share of the local port range */
	char busiest[80];	 /* that destination, "10.0.0.5:5432"; empty when none */
	double walked;		 /* when every socket was last looked at; 0 for never */
	double walk_cost;	 /* CPU seconds that it took */
	const char *reason;	 /* why some counts are LIVE_UNKNOWN, or NULL */
	struct model_netns *next;
	uint64_t seen;
};

struct model_rung {
	const char *topic; /* "threads" */
	const char *rung;  /* "tp_btf", "kprobe", "proc", "none" */
	char reason[160];  /* why not a better one; "" when it is the best */
};

#define MODEL_RUNGS 16
#define MODEL_HASH  4096

struct model {
	double now;	       /* of the last census */
	double window;	       /* seconds of --trend.window */
	double interval;       /* seconds between two */
	uint64_t census;       /* number of the last one, 0 before the first */
	double census_seconds; /* CPU time of the last one */
	double started;
	struct model_process *processes;
	struct model_group *groups;
	struct model_netns *netns;
	size_t n_processes, n_groups;
	size_t group_cap, process_cap; /* how many groups, how many suspects are exported */
	uint64_t lost[LOSS_TOPIC_MAX][LOSS_REASON_MAX];
	uint64_t dropped[DROP_MAX]; /* series that a cap refused */
	struct model_rung rungs[MODEL_RUNGS];
	size_t n_rungs;
	struct model_process *by_pid[MODEL_HASH];
};

#define model_for_each_process(m, p) for (struct model_process *p = (m)->processes; p; p = p->next)
#define model_for_each_group(m, g)   for (struct model_group *g = (m)->groups; g; g = g->next)
#define model_for_each_netns(m, n)   for (struct model_netns *n = (m)->netns; n; n = n->next)

/* window and interval in seconds. */
int model_new(double window, double interval, struct model **ret);
void model_free(struct model *m);

/*
 * A census: begin at a time (seconds since the epoch), find or create each process that was seen,
 * fill its cells, end. End drops what was not seen, sums groups and bounds, and moves the trends.
 */
void model_begin(struct model *m, double now);
/* NULL when out of memory. A new start time or exec generation is a new process: it inherits
 * nothing. *ret_fresh tells that its strings are to be read. Valid until the next model_end. */
struct model_process *model_process(struct model *m, pid_t pid, uint64_t start, uint64_t exec_id,
				    bool *ret_fresh);
/* Set the group of a process from its exe, cgroup and kind. 0 or -ENOMEM. */
int model_set_group(struct model *m, struct model_process *p);
/* Find or create the group of this name (escaped); it is kept for some windows without a process.
 * NULL when out of memory. */
struct model_group *model_group(struct model *m, const char *name);
/* Record which rung a topic took, and why not a better one (NULL when it is the best). */
void model_set_rung(struct model *m, const char *topic, const char *rung, const char *reason);
struct model_netns *model_netns(struct model *m, uint32_t inode);
void model_end(struct model *m);

/* What a trend follows of a count: what has grown old, or all of it without ages. */
static inline int64_t cell_old_or_live(const struct model_cell *c)
{
	return c->old == LIVE_UNKNOWN ? c->live : c->old;
}
/* Set every cell of one resource to what cannot be known; the process's reason says why. */
void model_cells_unknown(struct model_cell *cells, enum seep_slot total);
/* Add to a kind and to its total. */
static inline void model_cell_add(struct model_cell *cells, enum seep_slot slot, int64_t n)
{
	cells[slot].live += n;
	if (!slot_is_total(slot))
		cells[slot_info(slot)->total].live += n;
}

/* What the process has taken since its base (taken.h), from its cells of this census. */
void model_measure_taken(const struct model *m, struct model_process *p);

/* After a census: what was known of a cell before takes the place of what the census began, and
 * gets its value, which is what taken_of() gives. Takes the series. */
void model_cell_adopt(struct model *m, struct model_cell *c, struct series *s, int64_t taken);

/* NULL when there is no such process. */
struct model_process *model_find(const struct model *m, pid_t pid);

/*
 * Processes that grow or have nearly used up a bound, each leak once, by the slot that tells most.
 * The most urgent first: what is full, then by verdict; among these what reaches a bound soonest,
 * then what grows most of its own size an hour. Fills at most max rows and returns how many;
 * *ret_left is how many found no room.
 */
struct suspect {
	const struct model_process *process;
	enum seep_slot slot;
	struct forecast forecast;
	double share; /* of a bound that it fills (holder.h), by all its users; else 0 */
};
size_t model_suspects(const struct model *m, struct suspect *ret, size_t max, size_t *ret_left);

/* "41" or "1.5 MiB"; "12 min" or "3 days". */
void model_format_amount(double value, enum seep_unit unit, char *dst, size_t size);
void model_format_span(double seconds, char *dst, size_t size);

/* The sentence for people on a suspect, as top shows it first. Always terminated. */
void model_sentence(const struct suspect *s, char *dst, size_t size);
