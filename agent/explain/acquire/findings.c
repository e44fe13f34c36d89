// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/explain/acquire/findings.h"
#include "agent/probe/acquire.h"
#include "agent/explain/acquire/truth.h"
#include "agent/model/go_function.h"

/* A view shows sockets by what they are now, timerfds as timers. */
struct views {
	const struct acquire_view *view;
	struct truth descriptors, sockets;
	double scale[ACQUIRE_CLASS_MAX]; /* exact creations for each one that was estimated */
	struct findings *findings;
	int error;
};

static uint64_t scaled(uint64_t count, double scale)
{
	return (uint64_t)llround((double)count * scale);
}

/* Where the runtime goes through the C library, which it does in a program with cgo, its own C
 * function for that stands between, that has a name or none, and this one calls nothing else. */
static bool calls_cgo_mmap(const struct site_frame *f)
{
	return strcmp(f->function, "runtime.callCgoMmap") == 0;
}

bool acquire_maps_go_heap(const struct site_frame *frames, size_t n)
{
	size_t i = 0;

	for (size_t k = 0; k < n; k++)
		if (calls_cgo_mmap(&frames[k]))
			return true;
	while (i < n && (!frames[i].function[0] || site_frame_is_runtime(&frames[i]) ||
			 go_function_is_syscall(frames[i].function)))
		i++;
	return i < n && go_function_is_runtime(frames[i].function) &&
	       !strstr(frames[i].function, "asmcgocall");
}

static bool is_go_heap(const struct site *site)
{
	return acquire_class_of(site->slot) == ACQUIRE_CLASS_MAPPING &&
	       acquire_maps_go_heap(site->frames, site->n_frames);
}

static void add_finding(struct views *v, const struct site *site, const struct site_report *r,
			enum seep_slot slot, uint64_t live)
{
	double scale = r->sampled > 1 ? v->scale[acquire_class_of(site->slot)] : 1;
	bool bytes = acquire_class_of(site->slot) == ACQUIRE_CLASS_MAPPING;
	struct finding *f = findings_add(v->findings);

	if (!f) {
		v->error = -ENOMEM;
		return;
	}
	f->resource = slot_info(slot)->resource;
	f->kind = slot_info(slot)->kind;
	f->reason = site->reason;
	if (!f->reason && is_go_heap(site))
		f->reason = "for a Go heap";
	f->verdict = is_go_heap(site) ? SITE_UNDECIDED : r->verdict;
	f->live = scaled(live, scale);
	f->live_bytes = scaled(r->live_bytes, scale);
	f->created = scaled(r->created, scale);
	f->destroyed = scaled(r->destroyed, scale);
	f->sampled = r->sampled;
	f->growth_per_hour = r->growth_per_hour * scale;
	if (bytes && r->live)
		f->growth_bytes_per_hour =
			f->growth_per_hour * ((double)r->live_bytes / (double)r->live);
	f->oldest = r->oldest;
	v->error = site_frames_copy(site->frames, site->n_frames, &f->frames);
	if (v->error == 0)
		f->n_frames = site->n_frames;
}

/* What a socket is now: a TCP state, udp, unix; SLOT_MAX for what is none of these. */
static enum seep_slot socket_slot(const struct views *v, uint64_t fd)
{
	const struct truth_object *descriptor = truth_find_id(&v->descriptors, fd);
	const struct truth_object *socket =
		descriptor ? truth_find_id(&v->sockets, descriptor->other) : NULL;

	return socket ? socket->slot : SLOT_MAX;
}

/* A finding for each state that living sockets of the site are in. */
static void add_sockets(struct views *v, const struct site *site, const struct site_report *r)
{
	uint64_t live[SLOT_MAX] = { 0 };

	for (size_t i = 0; i < site->n_lives; i++) {
		const struct site_life *l = &site->lives[i];
		enum seep_slot slot =
			isfinite(l->died) ? SLOT_MAX : socket_slot(v, l->key & ACQUIRE_KEY_NUMBER);

		if (slot != SLOT_MAX)
			live[slot] += l->weight;
	}
	for (enum seep_slot slot = 0; slot < SLOT_MAX && v->error == 0; slot++)
		if (live[slot] && strcmp(slot_info(slot)->resource, v->view->resource) == 0)
			add_finding(v, site, r, slot, live[slot]);
}

static void add_site(struct views *v, const struct site *site)
{
	const char *wanted = v->view->resource;
	struct site_report r;

	sites_judge(account_sites(v->view->account), site, v->view->start, v->view->end, &r);
	if (r.created == 0 && r.live == 0)
		return;
	if (!wanted || strcmp(wanted, slot_info(site->slot)->resource) == 0)
		add_finding(v, site, &r, site->slot, r.live);
	else if (site->slot == SLOT_FD_TIMERFD && strcmp(wanted, "timer") == 0)
		add_finding(v, site, &r, SLOT_TIMER_TIMERFD, r.live);
	else if (site->slot == SLOT_FD_SOCKET)
		add_sockets(v, site, &r);
}

/* Chance decides what is followed, so the sum of the weights is near the exact count, not equal. */
static void find_scales(struct views *v)
{
	uint64_t estimated[ACQUIRE_CLASS_MAX] = { 0 };

	for (const struct site *site = sites_first(account_sites(v->view->account)); site;
	     site = site->next)
		for (size_t i = 0; i < site->n_lives; i++)
			if (isfinite(site->lives[i].born) && site->slot != SLOT_PROCESS_ZOMBIE)
				estimated[acquire_class_of(site->slot)] += site->lives[i].weight;
	for (int class = 0; class < ACQUIRE_CLASS_MAX; class ++)
		v->scale[class] =
			estimated[class] && v->view->created[class]
				? (double)v->view->created[class] / (double)estimated[class]
				: 1;
}

int acquire_findings(const struct acquire_view *view, struct findings *ret)
{
	struct views v = { .view = view, .findings = ret };

	find_scales(&v);
	if (view->resource) {
		truth_descriptors(view->pid, &v.descriptors);
		truth_sockets(view->pid, &v.sockets);
	}
	for (const struct site *site = sites_first(account_sites(view->account));
	     site && v.error == 0; site = site->next)
		add_site(&v, site);
	truth_clear(&v.descriptors);
	truth_clear(&v.sockets);
	return v.error;
}
