/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sandboxed reader, seen from the root process. A child without any capability, under seccomp
 * and with limits of memory and time, reads the ELF, DWARF and unwinding tables of strangers. The
 * root process opens descriptors and hands them over; it never parses what is in them. A crash or
 * an answer that does not come costs that one answer: the child is replaced, the loss is counted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/model/frame.h"
#include "agent/model/loss.h"
#include "bpf/lib/frame.h"
#include "bpf/lib/stack.h"

struct reader;

/*
 * Starts the children: the reader, and the opener that opens what the reader asks for. They die
 * with the thread that called; a process must call it from one that stays. When the sandbox cannot
 * be closed, the error says so and there is no reader.
 */
int reader_new(struct reader **ret);
void reader_free(struct reader *r);

/*
 * Unwind a stack copy of a process. Fills at most max return addresses, innermost first, the first
 * being the stack's own pc; *ret_n tells how many. -ESRCH when the process is gone and nothing was
 * known of it, -ETIMEDOUT, -EPIPE when the child died on it (or had done so too often on this
 * process), -ENODATA when no table covers the pc and nothing could be guessed.
 */
int reader_unwind(struct reader *r, pid_t pid, const struct stack_copy *stack, uint64_t *ret_pcs,
		  size_t max, size_t *ret_n);

/* How the last reader_unwind that succeeded went. */
struct reader_unwound {
	unsigned int guessed; /* of the addresses: a frame pointer or the stack's top, for want of a
			       * table (code made at run time); they may be wrong */
	bool complete;	      /* the outermost function was reached */
};
struct reader_unwound reader_last(const struct reader *r);

/*
 * Name n addresses of a process. A call address (all but the innermost) is looked up at pc - 1. An
 * address with inlined calls gives several frames, innermost first. The caller frees *ret with
 * site_frames_free. Reading DWARF may take ten seconds, anything else two; where it takes longer,
 * or kills the child, the process is named by its symbols alone. n is at most SITE_FRAMES (-E2BIG);
 * *ret_n may be more.
 */
int reader_symbolize(struct reader *r, pid_t pid, const uint64_t *pcs, size_t n,
		     struct site_frame **ret, size_t *ret_n);

/*
 * The file offset of a function in the module of pid whose path ends with the given name ("" for
 * the executable itself), for a uprobe by offset. *ret_fd is a descriptor on that module (caller
 * closes). -ENOENT when there is none.
 */
int reader_find_function(struct reader *r, pid_t pid, const char *module, const char *function,
			 uint64_t *ret_offset, int *ret_fd);

/* A function to be probed. pass: bytes of it to pass over, so that the kernel need not run an
 * instruction out of line, which costs several times as much; 0 where that cannot be had. */
struct reader_place {
	uint64_t offset; /* of the function in the file */
	uint32_t pass;
	bool cheap;
};

/* reader_find_function with that knowledge. */
int reader_find_probe(struct reader *r, pid_t pid, const char *module, const char *function,
		      struct reader_place *ret, int *ret_fd);

/*
 * Where the program of pid began (the entry point of its executable): an instruction that it does
 * not come to again. As reader_find_function.
 */
int reader_find_start(struct reader *r, pid_t pid, uint64_t *ret_offset, int *ret_fd);

/*
 * How the frames that return to these addresses are left (bpf/lib/frame.h), at most SITE_FRAMES of
 * them; an address that no table covers is FRAME_STOP.
 */
int reader_rules(struct reader *r, pid_t pid, const uint64_t *pcs, size_t n,
		 struct frame_rule *ret);

/*
 * Load addresses of the executable of pid and its libraries in the order in which the dynamic
 * linker looks names up, at most max of them; as the process has them, so they may lie. -ENODATA
 * when it has no such list.
 */
int reader_load_order(struct reader *r, pid_t pid, uint64_t *ret, size_t max, size_t *ret_n);

/* Whether the executable of pid has a section of that name: 1, 0 or -errno. */
int reader_has_section(struct reader *r, pid_t pid, const char *section);

/*
 * The beginning of the command line of pid, which is what the process made of it: *ret_size bytes
 * at most, of which *ret_size becomes how many there are. Not escaped, zeros included.
 */
int reader_title(struct reader *r, pid_t pid, char *ret, size_t *ret_size);

/*
 * Ask a service of the child (service.h) about a process, and wait that long (nanoseconds). *ret
 * points to its answer, of *ret_size bytes that a stranger may have written, valid until the next
 * call. Negative errno: the service's own, or as for the rest.
 */
int reader_service(struct reader *r, pid_t pid, const void *request, size_t size, uint64_t timeout,
		   const void **ret, size_t *ret_size);

enum reader_file {
	READER_EXECUTABLE,
	READER_MAPS, /* a copy of the list of mappings (proc_pid_maps(5)), as it was */
	READER_MEMORY,
	READER_PAGES, /* which of its pages are there */
};

/*
 * A descriptor on something of pid, which the caller closes. What can wait for the process's lock
 * or its file server is done elsewhere, for a second at most; -ETIMEDOUT then, which is counted.
 */
int reader_open(struct reader *r, pid_t pid, enum reader_file what, int *ret_fd);

/* The same on the file of a mapping (proc_pid_map_files(5)). */
int reader_open_mapping(struct reader *r, pid_t pid, uint64_t start, uint64_t end, int *ret_fd);

/* Forget what is known of a process: it ended or executed another program. */
void reader_forget(struct reader *r, pid_t pid);

/* Answers lost since reader_new: TIMEOUT, CRASHED, REFUSED (see TARGET_FAULTS), TRUNCATED. */
uint64_t reader_lost(const struct reader *r, enum loss_reason reason);

/* The reader child, 0 while there is none: for the agent's account of itself, and for tests. */
pid_t reader_child(const struct reader *r);
