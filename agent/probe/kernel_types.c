// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/probe/kernel_types.h"

/* The names in bpf/vmlinux.h, in strcmp's order. */
static const char *const names[] = {
#include "bpf/kernel_types.inc"
};

struct copying {
	const struct btf *from;
	struct btf *to;
	int *ids;    /* in to, of each type in from; 0 while there is none */
	int pointer; /* stands for all: what one points to is found by its own name */
};

static int copy_type(struct copying *c, __u32 id);

static int copy_array(struct copying *c, const struct btf_type *t)
{
	const struct btf_array *a = btf_array(t);
	int index = copy_type(c, a->index_type), element = copy_type(c, a->type);

	if (index < 0 || element < 0)
		return index < 0 ? index : element;
	return btf__add_array(c->to, index, element, (int)a->nelems);
}

static const char *name_of(const struct copying *c, __u32 offset)
{
	return btf__name_by_offset(c->from, offset);
}

/* Members first: a type's fields follow it at once. */
static int copy_composite(struct copying *c, const struct btf_type *t)
{
	const struct btf_member *members = btf_members(t);
	int id = 0, r = 0;

	for (__u32 i = 0; i < btf_vlen(t) && r >= 0; i++)
		r = copy_type(c, members[i].type);
	if (r >= 0)
		r = id = btf_is_union(t) ? btf__add_union(c->to, name_of(c, t->name_off), t->size)
					 : btf__add_struct(c->to, name_of(c, t->name_off), t->size);
	for (__u32 i = 0; i < btf_vlen(t) && r >= 0; i++)
		r = btf__add_field(c->to, name_of(c, members[i].name_off),
				   copy_type(c, members[i].type), btf_member_bit_offset(t, i),
				   btf_member_bitfield_size(t, i));
	return r < 0 ? r : id;
}

static int copy_typedef(struct copying *c, const struct btf_type *t)
{
	int of = copy_type(c, t->type);

	return of < 0 ? of : btf__add_typedef(c->to, name_of(c, t->name_off), of);
}

static int copy_new(struct copying *c, const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
		return c->pointer;
	case BTF_KIND_ARRAY:
		return copy_array(c, t);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return copy_composite(c, t);
	case BTF_KIND_TYPEDEF:
		return copy_typedef(c, t);
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return copy_type(c, t->type);
	default:
		return btf__add_type(c->to, c->from, t); /* refers to no other */
	}
}

/* Its id in the copy, or a negative errno. By value no type holds itself, so this ends. */
static int copy_type(struct copying *c, __u32 id)
{
	if (id != 0 && c->ids[id] == 0)
		c->ids[id] = copy_new(c, btf__type_by_id(c->from, id));
	return c->ids[id];
}

static int compare_name(const void *key, const void *entry)
{
	return strcmp(key, *(const char *const *)entry);
}

static bool is_read(const struct copying *c, const struct btf_type *t)
{
	const char *name = name_of(c, t->name_off);

	if (!btf_is_composite(t) && !btf_is_any_enum(t) && !btf_is_typedef(t))
		return false;
	return name && bsearch(name, names, ARRAY_SIZE(names), sizeof(names[0]), compare_name);
}

static int copy_all(struct copying *c)
{
	__u32 n = btf__type_cnt(c->from);
	int r = c->pointer = btf__add_ptr(c->to, 0);

	for (__u32 id = 1; id < n && r >= 0; id++)
		if (is_read(c, btf__type_by_id(c->from, id)))
			r = copy_type(c, id);
	return r < 0 ? r : 0;
}

/* A descriptor of a file in memory that holds the BTF. */
static int put(const struct btf *btf)
{
	_cleanup_close_ int fd = memfd_create("seep-kernel-types", MFD_CLOEXEC);
	const void *data;
	__u32 size;

	if (fd < 0)
		return -errno;
	data = btf__raw_data(btf, &size);
	if (!data)
		return -ENOMEM;
	if (write(fd, data, size) != (ssize_t)size)
		return -EIO;
	return TAKE_FD(fd);
}

static int make(void)
{
	struct copying c = { .from = btf__load_vmlinux_btf(), .to = btf__new_empty() };
	int r = c.from && c.to ? 0 : -ENOENT;

	if (r == 0) {
		c.ids = calloc(btf__type_cnt(c.from), sizeof(*c.ids));
		r = c.ids ? copy_all(&c) : -ENOMEM;
	}
	if (r == 0)
		r = put(c.to);
	free(c.ids);
	btf__free(c.to);
	btf__free((struct btf *)c.from);
	return r;
}

const struct bpf_object_open_opts *kernel_types(void)
{
	static struct bpf_object_open_opts options;
	static char path[32];

	if (options.sz == 0) {
		int fd = make();

		options.sz = sizeof(options);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		options.btf_custom_path = fd < 0 ? NULL : path;
	}
	return &options;
}
