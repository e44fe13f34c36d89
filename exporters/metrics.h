/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every metric family that the agent exports: the one table from which come the text, its HELP and
 * TYPE lines, and the check of the documentation.
 *
 * How to add up. A resource is exported by its kinds, whose sum is the resource: so that
 * `sum by (group, resource) (seep_group_live)` is right and nothing counts twice, totals have no
 * row of their own. A resource that has no kinds has the one kind "all". What could not be told
 * apart has the kind "unknown". What belongs to a resource as a whole (its rate, its verdict, its
 * forecast) has the kind "all" too. tcp, udp, unix and timer are views beside fd: sums over
 * resources mean nothing. The groups beyond the cap are summed into group="other"; totals of Go
 * programs are not, since a group that comes below the cap would seem to add its own.
 *
 * Who is named. A group has a verdict while it is warming, growing or leaking, else none; groups
 * are capped, those with the worst verdicts kept. A process is named only as a suspect: it grows,
 * leaks, or has used up nine tenths of a bound; each leak once, by the kind that tells most, and so
 * many that `seep_series_dropped_total{table="process"}` says how many more there were. A process
 * that warms up is not named, since every one does. A forecast is an interval: low is the earliest
 * that the rate's error allows, high the latest, and without a high the error includes no growth.
 *
 * Counts and bytes never share a name. What is not known has no row: there is no NaN.
 *
 * X(id, name, type, unit, help, labels...). The name is the sample's; a counter ends in _total and
 * an info in _info. A unit other than NONE is the name's suffix, as OpenMetrics 1.0 asks.
 */
#pragma once

