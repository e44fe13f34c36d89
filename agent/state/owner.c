// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/state/owner.h"

#define LONGEST_NAME 4096

void owner_put(struct bytes *b, const struct owner *o)
{
	bytes_put_byte(b, (uint8_t)o->kind);
	switch (o->kind) {
	case OWNER_PROCESS:
		bytes_put_count(b, o->pid);
		bytes_put_count(b, o->start);
		bytes_put_count(b, o->exec_id);
		bytes_put(b, &o->base, sizeof(o->base));
		break;
	case OWNER_GROUP:
		bytes_put_count(b, strlen(o->name));
		bytes_put(b, o->name, strlen(o->name));
		break;
	case OWNER_NETNS:
		bytes_put_count(b, o->inode);
		break;
	default:
		break;
	}
}

static int get_name(struct cursor *c, char **ret)
{
	uint64_t size = cursor_get_count(c);
	const uint8_t *at = size <= LONGEST_NAME ? cursor_skip(c, size) : NULL;

	if (!at || memchr(at, '\0', size))
		return -EBADMSG;
	*ret = strndup((const char *)at, size);
	return *ret ? 0 : -ENOMEM;
}

/* -1 is what could not be read. */
static bool is_odd(const struct taken_base *b)
{
	const int64_t bytes[] = { b->address_space, b->resident.file, b->resident.shmem };

	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
		if (bytes[i] < -1 || bytes[i] > INT64_MAX / 4)
			return true;
	return !isfinite(b->settles);
}

int owner_get(struct cursor *c, struct owner *ret)
{
	struct owner o = { .kind = cursor_get_byte(c) };

	switch (o.kind) {
	case OWNER_PROCESS:
		o.pid = cursor_get_count(c);
		o.start = cursor_get_count(c);
		o.exec_id = cursor_get_count(c);
		cursor_get(c, &o.base, sizeof(o.base));
		if (is_odd(&o.base))
			return -EBADMSG;
		break;
	case OWNER_GROUP: {
		int r = get_name(c, &o.name);

		if (r < 0)
			return r;
		break;
	}
	case OWNER_NETNS:
		o.inode = cursor_get_count(c);
		break;
	case OWNER_END:
		break;
	default:
		return -EBADMSG;
	}
	if (c->bad) {
		free(o.name);
		return -EBADMSG;
	}
	*ret = o;
	return 0;
}

void owners_visit(struct model *m, owner_visit *visit, void *context)
{
	model_for_each_process (m, p) {
		struct owner o = { OWNER_PROCESS, .pid = (uint64_t)p->pid, .start = p->start,
				   .exec_id = p->exec_id, .base = p->taken_base };

		visit(context, &o, p->cells);
	}
	model_for_each_group (m, g) {
		struct owner o = { OWNER_GROUP, .name = g->name };

		visit(context, &o, g->cells);
	}
	model_for_each_netns(m, n)
	{
		struct owner o = { OWNER_NETNS, .inode = n->inode };

		visit(context, &o, n->cells);
	}
}

static struct model_cell *resume_process(struct model *m, const struct owner *o,
					 const struct taken **ret_taken)
{
	struct model_process *p = o->pid <= INT32_MAX ? model_find(m, (pid_t)o->pid) : NULL;

	if (!p || p->start != o->start || p->exec_id != o->exec_id)
		return NULL;
	p->taken_base = o->base;
	model_measure_taken(m, p);
	*ret_taken = &p->taken;
	return p->cells;
}

static struct model_cell *resume_group(struct model *m, const struct owner *o,
				       const struct taken **ret_taken)
{
	struct model_group *g = model_group(m, o->name);

	if (!g)
		return NULL;
	/* As groups_sum() does, now that its processes go on from their bases. */
	g->taken = (struct taken){ 0 };
	model_for_each_process (m, p)
		if (p->group == g)
			taken_add(&g->taken, &p->taken);
	*ret_taken = &g->taken;
	return g->cells;
}

static struct model_cell *resume_netns(struct model *m, const struct owner *o,
				       const struct taken **ret_taken)
{
	static const struct taken none;

	*ret_taken = &none;
	model_for_each_netns(m, n) if (n->inode == o->inode) return n->cells;
	return NULL;
}

struct model_cell *owner_resume(struct model *m, const struct owner *o,
				const struct taken **ret_taken)
{
	switch (o->kind) {
	case OWNER_PROCESS:
		return resume_process(m, o, ret_taken);
	case OWNER_GROUP:
		return resume_group(m, o, ret_taken);
	case OWNER_NETNS:
		return resume_netns(m, o, ret_taken);
	default:
		return NULL;
	}
}
