// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/cgroup.h"
#include "agent/probe/iterator.h"
#include "agent/probe/kernel_types.h"
#include "agent/probe/loss.h"
#include "agent/probe/run_time.h"
#include "agent/probe/transaction.h"
#include "bpf/transaction.skel.h"

/* The descriptors that a map is to hold. */
struct wish {
	uint32_t fds[TRANSACTION_FOLLOWED];
	unsigned int n, max;
};

struct transaction_probe {
	pid_t pid;
	struct transaction_bpf *skeleton;
	struct run_time run_time;
	struct wish writes, locals;
	uint64_t lost_follows;
};

struct listing {
	transaction_handler handler;
	void *context;
};

static int open_skeleton(pid_t pid, struct transaction_bpf **ret)
{
	uint32_t own_namespace;
	int r = iterator_own_namespace(&own_namespace);

	if (r < 0)
		return r;
	*ret = transaction_bpf__open_opts(kernel_types());
	if (!*ret)
		return -errno;
	(*ret)->rodata->wanted_pid = (uint32_t)pid;
	(*ret)->rodata->own_inode = own_namespace;
	return transaction_bpf__load(*ret);
}

/* The kernel walks one process's descriptors since 6.1 (f0d74c4da1f0); the program looks anyway. */
static int attach_list(struct transaction_bpf *s, pid_t pid)
{
	union bpf_iter_link_info info = { .task = { .pid = (uint32_t)pid } };
	DECLARE_LIBBPF_OPTS(bpf_iter_attach_opts, one, .link_info = &info,
			    .link_info_len = sizeof(info));

	s->links.transaction_list = bpf_program__attach_iter(s->progs.transaction_list, &one);
	if (!s->links.transaction_list)
		s->links.transaction_list =
			bpf_program__attach_iter(s->progs.transaction_list, NULL);
	return s->links.transaction_list ? 0 : -errno;
}

int transaction_probe_new(pid_t pid, struct transaction_probe **ret)
{
	struct transaction_probe *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->pid = pid;
	p->run_time.fd = -1;
	p->writes.max = TRANSACTION_FOLLOWED;
	p->locals.max = TRANSACTION_LOCALS;
	r = open_skeleton(pid, &p->skeleton);
	if (r == 0)
		r = attach_list(p->skeleton, pid);
	if (r < 0) {
		transaction_probe_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

int transaction_probe_attach(struct transaction_probe *p)
{
	struct transaction_bpf *s = p->skeleton;
	_cleanup_close_ int cgroup = cgroup_open_unified(p->pid);

	if (cgroup < 0)
		return cgroup;
	run_time_begin(&p->run_time);
	s->links.transaction_receive =
		bpf_program__attach_cgroup(s->progs.transaction_receive, cgroup);
	if (!s->links.transaction_receive)
		return -errno;
	s->links.transaction_send = bpf_program__attach_cgroup(s->progs.transaction_send, cgroup);
	if (!s->links.transaction_send)
		return -errno;
	s->links.transaction_call = bpf_program__attach(s->progs.transaction_call);
	return s->links.transaction_call ? 0 : -errno;
}

void transaction_probe_free(struct transaction_probe *p)
{
	if (!p)
		return;
	run_time_end(&p->run_time);
	transaction_bpf__destroy(p->skeleton);
	free(p);
}

static size_t row_size(uint32_t type)
{
	return type == TRANSACTION_ROW ? sizeof(struct transaction_row) : 0;
}

static void take_row(const void *row, void *context)
{
	const struct listing *l = context;

	l->handler(l->context, row);
}

int transaction_probe_list(struct transaction_probe *p, transaction_handler handler, void *context)
{
	struct listing l = { handler, context };

	return iterator_run(p->skeleton->links.transaction_list, row_size, take_row, &l);
}

static void wish_for(struct transaction_probe *p, struct wish *w, const struct bpf_map *map,
		     uint32_t fd, const void *value)
{
	if (w->n == w->max ||
	    (bpf_map_update_elem(bpf_map__fd(map), &fd, value, BPF_NOEXIST) < 0 && errno != EEXIST))
		p->lost_follows++;
	else
		w->fds[w->n++] = fd;
}

void transaction_probe_follow(struct transaction_probe *p, uint32_t fd)
{
	static const struct transaction_write nothing;

	wish_for(p, &p->writes, p->skeleton->maps.writes, fd, &nothing);
}

void transaction_probe_listen(struct transaction_probe *p, uint32_t fd, uint64_t inode)
{
	struct transaction_local fresh = { .inode = inode };

	wish_for(p, &p->locals, p->skeleton->maps.locals, fd, &fresh);
}

static bool is_wished(const struct wish *w, uint32_t fd)
{
	for (unsigned int i = 0; i < w->n; i++)
		if (w->fds[i] == fd)
			return true;
	return false;
}

/* The key is found before the one that precedes it is deleted, else the walk would begin anew. */
static void settle(struct wish *w, const struct bpf_map *map)
{
	uint32_t fd, next;
	bool more = bpf_map_get_next_key(bpf_map__fd(map), NULL, &fd) == 0;

	while (more) {
		more = bpf_map_get_next_key(bpf_map__fd(map), &fd, &next) == 0;
		if (!is_wished(w, fd))
			bpf_map_delete_elem(bpf_map__fd(map), &fd);
		fd = next;
	}
	w->n = 0;
}

void transaction_probe_settle(struct transaction_probe *p)
{
	settle(&p->writes, p->skeleton->maps.writes);
	settle(&p->locals, p->skeleton->maps.locals);
}

int transaction_probe_last_write(struct transaction_probe *p, uint32_t fd,
				 struct transaction_write *ret)
{
	if (bpf_map_lookup_elem(bpf_map__fd(p->skeleton->maps.writes), &fd, ret) < 0)
		return -errno;
	return ret->time ? 0 : -ENOENT;
}

void transaction_probe_tick(struct transaction_probe *p)
{
	run_time_tick(&p->run_time);
}

int transaction_probe_counts(struct transaction_probe *p, struct transaction_counts *ret)
{
	int r;

	ret->hits = p->skeleton->bss->hits;
	ret->seconds = run_time_seconds(&p->run_time, p->skeleton->obj);
	r = loss_read(bpf_map__fd(p->skeleton->maps.losses), ret->lost);
	ret->lost[LOSS_MAP_FULL] += p->lost_follows;
	return r;
}

static void drop(struct bpf_link **link)
{
	bpf_link__destroy(*link);
	*link = NULL;
}

void transaction_probe_detach(struct transaction_probe *p)
{
	drop(&p->skeleton->links.transaction_call);
	drop(&p->skeleton->links.transaction_send);
	drop(&p->skeleton->links.transaction_receive);
	run_time_end(&p->run_time);
}
