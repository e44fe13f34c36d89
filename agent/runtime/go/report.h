/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the root process asks of a Go program and what the reader child answers: one struct each,
 * of fixed widths. A stranger may have written every byte of the answer: go_report_check() says
 * whether its counts and references hold, and strings are escaped when they leave it (go.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What can be read of a Go program, each with its own way to fail. X(feature, name) */
#define GO_FEATURES(X)                                                                             \
	X(GOROUTINES, "goroutines")                                                                \
	X(TIMERS, "timers")                                                                        \
	X(COLLECTOR, "collector")                                                                  \
	X(CHANNELS, "channels")                                                                    \
	X(POOLS, "database pools")

enum go_feature {
#define X(feature, ...) GO_##feature,
	GO_FEATURES(X)
#undef X
		GO_FEATURE_MAX
};

/* X(status, text): why a feature says nothing. */
#define GO_STATUSES(X)                                                                             \
	X(READ, "")                                                                                \
	X(NOT_ASKED, "not asked for")                                                              \
	X(NO_VARIABLE, "the runtime's code does not lead to its variables")                        \
	X(NO_LAYOUT, "the runtime's structures are not as in any known version")                   \
	X(TORN, "the runtime's structures contradict themselves")                                  \
	X(UNREADABLE, "its memory could not be read")                                              \
	X(ABSENT, "its memory is not all there, and bringing it in is left to it")                 \
	X(TOO_LONG, "there is more to read than is allowed at once")

enum go_status {
#define X(status, ...) GO_##status,
	GO_STATUSES(X)
#undef X
		GO_STATUS_MAX
};

#define GO_SLICES	12
#define GO_GROUPS	256
#define GO_TIMERS_MAX	128
#define GO_SAMPLES	768
#define GO_CODES	896
#define GO_PLACES	1280
#define GO_STACKS	2048 /* codes of all stacks together */
#define GO_STACK	32   /* codes of one */
#define GO_STRINGS	32768
#define GO_VERSION	32
#define GO_CHANNELS_MAX 32
#define GO_MAKERS	4     /* places that a channel is traced to, at most */
#define GO_MOST		32768 /* goroutines that are read again and again: 4 to 8 ms of CPU */
#define GO_POOLS_MAX	16

struct go_request {
	uint32_t ask;	 /* GO_ASK_REPORT of objects.h */
	uint32_t wanted; /* bits by enum go_feature; 0 asks whether it is a Go program at all */
	uint32_t groups; /* how many groups of goroutines are told, the largest */
	/* How many of these come with a stack. With 0, channels and pools come without who has
	 * them, and new ones are looked for now and then only. */
	uint32_t stacks;
	uint32_t n_slices;	    /* goroutines are told apart by age: see by_age */
	uint32_t most;		    /* goroutines that are read; 0: all. See panel.h */
	uint64_t slices[GO_SLICES]; /* goroutine ids, ascending; from earlier reports' last_goid */
};

/* A source position; a code address has several where calls were inlined, innermost first. */
struct go_place {
	uint32_t function, file; /* in strings */
	uint32_t line;
};

struct go_code {
	uint64_t pc;	 /* in the process */
	uint64_t offset; /* in the file of the executable */
	uint16_t first, n;
	uint32_t pad;
};

/* Goroutines that one go statement made, that wait alike. */
struct go_group {
	uint16_t made;		 /* code: the go statement; GO_CODES when there is none */
	uint16_t start;		 /* code: the function that it runs */
	uint16_t stack, n_stack; /* in stacks: of one of them, parked; empty for a running one */
	uint32_t reason;	 /* in strings: what it waits for, "" when it does not wait */
	uint32_t count;
	uint64_t oldest;      /* goroutine id */
	uint64_t stack_bytes; /* that their stacks take together */
	/* by_age[i]: of these, ids up to slices[i] and above slices[i - 1]; the last: above all */
	uint32_t by_age[GO_SLICES + 1];
	uint32_t leaked; /* of these, found unreachable by the runtime itself (Go 1.26) */
};

enum go_timer_kind {
	GO_TIMER_CALLBACK, /* time.AfterFunc; code is the callback */
	GO_TIMER_CONTEXT,  /* the deadline of a context */
	GO_TIMER_TICKER,   /* sends on a channel, again and again */
	GO_TIMER_ONCE,	   /* sends on a channel once: time.After, time.NewTimer */
	GO_TIMER_SLEEP,	   /* a goroutine in time.Sleep; code is its go statement */
	GO_TIMER_DEADLINE, /* of a connection */
	GO_TIMER_OTHER,	   /* code is the runtime's own callback */
	GO_TIMER_KINDS
};

/* Timers of one kind, callback and period. */
struct go_timer {
	uint32_t kind;
	uint16_t code, pad; /* GO_CODES when there is none */
	uint64_t count;
	uint64_t period;   /* nanoseconds; 0 when they fire once */
	int64_t left_most; /* nanoseconds until the last one fires */
};

/* One of the timers, to see at a later scan whether it is still there. */
struct go_sample {
	uint64_t identity; /* a multiple of sampled, see go_report */
	uint32_t group;	   /* in timer_groups */
	uint32_t pad;
};

/* A channel whose buffer is so large that it has a span of the heap to itself. */
struct go_channel {
	uint64_t address;
	uint64_t items, capacity;
	uint64_t sent_at, taken_at; /* the next places in its ring */
	uint64_t kept;		    /* bytes that one item leads to; mean of a sample */
	uint32_t item_bytes;	    /* in the buffer */
	uint32_t closed;
	uint16_t makers, n_makers;   /* in stacks: all that can have made it; none when too many */
	uint16_t senders, n_senders; /* in stacks: what sends in the maker's package, if little */
	uint16_t sender, n_sender;   /* in stacks: of a goroutine that waits to send on it */
	uint16_t holder, n_holder;   /* in stacks: of another that has it at hand */
};

/* A pool of connections to a database: a *sql.DB. */
struct go_pool {
	uint64_t address;      /* what it is known by from one report to the next */
	uint64_t open, idle;   /* connections; idle ones are open */
	uint64_t waiting;      /* requests for one that wait now */
	uint64_t waited;       /* that had to, since it was opened */
	uint64_t closed;       /* connections, since then */
	uint64_t idle_closed;  /* of these, since more came back than may idle */
	uint64_t max_open;     /* 0: no limit */
	int64_t max_idle;      /* 0: the default, which is two; negative: none */
	uint16_t user, n_user; /* in stacks: of a goroutine that uses it, of the most frequent */
	uint32_t pad;
};

struct go_collector {
	uint64_t heap_marked;		  /* bytes that the last collection found alive, or 0 */
	uint64_t heap_live;		  /* that, and what was allocated since */
	uint64_t memory_limit;		  /* bytes; INT64_MAX for none */
	uint64_t total_alloc, total_free; /* bytes since the start, objects of all sizes */
	uint64_t mapped_ready;		  /* bytes of memory that the runtime has in use */
	uint64_t last_cycle;		  /* ns of CLOCK_MONOTONIC, when it ended; 0 for none */
	uint32_t cycles;
	int32_t percent;     /* GOGC; -1 when off */
	double cpu_fraction; /* of all processors' time from the start to the last cycle, 0 to 1 */
	uint32_t processors; /* GOMAXPROCS; 0 when not known */
	uint32_t pad;
};

/* Reads, and objects of reads of many, that could not be had. */
struct go_unread {
	uint64_t failed;  /* nothing is mapped there */
	uint64_t absent;  /* pages that are not there, and would have to be brought in */
	uint64_t swapped; /* pages that are swapped out */
};

struct go_report {
	uint32_t size;	/* bytes that were sent: strings are the last field and cut to their use */
	uint32_t minor; /* 22 of Go 1.22 */
	char version[GO_VERSION]; /* "go1.22.12", terminated */
	uint32_t status[GO_FEATURE_MAX];
	uint32_t calibrated; /* offsets were derived, since the version is not in the table */
	uint32_t
		async_timers; /* dropped timers stay until they fire or for ever (before Go 1.23) */
	uint32_t limit_from_environment; /* GOMEMLIMIT was set when the program started */

	/* What reading took. */
	uint64_t cpu_ns, attach_ns, reads, bytes;
	struct go_unread unread;

	uint64_t last_goid;		/* largest goroutine id seen */
	uint64_t live;			/* goroutines, without the runtime's own */
	uint64_t by_age[GO_SLICES + 1]; /* as of a group, of all that are live */
	uint64_t dead;			/* structs that wait to be used again */
	uint64_t implausible;
	uint64_t other; /* goroutines of groups that found no room */
	/* One standard error, at most, of the counts above and of groups, and how many were not
	 * there to be read; 0 when all goroutines were read, and not a sample. */
	uint64_t count_error;
	uint32_t n_groups;

	uint32_t n_timers;
	uint64_t timers;  /* live ones */
	uint64_t sampled; /* a power of two: 1 in so many is in samples, by its identity */
	struct go_collector collector;

	uint32_t n_samples, n_codes, n_places, n_stacks, n_strings,
		n_channels; /* of the tables below */
	uint32_t n_pools;
	uint16_t pool_calls, n_pool_calls; /* in stacks: where the program opens pools */
	struct go_pool pools[GO_POOLS_MAX];
	struct go_group groups[GO_GROUPS]; /* largest first */
	struct go_timer timer_groups[GO_TIMERS_MAX];
	struct go_sample samples[GO_SAMPLES];
	struct go_channel channels[GO_CHANNELS_MAX]; /* most bytes when full first */
	struct go_code codes[GO_CODES];
	struct go_place places[GO_PLACES];
	uint16_t stacks[GO_STACKS];
	char strings[GO_STRINGS]; /* terminated ones; offset 0 is "" */
};

_Static_assert(sizeof(struct go_request) == 24 + 8 * GO_SLICES, "wire");
_Static_assert(sizeof(struct go_group) == 32 + 4 * (GO_SLICES + 2) && sizeof(struct go_code) == 24,
	       "wire");
_Static_assert(sizeof(struct go_report) < 120 * 1024, "a message holds it");

/* 0, or -EPROTO for an answer whose size, counts, references or fractions do not hold. */
int go_report_check(const struct go_report *r, size_t size);

const char *go_feature_name(enum go_feature feature);
const char *go_status_text(uint32_t status);
