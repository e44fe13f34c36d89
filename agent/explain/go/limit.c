// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>

#include "agent/base/text.h"
#include "agent/explain/go/limit.h"

#define LATE_PART     0.5  /* of the limit, in use before it came */
#define OUTGROWN_PART 0.75 /* of the limit, alive */
#define ROOM_PART     0.25 /* of what the collector waits for where no limit presses */
#define CYCLES_LEAST  4	   /* in the watch, to know their pace */
#define OFF_PART      0.5  /* of the cgroup's limit, in use by a heap that is never collected */
#define PERCENT	      100.0

/* Bytes to be allocated until the next collection, by GOGC alone. */
static double room(const struct golimit_watch *w)
{
	return (double)w->marked * (w->percent < 0 ? 1 : w->percent / PERCENT);
}

static bool is_late(const struct golimit_watch *w)
{
	return w->limit_before == GOLIMIT_NONE && w->limit != GOLIMIT_NONE &&
	       (double)w->heap_before >= LATE_PART * (double)w->limit;
}

static bool is_outgrown(const struct golimit_watch *w)
{
	return w->limit != GOLIMIT_NONE && w->cycles >= CYCLES_LEAST &&
	       (double)w->marked >= OUTGROWN_PART * (double)w->limit &&
	       w->allocated / w->cycles <= ROOM_PART * room(w);
}

static bool passes_cgroup(const struct golimit_watch *w)
{
	if (!w->cgroup || w->limit <= w->cgroup)
		return false;
	if (w->percent < 0)
		return (double)w->heap_before >= OFF_PART * (double)w->cgroup;
	return (double)w->marked + room(w) > (double)w->cgroup;
}

enum golimit_fault golimit_judge(const struct golimit_watch *w)
{
	if (!w->from_environment && is_late(w))
		return GOLIMIT_SET_LATE;
	if (is_outgrown(w))
		return w->from_environment ? GOLIMIT_TOO_LOW : GOLIMIT_OUTGROWN;
	return passes_cgroup(w) ? GOLIMIT_NEVER_SET : GOLIMIT_FINE;
}

static void tell_limit(const struct golimit_watch *w, enum golimit_fault fault, char *dst,
		       size_t size)
{
	char limit[32], heap[32];

	text_format_bytes((double)w->limit, limit, sizeof(limit));
	text_format_bytes((double)w->heap_before, heap, sizeof(heap));
	if (w->limit == GOLIMIT_NONE)
		text_append(dst, size, "no memory limit is set");
	else if (fault == GOLIMIT_SET_LATE)
		text_append(dst, size, "a memory limit of %s came when %s were in use", limit,
			    heap);
	else
		text_append(dst, size, "a memory limit of %s", limit);
}

void golimit_tell(const struct golimit_watch *w, enum golimit_fault fault, double seconds,
		  double share, char *dst, size_t size)
{
	char bytes[32];

	dst[0] = '\0';
	tell_limit(w, fault, dst, size);
	text_format_bytes((double)w->marked, bytes, sizeof(bytes));
	text_append(dst, size, ", %s alive", bytes);
	if (w->cgroup) {
		text_format_bytes((double)w->cgroup, bytes, sizeof(bytes));
		text_append(dst, size, ", the cgroup allows %s", bytes);
	}
	if (seconds > 0)
		text_append(dst, size, ", %.0f collections a minute", w->cycles * 60 / seconds);
	if (!isnan(share))
		text_append(dst, size, " take up to %.0f %% of its CPU time", share * PERCENT);
}
