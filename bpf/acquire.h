/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wire format of explain's watch of one process: who takes and who gives back descriptors, timers,
 * watches, mappings, threads and children. One table says which system calls do, and how.
 */
#pragma once

#ifdef __bpf__
#include "bpf/vmlinux.h"
#else
#include <linux/types.h>
#endif

/* How a successful call tells what it did. RET is its return value, ARGn its n-th argument. */
enum acquire_how {
	ACQUIRE_NOTHING,
	ACQUIRE_FD,	      /* RET is a new descriptor */
	ACQUIRE_FD_PAIR0,     /* ARG0 points to two descriptors */
	ACQUIRE_FD_PAIR3,     /* ARG3 does */
	ACQUIRE_FD_DUP,	      /* RET is a copy of ARG0, whatever was there is closed */
	ACQUIRE_FD_FCNTL,     /* as DUP for two commands of ARG1 */
	ACQUIRE_FD_BPF,	      /* as FD for some commands of ARG0 */
	ACQUIRE_FD_RECEIVE,   /* ARG1 is a msghdr that may hold descriptors */
	ACQUIRE_CLOSE,	      /* ARG0 is gone */
	ACQUIRE_CLOSE_RANGE,  /* ARG0 to ARG1 are gone */
	ACQUIRE_TIMER,	      /* ARG2 points to a timer */
	ACQUIRE_TIMER_DELETE, /* ARG0 is gone */
	ACQUIRE_WATCH,	      /* RET is a watch of the inotify descriptor ARG0 */
	ACQUIRE_WATCH_REMOVE, /* watch ARG1 of ARG0 is gone */
	ACQUIRE_MAP,	      /* ARG1 bytes at RET */
	ACQUIRE_UNMAP,	      /* ARG1 bytes at ARG0 */
	ACQUIRE_REMAP,	      /* ARG1 bytes at ARG0 are ARG2 bytes at RET */
	ACQUIRE_BREAK,	      /* the heap ends at RET */
	ACQUIRE_THREAD,	      /* not a call: task_newtask */
	ACQUIRE_THREAD_EXIT,
	ACQUIRE_CHILD,
	ACQUIRE_CHILD_EXIT, /* a zombie from now on */
	ACQUIRE_CHILD_REAPED,
	ACQUIRE_EXEC, /* all but the descriptors without CLOEXEC is gone */
	ACQUIRE_HOW_MAX
};

/*
 * X(number, name, how, slot): numbers of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl), slots of
 * model/resource.h. A new call is a row.
 */
