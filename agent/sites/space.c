// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/sites/maps.h"
#include "agent/sites/space.h"

#define REGIONS_MAX   32768
#define FRUITLESS_MAX 1023

static void drop_regions(struct spaces *s, struct region *regions, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		module_release(&s->modules, regions[i].module);
		free(regions[i].path);
	}
	free(regions);
}

/* The kernel writes a newline in a path as \012, and nothing else so (file_path with esc "\n"). */
static void restore_newlines(char *path)
{
	for (char *at = path; (at = strstr(at, "\\012")); at++) {
		*at = '\n';
		memmove(at + 1, at + 4, strlen(at + 4) + 1);
	}
}

/* 0, -ENOMEM, or -ENOENT for one not wanted. */
static int take_mapping(const struct mapping *m, struct region *ret)
{
	struct region r = { .start = m->start, .end = m->end, .offset = m->offset };
	size_t n = strlen(m->path);

	if (m->permissions[2] != 'x')
		return -ENOENT;
	if (n > 10 && strcmp(m->path + n - 10, " (deleted)") == 0)
		m->path[n - 10] = '\0';
	restore_newlines(m->path);
	r.vdso = strcmp(m->path, "[vdso]") == 0;
	r.path = strdup(m->path);
	if (!r.path)
		return -ENOMEM;
	*ret = r;
	return 0;
}

static int append(struct region **regions, size_t *n, const struct region *r)
{
	if ((*n & (*n - 1)) == 0) {
		size_t room = *n ? 2 * *n : 1;
		struct region *more = reallocarray(*regions, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		*regions = more;
	}
	(*regions)[(*n)++] = *r;
	return 0;
}

static int parse_maps(int fd, struct region **regions, size_t *n)
{
	_cleanup_free_ struct maps *maps = malloc(sizeof(*maps));
	struct mapping mapping;

	if (!maps)
		return -ENOMEM;
	*maps = (struct maps){ .fd = fd };
	while (*n < REGIONS_MAX && maps_next(maps, &mapping)) {
		struct region found;
		int r = take_mapping(&mapping, &found);

		if (r == 0)
			r = append(regions, n, &found);
		if (r == -ENOMEM)
			return r;
	}
	return *n > 0 ? 0 : -ESRCH; /* also what the maps of an ended process look like */
}

static int read_regions(struct spaces *s, const struct source *source, struct region **ret,
			size_t *ret_n)
{
	struct wire_ask ask = { .kind = WIRE_MAPS };
	_cleanup_close_ int fd = -1;
	struct region *regions = NULL;
	size_t n = 0;
	int r = source->open(source->context, &ask, &fd);

	if (r == 0)
		r = parse_maps(fd, &regions, &n);
	if (r < 0) {
		drop_regions(s, regions, n);
		return r == -ENOENT ? -ESRCH : r;
	}
	*ret = regions;
	*ret_n = n;
	return 0;
}

int space_reload(struct spaces *s, struct space *space, const struct source *source)
{
	struct region *regions;
	size_t n;
	int r = read_regions(s, source, &regions, &n);

	if (r < 0)
		return r;
	drop_regions(s, space->regions, space->n);
	space->regions = regions;
	space->n = n;
	return 0;
}

static void drop_space(struct spaces *s, struct space *space)
{
	drop_regions(s, space->regions, space->n);
	*space = (struct space){ 0 };
}

static struct space *choose_slot(struct spaces *s, uint64_t name)
{
	struct space *oldest = &s->slots[0];

	for (size_t i = 0; i < SPACES_MAX; i++) {
		if (s->slots[i].name == name)
			return &s->slots[i];
		if (s->slots[i].used < oldest->used)
			oldest = &s->slots[i];
	}
	drop_space(s, oldest);
	return oldest;
}

int spaces_get(struct spaces *s, uint64_t name, const struct source *source, struct space **ret,
	       bool *ret_fresh)
{
	struct space *space = choose_slot(s, name);

	*ret_fresh = space->name == 0;
	if (*ret_fresh) {
		int r = space_reload(s, space, source);

		if (r < 0)
			return r;
		space->name = name;
	}
	space->used = ++s->clock;
	*ret = space;
	return 0;
}

void spaces_forget(struct spaces *s, uint64_t name)
{
	for (size_t i = 0; i < SPACES_MAX; i++)
		if (s->slots[i].name == name)
			drop_space(s, &s->slots[i]);
}

void spaces_free(struct spaces *s)
{
	for (size_t i = 0; i < SPACES_MAX; i++)
		drop_space(s, &s->slots[i]);
}

struct region *space_find(const struct space *space, uint64_t pc)
{
	size_t low = 0, high = space->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (space->regions[middle].end <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low < space->n && space->regions[low].start <= pc ? &space->regions[low] : NULL;
}

struct region *space_look(struct spaces *s, struct space *space, const struct source *source,
			  uint64_t pc, bool *fresh)
{
	struct region *region = space_find(space, pc);

	if (region || *fresh)
		return region;
	if (space->skip > 0) {
		space->skip--;
		return NULL;
	}
	*fresh = true;
	if (space_reload(s, space, source) == 0)
		region = space_find(space, pc);
	space->fruitless = region ? 0 : 2 * space->fruitless + 1;
	if (space->fruitless > FRUITLESS_MAX)
		space->fruitless = FRUITLESS_MAX;
	space->skip = space->fruitless;
	return region;
}

/* Give back what other processes keep mapped. */
static void make_room(struct spaces *s, const struct region *user)
{
	for (size_t i = 0; i < SPACES_MAX; i++) {
		struct space *space = &s->slots[i];

		if (user < space->regions || user >= space->regions + space->n)
			drop_space(s, space);
	}
	modules_shrink(&s->modules);
}

static void load_module(struct spaces *s, struct region *region, int fd)
{
	if (modules_get(&s->modules, fd, &region->module) == -ENOMEM) {
		make_room(s, region);
		modules_get(&s->modules, fd, &region->module);
	}
}

struct module *region_module(struct spaces *s, struct region *region, const struct source *source)
{
	struct wire_ask ask = { .kind = WIRE_MAP_FILE, .start = region->start, .end = region->end };
	_cleanup_close_ int fd = -1;

	if (region->looked)
		return region->module;
	region->looked = true;
	if (region->vdso)
		modules_get_vdso(&s->modules, &region->module);
	else if (region->path[0] == '/' && source->open(source->context, &ask, &fd) == 0)
		load_module(s, region, fd);
	return region->module;
}

uint64_t region_offset(const struct region *region, uint64_t pc)
{
	return pc - region->start + region->offset;
}