#define SEEP_METRICS(X)                                                                            \
	X(GROUP_PROCESSES, "seep_group_processes", GAUGE, NONE, "Processes of the group.",         \
	  "group")                                                                                 \
	X(GROUP_LIVE, "seep_group_live", GAUGE, NONE,                                              \
	  "What the group holds now; the kinds of a resource sum to it.", "group", "resource",     \
	  "kind")                                                                                  \
	X(GROUP_LIVE_BYTES, "seep_group_live_bytes", GAUGE, BYTES,                                 \
	  "Bytes that the group holds now; the kinds of a resource sum to it.", "group",           \
	  "resource", "kind")                                                                      \
	X(GROUP_RATE, "seep_group_rate_per_hour", GAUGE, NONE,                                     \
	  "Growth an hour over the last trend window; the resource as a whole has the kind all.",  \
	  "group", "resource", "kind")                                                             \
	X(GROUP_RATE_BYTES, "seep_group_rate_bytes_per_hour", GAUGE, NONE,                         \
	  "Growth in bytes an hour over the last trend window.", "group", "resource", "kind")      \
	X(GROUP_BOUND, "seep_group_bound", GAUGE, NONE,                                            \
	  "The bound that is nearest to exhaustion, and where it was set.", "group", "resource",   \
	  "source")                                                                                \
	X(GROUP_BOUND_BYTES, "seep_group_bound_bytes", GAUGE, BYTES,                               \
	  "The bound in bytes that is nearest to exhaustion, and where it was set.", "group",      \
	  "resource", "source")                                                                    \
	X(GROUP_BOUND_USED, "seep_group_bound_used", GAUGE, NONE,                                  \
	  "What all users of that bound take together.", "group", "resource", "source")            \
	X(GROUP_BOUND_USED_BYTES, "seep_group_bound_used_bytes", GAUGE, BYTES,                     \
	  "Bytes that all users of that bound take together.", "group", "resource", "source")      \
	X(GROUP_ETA, "seep_group_eta_seconds", GAUGE, SECONDS,                                     \
	  "Forecast: seconds until the group's resource reaches its bound.", "group", "resource")  \
	X(GROUP_ETA_LOW, "seep_group_eta_low_seconds", GAUGE, SECONDS,                             \
	  "The earliest that the forecast allows.", "group", "resource")                           \
	X(GROUP_ETA_HIGH, "seep_group_eta_high_seconds", GAUGE, SECONDS,                           \
	  "The latest that the forecast allows; none when it may be never.", "group", "resource")  \
	X(GROUP_VERDICT, "seep_group_verdict", GAUGE, NONE,                                        \
	  "1 for the verdict on a group's trend; none while it is steady or unknown.", "group",    \
	  "resource", "kind", "verdict")                                                           \
	X(GROUP_SINCE, "seep_group_since_timestamp_seconds", GAUGE, SECONDS,                       \
	  "When the growth of a growing or leaking group began, seconds since the epoch.",         \
	  "group", "resource", "kind")                                                             \
	X(GROUP_TRANSACTION_OLDEST, "seep_group_transaction_oldest_seconds", GAUGE, SECONDS,       \
	  "How long the oldest transaction that was left open has waited, as far as seen.",        \
	  "group")                                                                                 \
	X(GO_GOROUTINES, "seep_go_goroutines", GAUGE, NONE,                                        \
	  "Goroutines of the group's Go programs.", "group")                                       \
	X(GO_GOROUTINES_ERROR, "seep_go_goroutines_standard_error", GAUGE, NONE,                   \
	  "Standard error of that count where only some were read; 0 when all were counted.",      \
	  "group")                                                                                 \
	X(GO_TIMERS, "seep_go_timers", GAUGE, NONE,                                                \
	  "Timers of the group's Go programs, without those of sleeps and connections.", "group")  \
	X(GO_CHANNEL_TIMERS, "seep_go_channel_timers", GAUGE, NONE,                                \
	  "Timers that send on a channel: of time.After, time.NewTimer and time.NewTicker.",       \
	  "group")                                                                                 \
	X(GO_HEAP_LIVE, "seep_go_heap_live_bytes", GAUGE, BYTES,                                   \
	  "Heap of the group's Go programs: kept by the last collections, or allocated since.",    \
	  "group")                                                                                 \
	X(GO_MEMORY_LIMIT, "seep_go_memory_limit_bytes", GAUGE, BYTES,                             \
	  "Memory limits of the group's Go programs together; none when one has none.", "group")   \
	X(GO_GC_CYCLES, "seep_go_gc_cycles_total", COUNTER, NONE,                                  \
	  "Garbage collections of the group's Go programs; none for the groups beyond the cap.",   \
	  "group")                                                                                 \
	X(GO_GC_CPU, "seep_go_gc_cpu_ratio", GAUGE, NONE,                                          \
	  "Largest share of a Go program's CPU time since its start that its collections took.",   \
	  "group")                                                                                 \
	X(GO_GC_SECONDS, "seep_go_gc_cpu_seconds_total", COUNTER, SECONDS,                         \
	  "CPU time of the collections of the group's Go programs, as they count it.", "group")    \
	X(GO_CPU_SECONDS, "seep_go_cpu_seconds_total", COUNTER, SECONDS,                           \
	  "CPU time of the group's Go programs.", "group")                                         \
	X(GO_ALLOCATED, "seep_go_allocated_bytes_total", COUNTER, BYTES,                           \
	  "Bytes that the group's Go programs allocated.", "group")                                \
	X(GO_POOL_EXCESS, "seep_go_pool_excess_connections", GAUGE, NONE,                          \
	  "Connections of database pools without a limit, beyond those that may stay idle.",       \
	  "group")                                                                                 \
	X(PROCESS_LIVE, "seep_process_live", GAUGE, NONE, "What a suspect process holds now.",     \
	  "pid", "start_time", "group", "resource", "kind")                                        \
	X(PROCESS_LIVE_BYTES, "seep_process_live_bytes", GAUGE, BYTES,                             \
	  "Bytes that a suspect process holds now.", "pid", "start_time", "group", "resource",     \
	  "kind")                                                                                  \
	X(PROCESS_RATE, "seep_process_rate_per_hour", GAUGE, NONE,                                 \
	  "Growth an hour of what a process is suspected of.", "group", "pid", "resource", "kind") \
	X(PROCESS_RATE_BYTES, "seep_process_rate_bytes_per_hour", GAUGE, NONE,                     \
	  "Growth in bytes an hour of what a process is suspected of.", "group", "pid",            \
	  "resource", "kind")                                                                      \
	X(VERDICT, "seep_verdict", GAUGE, NONE,                                                    \
	  "1 for the verdict on a suspect process's trend; none while it is steady or unknown.",   \
	  "group", "pid", "resource", "kind", "verdict")                                           \
	X(SINCE, "seep_since_timestamp_seconds", GAUGE, SECONDS,                                   \
	  "When the growth of a suspect process began, seconds since the epoch.", "group", "pid",  \
	  "resource", "kind")                                                                      \
	X(NEAR_BOUND, "seep_near_bound_ratio", GAUGE, NONE,                                        \
	  "Share of its bound that is used, of a process that has nearly used it up.", "group",    \
	  "pid", "resource", "kind", "source")                                                     \
	X(ETA, "seep_eta_seconds", GAUGE, SECONDS,                                                 \
	  "Forecast: seconds until the process's resource reaches its bound.", "group", "pid",     \
	  "resource", "kind")                                                                      \
	X(ETA_LOW, "seep_eta_low_seconds", GAUGE, SECONDS,                                         \
	  "The earliest that the forecast allows.", "group", "pid", "resource", "kind")            \
	X(ETA_HIGH, "seep_eta_high_seconds", GAUGE, SECONDS,                                       \
	  "The latest that the forecast allows; none when it may be never.", "group", "pid",       \
	  "resource", "kind")                                                                      \
	X(NETNS_LIVE, "seep_netns_live", GAUGE, NONE,                                              \
	  "Sockets of a network namespace that no process owns; they take ports all the same.",    \
	  "netns", "resource", "kind")                                                             \
	X(NETNS_BOUND, "seep_netns_bound", GAUGE, NONE,                                            \
	  "Local ports that a network namespace can use towards one destination.", "netns",        \
	  "resource", "source")                                                                    \
	X(NETNS_BOUND_USED, "seep_netns_bound_used", GAUGE, NONE,                                  \
	  "Local ports in use towards the busiest destination.", "netns", "resource", "source")    \
	X(LOST_EVENTS, "seep_lost_events_total", COUNTER, NONE,                                    \
	  "Events, reads and answers that were lost, by the reason.", "topic", "reason")           \
	X(SERIES_DROPPED, "seep_series_dropped_total", COUNTER, NONE,                              \
	  "Rows that a cap kept out, added up over the censuses.", "table")                        \
	X(RUNG, "seep_rung_info", INFO, NONE, "How each topic is observed on this host.", "topic", \
	  "rung")                                                                                  \
	X(CENSUS_SECONDS, "seep_census_seconds", GAUGE, SECONDS, "CPU time of the last census.")   \
	X(LAST_CENSUS, "seep_last_census_timestamp_seconds", GAUGE, SECONDS,                       \
	  "When the last census was taken, seconds since the epoch.")                              \
	X(BUILD, "seep_build_info", INFO, NONE, "The version of seep that runs.", "version")       \
	X(CPU, "process_cpu_seconds_total", COUNTER, SECONDS, "CPU time of the agent itself.")     \
	X(OPEN_FDS, "process_open_fds", GAUGE, NONE, "Descriptors that the agent has open.")       \
	X(MAX_FDS, "process_max_fds", GAUGE, NONE, "Descriptors that the agent may open.")         \
	X(RESIDENT, "process_resident_memory_bytes", GAUGE, BYTES,                                 \
	  "Resident memory of the agent.")                                                         \
	X(VIRTUAL, "process_virtual_memory_bytes", GAUGE, BYTES, "Address space of the agent.")    \
	X(THREADS, "process_threads", GAUGE, NONE, "Threads of the agent.")                        \
	X(START_TIME, "process_start_time_seconds", GAUGE, SECONDS,                                \
	  "When the agent started, seconds since the epoch.")

enum metric_id {
#define X(id, ...) METRIC_##id,
	SEEP_METRICS(X)
#undef X
		METRIC_MAX
};

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_INFO };
enum metric_unit { METRIC_NONE, METRIC_BYTES, METRIC_SECONDS };

#define METRIC_LABELS 5

struct metric {
	const char *name;
	enum metric_type type;
	enum metric_unit unit;
	const char *help;
	const char *labels[METRIC_LABELS + 1]; /* ended by NULL */
};

/* Rows in enum order. */
extern const struct metric metrics[METRIC_MAX];
