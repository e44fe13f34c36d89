// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/text.h"
#include "agent/probe/cgroup.h"

#define FORGET_CENSUSES 16
#define NO_LIMIT	(1ULL << 62) /* version 1 writes the largest number of pages in bytes */

/* Where a controller is mounted, and the names of its files there. */
struct controller {
	const char *name;
	bool unified;
	char mount[PATH_MAX];
};

struct cgroup_set {
	uint64_t set;
	char *pids, *memory; /* directories, NULL when the controller is not there */
	struct cgroup_bounds bounds;
	uint64_t read, seen; /* censuses */
	struct cgroup_set *next;
};

struct cgroups {
	struct controller pids, memory;
	uint64_t census;
	struct cgroup_set *sets;
};

/* A version 2 controller is where the root's list names it. */
static bool unified_has(const char *mount, const char *controller)
{
	char path[PATH_MAX + 32], line[256];

	snprintf(path, sizeof(path), "%s/cgroup.controllers", mount);
	if (text_read_line(path, line, sizeof(line)) < 0)
		return false;
	for (char *save, *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (strcmp(w, controller) == 0)
			return true;
	return false;
}

static void find_mount(struct controller *c, const struct mntent *m)
{
	bool here = false;

	if (strcmp(m->mnt_type, "cgroup2") == 0)
		here = c->unified = unified_has(m->mnt_dir, c->name);
	else if (strcmp(m->mnt_type, "cgroup") == 0)
		here = hasmntopt(m, c->name) != NULL;
	if (here && !*c->mount)
		snprintf(c->mount, sizeof(c->mount), "%s", m->mnt_dir);
}

int cgroups_new(struct cgroups **ret)
{
	struct cgroups *c = calloc(1, sizeof(*c));
	FILE *mounts = c ? setmntent("/proc/self/mounts", "re") : NULL;

	if (!c)
		return -ENOMEM;
	c->pids.name = "pids";
	c->memory.name = "memory";
	for (struct mntent *m; mounts && (m = getmntent(mounts));) {
		find_mount(&c->pids, m);
		find_mount(&c->memory, m);
	}
	if (mounts)
		endmntent(mounts);
	*ret = c;
	return 0;
}

static void set_free(struct cgroup_set *s)
{
	free(s->pids);
	free(s->memory);
	free(s);
}

void cgroups_free(struct cgroups *c)
{
	if (!c)
		return;
	for (struct cgroup_set *s = c->sets, *next; s; s = next) {
		next = s->next;
		set_free(s);
	}
	free(c);
}

void cgroups_begin(struct cgroups *c)
{
	c->census++;
	for (struct cgroup_set **at = &c->sets, *s; (s = *at);) {
		if (c->census - s->seen < FORGET_CENSUSES) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		set_free(s);
	}
}

static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
			return true;
	return false;
}

/* The directory of a process in a controller's hierarchy; lines are ID:CONTROLLERS:PATH. */
static char *find_directory(const struct controller *c, pid_t pid)
{
	char name[64], line[PATH_MAX + 64], *dir = NULL;
	_cleanup_fclose_ FILE *f = NULL;

	if (!*c->mount)
		return NULL;
	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	f = fopen(name, "re");
	while (f && fgets(line, sizeof(line), f)) {
		char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		if (c->unified ? list[1] != '\0' : !list_has(list + 1, c->name))
			continue;
		return asprintf(&dir, "%s%s", c->mount, path) < 0 ? NULL : dir;
	}
	return NULL;
}

static int read_number(const char *dir, const char *file, uint64_t *ret)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return text_read_number(path, ret);
}

static void read_pids(const char *dir, bool unified, struct bound *ret)
{
	struct bound b = { .source = BOUND_CGROUP_PIDS_MAX };

	if (read_number(dir, "pids.max", &b.limit) < 0 || b.limit >= NO_LIMIT ||
	    read_number(dir, "pids.current", &b.used) < 0)
		return;
	bound_tighten(ret, &b);
}

/* Page cache that nobody uses is not taken: the kernel gives it up before it reaches the limit. */
static void read_memory(const char *dir, bool unified, struct bound *ret)
{
	struct bound b = { .source = BOUND_CGROUP_MEMORY_MAX };
	char stat[PATH_MAX + 64];
	uint64_t inactive = 0;

	if (read_number(dir, unified ? "memory.max" : "memory.limit_in_bytes", &b.limit) < 0 ||
	    b.limit >= NO_LIMIT ||
	    read_number(dir, unified ? "memory.current" : "memory.usage_in_bytes", &b.used) < 0)
		return;
	snprintf(stat, sizeof(stat), "%s/memory.stat", dir);
	text_read_field(stat, unified ? "inactive_file" : "total_inactive_file", &inactive);
	b.used -= inactive < b.used ? inactive : b.used;
	bound_tighten(ret, &b);
}

/* From the process's own directory up to the root of the hierarchy. */
static void walk_up(const struct controller *c, const char *dir,
		    void (*read)(const char *, bool, struct bound *), struct bound *ret)
{
	char at[PATH_MAX];
	size_t root = strlen(c->mount);

	snprintf(at, sizeof(at), "%s", dir);
	while (strlen(at) > root + 1) {
		read(at, c->unified, ret);
		*strrchr(at, '/') = '\0';
	}
}

static struct cgroup_set *find_set(struct cgroups *c, uint64_t set, pid_t pid)
{
	struct cgroup_set *s = c->sets;

	while (s && s->set != set)
		s = s->next;
	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->set = set;
	s->pids = find_directory(&c->pids, pid);
	s->memory = find_directory(&c->memory, pid);
	s->next = c->sets;
	c->sets = s;
	return s;
}

int cgroups_bounds(struct cgroups *c, uint64_t set, pid_t pid, struct cgroup_bounds *ret)
{
	struct cgroup_set *s = find_set(c, set, pid);

	if (!s)
		return -ENOMEM;
	s->seen = c->census;
	if (s->read != c->census) {
		s->read = c->census;
		s->bounds = (struct cgroup_bounds){ 0 };
		if (s->pids)
			walk_up(&c->pids, s->pids, read_pids, &s->bounds.pids);
		if (s->memory)
			walk_up(&c->memory, s->memory, read_memory, &s->bounds.memory);
	}
	*ret = s->bounds;
	return 0;
}

static void find_unified(struct controller *c)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");

	for (struct mntent *m; mounts && !*c->mount && (m = getmntent(mounts));)
		if (strcmp(m->mnt_type, "cgroup2") == 0)
			snprintf(c->mount, sizeof(c->mount), "%s", m->mnt_dir);
	if (mounts)
		endmntent(mounts);
}

int cgroup_open_unified(pid_t pid)
{
	struct controller c = { .name = "", .unified = true };
	_cleanup_free_ char *dir = NULL;
	int fd = -1;

	find_unified(&c);
	if (!*c.mount)
		return -ENOENT;
	dir = find_directory(&c, pid);
	if (dir)
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fd = open(c.mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
