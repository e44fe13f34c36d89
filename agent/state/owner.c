// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int owner_get(struct cursor *c, struct owner *ret)
{
	struct owner o = { .kind = cursor_get_byte(c) };

	switch (o.kind) {
	case OWNER_PROCESS:
		o.pid = cursor_get_count(c);
		o.start = cursor_get_count(c);
		o.exec_id = cursor_get_count(c);
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
				   .exec_id = p->exec_id };

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

static struct model_cell *find_process(const struct model *m, const struct owner *o)
{
	struct model_process *p = o->pid <= INT32_MAX ? model_find(m, (pid_t)o->pid) : NULL;

	return p && p->start == o->start && p->exec_id == o->exec_id ? p->cells : NULL;
}

static struct model_cell *find_netns(const struct model *m, const struct owner *o)
{
	model_for_each_netns(m, n) if (n->inode == o->inode) return n->cells;
	return NULL;
}

static struct model_cell *find_group(struct model *m, const struct owner *o)
{
	struct model_group *g = model_group(m, o->name);

	return g ? g->cells : NULL;
}

struct model_cell *owner_find(struct model *m, const struct owner *o)
{
	switch (o->kind) {
	case OWNER_PROCESS:
		return find_process(m, o);
	case OWNER_GROUP:
		return find_group(m, o);
	case OWNER_NETNS:
		return find_netns(m, o);
	default:
		return NULL;
	}
}
