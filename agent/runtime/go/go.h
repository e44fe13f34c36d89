/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Go runtime read from outside: a running, unmodified, stripped program's goroutines, timers
 * and collector, from its memory. Nothing is written and nothing of it is stopped.
 *
 * In the sandboxed reader child, where all foreign bytes are read:
 *   service.c     its entry: requests, and the programs that are known
 *   process.c     what is learned of a program once
 *   image.c       its file: is it Go, which version, where its parts are
 *   moduledata.c  the runtime's record of its parts; with it pclntab.c, from code to lines
 *   variables.c   where the runtime's variables are, by its own code
 *   layout.c      offsets by version, checked and derived
 *   memory.c      bounded reads, neighbours together; pages.c only of what is there
 *   goroutines.c, timers.c, collector.c, channels.c, pools.c: a feature each; panel.c samples
 *   profile.c     the heap profile that the program keeps of itself
 *   buffers.c     how far large objects are filled
 *   channel_search.c  where channels are
 *   makers.c      places in the code that make a channel; holders.c who has one at hand
 *   stack.c       parked stacks; builder.c names in the report
 * Between the processes: report.h, report.c.
 * In the root process:
 *   census.c      every interval, all programs in turn; work.c what they and their collectors took
 *   go.c          ask, check, escape; patterns.c known mistakes by what a report shows
 */
#pragma once

#include <sys/types.h>

#include "agent/model/frame.h"
#include "agent/model/loss.h"
#include "agent/runtime/go/report.h"
#include "agent/sites/reader.h"

#define GO_TIMEOUT_NS 20000000000ull /* for who asks once: a busy host is no failure */

/*
 * Ask about a process. timeout: nanoseconds, after which the child is replaced; it gives up by
 * itself before. The caller frees *ret. -ENOEXEC when it is no Go program, -ENODATA when it is one
 * that cannot be read (packed, obfuscated, older than Go 1.18), -ESRCH when it ended, -ETIMEDOUT
 * and -EPIPE as for every reader call, -ETIME when learning its layout took too long.
 */
int go_scan(struct reader *r, pid_t pid, const struct go_request *request, uint64_t timeout,
	    struct go_report **ret);

/* Words for these errors. */
const char *go_error_text(int error);

/* The version that built it, escaped: "go1.22.12", or "an unknown version". */
const char *go_version(const struct go_report *r, char *dst, size_t size);

/* Strings of a report that passed its check, not escaped yet. */
const char *go_string(const struct go_report *r, uint32_t offset);
/* The innermost place of a code, NULL when it has none. */
const struct go_place *go_code_place(const struct go_report *r, uint16_t code);

/* Add what could not be read, by its reason. */
void go_count_unread(const struct go_unread *u, uint64_t lost[LOSS_REASON_MAX]);

/* How many connections of a pool may stay open that nobody uses. */
uint64_t go_pool_may_idle(const struct go_pool *p);

/*
 * Append the frames of a code to a list of at most SITE_FRAMES, of which there are *n; module is
 * the program's path, escaped. 0 or -ENOMEM.
 */
int go_frames_add(const struct go_report *r, uint16_t code, const char *module,
		  struct site_frame *frames, size_t *n);