#define ACQUIRE_CALLS(X)                                                                           \
	X(2, open, FD, FD_FILE)                                                                    \
	X(3, close, CLOSE, FD)                                                                     \
	X(9, mmap, MAP, MAPPING)                                                                   \
	X(11, munmap, UNMAP, MAPPING)                                                              \
	X(12, brk, BREAK, MAPPING)                                                                 \
	X(22, pipe, FD_PAIR0, FD_PIPE)                                                             \
	X(25, mremap, REMAP, MAPPING)                                                              \
	X(32, dup, FD_DUP, FD)                                                                     \
	X(33, dup2, FD_DUP, FD)                                                                    \
	X(41, socket, FD, FD_SOCKET)                                                               \
	X(43, accept, FD, FD_SOCKET)                                                               \
	X(47, recvmsg, FD_RECEIVE, FD)                                                             \
	X(53, socketpair, FD_PAIR3, FD_SOCKET)                                                     \
	X(72, fcntl, FD_FCNTL, FD)                                                                 \
	X(85, creat, FD, FD_FILE)                                                                  \
	X(213, epoll_create, FD, FD_EPOLL)                                                         \
	X(222, timer_create, TIMER, TIMER_POSIX)                                                   \
	X(226, timer_delete, TIMER_DELETE, TIMER_POSIX)                                            \
	X(240, mq_open, FD, FD_OTHER)                                                              \
	X(253, inotify_init, FD, FD_INOTIFY)                                                       \
	X(254, inotify_add_watch, WATCH, WATCH)                                                    \
	X(255, inotify_rm_watch, WATCH_REMOVE, WATCH)                                              \
	X(257, openat, FD, FD_FILE)                                                                \
	X(282, signalfd, FD, FD_SIGNALFD)                                                          \
	X(283, timerfd_create, FD, FD_TIMERFD)                                                     \
	X(284, eventfd, FD, FD_EVENTFD)                                                            \
	X(288, accept4, FD, FD_SOCKET)                                                             \
	X(289, signalfd4, FD, FD_SIGNALFD)                                                         \
	X(290, eventfd2, FD, FD_EVENTFD)                                                           \
	X(291, epoll_create1, FD, FD_EPOLL)                                                        \
	X(292, dup3, FD_DUP, FD)                                                                   \
	X(293, pipe2, FD_PAIR0, FD_PIPE)                                                           \
	X(294, inotify_init1, FD, FD_INOTIFY)                                                      \
	X(298, perf_event_open, FD, FD_OTHER)                                                      \
	X(300, fanotify_init, FD, FD_OTHER)                                                        \
	X(304, open_by_handle_at, FD, FD_FILE)                                                     \
	X(319, memfd_create, FD, FD_FILE)                                                          \
	X(321, bpf, FD_BPF, FD_OTHER)                                                              \
	X(323, userfaultfd, FD, FD_OTHER)                                                          \
	X(425, io_uring_setup, FD, FD_IO_URING)                                                    \
	X(428, open_tree, FD, FD_FILE)                                                             \
	X(430, fsopen, FD, FD_OTHER)                                                               \
	X(432, fsmount, FD, FD_FILE)                                                               \
	X(434, pidfd_open, FD, FD_PIDFD)                                                           \
	X(436, close_range, CLOSE_RANGE, FD)                                                       \
	X(437, openat2, FD, FD_FILE)                                                               \
	X(438, pidfd_getfd, FD, FD)                                                                \
	X(444, landlock_create_ruleset, FD, FD_OTHER)                                              \
	X(447, memfd_secret, FD, FD_FILE)

#define ACQUIRE_MAX_CALL 512

/* What is counted and sampled apart: a storm of one kind must not hide another. */
enum acquire_class {
	ACQUIRE_CLASS_FD,
	ACQUIRE_CLASS_TIMER,
	ACQUIRE_CLASS_WATCH,
	ACQUIRE_CLASS_MAPPING,
	ACQUIRE_CLASS_TASK,
	ACQUIRE_CLASS_MAX
};

#define ACQUIRE_STACKS_PER_SECOND 50 /* of one class; above that, 1 in k creations is followed */

/* Identifies an object of the process: the class in the top byte. */
#define ACQUIRE_KEY(class, id) (((__u64)(class) << 56) | (id))
#define ACQUIRE_KEY_WATCH(fd, wd)                                                                  \
	ACQUIRE_KEY(ACQUIRE_CLASS_WATCH, ((__u64)(fd) << 32) | (__u32)(wd))

#define ACQUIRE_KEY_NUMBER 0xffffffffffffffULL /* the rest of a key */

#define ACQUIRE_RECEIVED 4 /* descriptors of one message that are followed */

struct acquire_event {
	__u64 time;   /* ns, CLOCK_MONOTONIC */
	__u64 id;     /* descriptor, timer, watch, address or task (its number on the host) */
	__u64 other;  /* FD_PAIR: the second; FD_DUP: the source; CLOSE_RANGE: the last; WATCH: the
		       * descriptor; MAP, UNMAP, REMAP: bytes; BREAK: the end before; tasks: number
		       * in  seep's PID namespace; FD_RECEIVE: two descriptors, low half first */
	__u64 extra;  /* REMAP: the address before; MAP: not 0 if it may replace others;
		       * FD_RECEIVE: two more, all ones for none */
	__u32 weight; /* creations that this one stands for; 0 for what is no creation */
	__u16 call;   /* number of the system call, ACQUIRE_MAX_CALL for what is none */
	__u8 how;     /* enum acquire_how */
	__u8 has_stack;
};

/* In the ring buffer an event with a stack is followed by the used part of a struct stack_copy. */

_Static_assert(sizeof(struct acquire_event) == 40, "wire format");
