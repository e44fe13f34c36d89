/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be taken and not given back. One table gives the enum, the words in every output and
 * the unit. A slot is a (resource, kind) pair; a kind of NULL is the resource's total, and the
 * slots of a resource follow its total. A new resource is its rows here and the topic that fills
 * them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum seep_unit { UNIT_COUNT, UNIT_BYTES };

/* X(slot, resource, kind, unit, help) */
#define SEEP_SLOTS(X)                                                                              \
	X(PROCESS, "process", NULL, COUNT, "child processes, live and zombie")                     \
	X(PROCESS_CHILD, "process", "child", COUNT, "live children")                               \
	X(PROCESS_ZOMBIE, "process", "zombie", COUNT, "exited children that nobody waited for")    \
	X(THREAD, "thread", NULL, COUNT, "threads")                                                \
	X(FD, "fd", NULL, COUNT, "open file descriptors")                                          \
	X(FD_FILE, "fd", "file", COUNT, "regular files, directories and devices")                  \
	X(FD_SOCKET, "fd", "socket", COUNT, "sockets")                                             \
	X(FD_PIPE, "fd", "pipe", COUNT, "pipe and fifo ends")                                      \
	X(FD_EVENTFD, "fd", "eventfd", COUNT, "eventfds")                                          \
	X(FD_TIMERFD, "fd", "timerfd", COUNT, "timerfds")                                          \
	X(FD_SIGNALFD, "fd", "signalfd", COUNT, "signalfds")                                       \
	X(FD_EPOLL, "fd", "epoll", COUNT, "epoll instances")                                       \
	X(FD_INOTIFY, "fd", "inotify", COUNT, "inotify instances")                                 \
	X(FD_PIDFD, "fd", "pidfd", COUNT, "pidfds")                                                \
	X(FD_IO_URING, "fd", "io_uring", COUNT, "io_uring instances")                              \
	X(FD_OTHER, "fd", "other", COUNT, "every other descriptor")                                \
	X(TCP, "tcp", NULL, COUNT, "TCP sockets (a view beside fd)")                               \
	X(TCP_ESTABLISHED, "tcp", "ESTABLISHED", COUNT, "connections in use")                      \
	X(TCP_SYN_SENT, "tcp", "SYN_SENT", COUNT, "connects that nobody answered yet")             \
	X(TCP_SYN_RECV, "tcp", "SYN_RECV", COUNT, "half-open incoming connections")                \
	X(TCP_FIN_WAIT1, "tcp", "FIN_WAIT1", COUNT, "closed here, unacknowledged")                 \
	X(TCP_FIN_WAIT2, "tcp", "FIN_WAIT2", COUNT, "shut down here, the peer still open")         \
	X(TCP_TIME_WAIT, "tcp", "TIME_WAIT", COUNT, "closed, the port still taken")                \
	X(TCP_CLOSE, "tcp", "CLOSE", COUNT, "never connected, or ended and still open")            \
	X(TCP_CLOSE_WAIT, "tcp", "CLOSE_WAIT", COUNT, "the peer hung up, not closed here")         \
	X(TCP_LAST_ACK, "tcp", "LAST_ACK", COUNT, "closed after the peer, unacknowledged")         \
	X(TCP_LISTEN, "tcp", "LISTEN", COUNT, "listening sockets")                                 \
	X(TCP_CLOSING, "tcp", "CLOSING", COUNT, "closed by both at once")                          \
	X(TCP_NEW_SYN_RECV, "tcp", "NEW_SYN_RECV", COUNT, "handshakes in progress, ownerless")     \
	X(BACKLOG, "backlog", NULL, COUNT, "connections that the process did not accept yet")      \
	X(UDP, "udp", NULL, COUNT, "UDP sockets (a view beside fd)")                               \
	X(UNIX, "unix", NULL, COUNT, "unix sockets (a view beside fd)")                            \
	X(TIMER, "timer", NULL, COUNT, "timers (timerfds are a view beside fd)")                   \
	X(TIMER_TIMERFD, "timer", "timerfd", COUNT, "timerfds")                                    \
	X(TIMER_POSIX, "timer", "posix", COUNT, "timers of timer_create()")                        \
	X(TRANSACTION, "transaction", NULL, COUNT, "transactions of a database left open")         \
	X(WATCH, "watch", NULL, COUNT, "inotify watches")                                          \
	X(DELETED, "deleted", NULL, BYTES, "bytes of deleted files that are still open")           \
	X(MEMORY, "memory", NULL, BYTES, "memory of the process")                                  \
	X(MEMORY_ANON, "memory", "anon", BYTES, "resident anonymous memory")                       \
	X(MEMORY_FILE, "memory", "file", BYTES, "resident file pages")                             \
	X(MEMORY_SHMEM, "memory", "shmem", BYTES, "resident shared memory")                        \
	X(MEMORY_SWAP, "memory", "swap", BYTES, "swapped out")                                     \
	X(MEMORY_PAGETABLE, "memory", "pagetable", BYTES, "page tables")                           \
	X(MAPPING, "mapping", NULL, COUNT, "memory mappings")                                      \
	X(GOROUTINE, "goroutine", NULL, COUNT, "goroutines of a Go program")                       \
	X(GOTIMER, "gotimer", NULL, COUNT, "timers of the Go runtime, without those of sleeps")    \
	X(GOHEAP, "goheap", NULL, BYTES, "heap of a Go program that its last collection kept")     \
	X(CHANNEL, "channel", NULL, COUNT, "items that wait in large channels of a Go program")

enum seep_slot {
#define X(slot, ...) SLOT_##slot,
	SEEP_SLOTS(X)
#undef X
		SLOT_MAX
};

struct slot_info {
	const char *resource;
	const char *kind; /* NULL: the total, which carries the bound */
	enum seep_unit unit;
	const char *help;
	enum seep_slot total; /* the slot of this resource's total */
};

/* Rows in enum order. */
const struct slot_info *slot_info(enum seep_slot slot);

/* "count" or "bytes". */
const char *unit_name(enum seep_unit unit);

static inline bool slot_is_total(enum seep_slot slot)
{
	return slot_info(slot)->kind == NULL;
}

/* The total whose bound limits a slot: its resource's own, or fd for sockets and timerfds, which
 * are descriptors seen from another side. */
enum seep_slot slot_bounded_by(enum seep_slot slot);

/* Resources that only programs of one runtime have. */
bool slot_is_of_go(enum seep_slot slot);

/* The slot of a name pair as outputs write it, or SLOT_MAX; kind may be NULL. */
enum seep_slot slot_find(const char *resource, const char *kind);

/* True if any slot has this resource name. */
bool resource_exists(const char *resource);
