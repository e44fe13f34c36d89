// SPDX-License-Identifier: GPL-2.0-only
/* The reader child's answers about Go programs; what it has learned of each is kept. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/process.h"
#include "agent/sites/service.h"

#define KEPT	   64 /* as many as the parent names (TARGETS_MAX) */
#define SCAN_NS	   1000000000ull
#define SCAN_BYTES (1ull << 30)

struct kept {
	uint64_t name; /* 0: free */
	uint64_t used;
	struct go_process *process;
};

static struct kept kept[KEPT];
static uint64_t clock_used;

static enum go_status (*const scans[GO_FEATURE_MAX])(struct go_builder *) = {
	[GO_GOROUTINES] = go_goroutines_scan, [GO_TIMERS] = go_timers_scan,
	[GO_COLLECTOR] = go_collector_scan,   [GO_CHANNELS] = go_channels_scan,
	[GO_POOLS] = go_pools_scan,
};

static void drop(struct kept *k)
{
	go_process_free(k->process);
	*k = (struct kept){ 0 };
}

static void forget(uint64_t name)
{
	for (size_t i = 0; i < KEPT; i++)
		if (name && kept[i].name == name)
			drop(&kept[i]);
}

static int find_process(const struct source *source, uint64_t name, struct go_process **ret)
{
	struct kept *oldest = &kept[0];
	struct go_process *fresh;
	int r;

	for (size_t i = 0; i < KEPT; i++) {
		if (kept[i].name == name) {
			kept[i].used = ++clock_used;
			*ret = kept[i].process;
			return 0;
		}
		if (kept[i].used < oldest->used)
			oldest = &kept[i];
	}
	r = go_process_new(source, &fresh);
	if (r < 0)
		return r;
	drop(oldest);
	*oldest = (struct kept){ .name = name, .used = ++clock_used, .process = fresh };
	*ret = fresh;
	return 0;
}

/* A request is of our own parent, but its fields index what is here. */
static int check_request(const void *request, size_t size, struct go_request *ret)
{
	if (size != sizeof(*ret))
		return -EINVAL;
	memcpy(ret, request, sizeof(*ret));
	return ret->n_slices <= GO_SLICES ? 0 : -EINVAL;
}

static void scan_all(struct go_builder *b)
{
	struct go_report *r = b->report;

	for (enum go_feature f = 0; f < GO_FEATURE_MAX; f++)
		r->status[f] = b->request->wanted >> f & 1 && scans[f] ? scans[f](b) : GO_NOT_ASKED;
}

static void tell_process(const struct go_process *p, struct go_report *r)
{
	snprintf(r->version, sizeof(r->version), "%s", p->image.version);
	r->minor = p->image.minor;
	r->calibrated = p->layout.minor == 0;
	r->async_timers = p->async_timers;
	r->limit_from_environment = p->limit_from_environment;
	r->attach_ns = p->attach_ns;
}

static void scan_process(struct go_process *p, const struct go_request *request,
			 struct go_report *report)
{
	static struct go_builder builder;
	uint64_t began = go_cpu_ns();

	memset(report, 0, sizeof(*report));
	builder = (struct go_builder){ .process = p, .request = request, .report = report };
	report->n_strings = 1; /* "" */
	report->sampled = 1;
	tell_process(p, report);
	scan_all(&builder);
	report->reads = p->memory.reads;
	report->bytes = p->memory.bytes;
	report->unread = p->memory.unread;
	report->cpu_ns = go_cpu_ns() - began;
	report->size = (uint32_t)(offsetof(struct go_report, strings) + report->n_strings);
}

static int answer_report(struct go_process *p, const void *bytes, size_t size, void *ret,
			 size_t *ret_size)
{
	struct go_report *report = ret;
	struct go_request request;
	int r = check_request(bytes, size, &request);

	if (r == 0 && *ret_size < sizeof(*report))
		r = -EMSGSIZE;
	if (r < 0)
		return r;
	scan_process(p, &request, report);
	*ret_size = report->size;
	return 0;
}

static int (*const answers[GO_ASK_MAX])(struct go_process *, const void *, size_t, void *,
					size_t *) = {
	[GO_ASK_REPORT] = answer_report,      [GO_ASK_POINTS] = go_points_answer,
	[GO_ASK_FATES] = go_fates_answer,     [GO_ASK_NAMES] = go_names_answer,
	[GO_ASK_CALLERS] = go_callers_answer, [GO_ASK_PROFILE] = go_profile_answer,
	[GO_ASK_BUFFERS] = go_buffers_answer, [GO_ASK_STORES] = go_stores_answer,
};

/* What was learned of a program is of no use once its address space is gone: another runs by now.
 */
static int answer(const struct source *source, uint64_t name, const void *bytes, size_t size,
		  void *ret, size_t *ret_size)
{
	struct go_process *p;
	uint32_t ask;
	int r;

	if (size < sizeof(ask))
		return -EINVAL;
	memcpy(&ask, bytes, sizeof(ask));
	if (ask >= GO_ASK_MAX)
		return -EINVAL;
	r = find_process(source, name, &p);
	if (r < 0)
		return r;
	go_memory_begin(&p->memory, source, SCAN_NS, SCAN_BYTES);
	r = answers[ask](p, bytes, size, ret, ret_size);
	if (p->memory.gone)
		forget(name);
	return r;
}

const struct service service_go = { .answer = answer, .forget = forget };
