// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/explain/acquire/truth.h"
#include "agent/probe/file_link.h"
#include "agent/sites/reader.h"

#define KERNEL_HALF (1UL << 63) /* of the addresses, where only the vsyscall page shows */

void truth_clear(struct truth *t)
{
	free(t->rows);
	*t = (struct truth){ 0 };
}

int truth_add(struct truth *t, uint64_t id, uint64_t other, enum seep_slot slot)
{
	if (t->n == t->capacity) {
		size_t capacity = t->capacity ? 2 * t->capacity : 64;
		struct truth_object *rows = reallocarray(t->rows, capacity, sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		t->rows = rows;
		t->capacity = capacity;
	}
	t->rows[t->n++] = (struct truth_object){ id, other, slot };
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct truth_object *a = left, *b = right;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return (a->other > b->other) - (a->other < b->other);
}

int truth_finish(struct truth *t)
{
	if (t->n)
		qsort(t->rows, t->n, sizeof(*t->rows), compare);
	return 0;
}

const struct truth_object *truth_find(const struct truth *t, uint64_t id, uint64_t other)
{
	struct truth_object key = { id, other, SLOT_MAX };

	return t->n ? bsearch(&key, t->rows, t->n, sizeof(key), compare) : NULL;
}

static int compare_id(const void *left, const void *right)
{
	const struct truth_object *a = left, *b = right;

	return (a->id > b->id) - (a->id < b->id);
}

const struct truth_object *truth_find_id(const struct truth *t, uint64_t id)
{
	struct truth_object key = { id, 0, SLOT_MAX };

	return t->n ? bsearch(&key, t->rows, t->n, sizeof(key), compare_id) : NULL;
}

static DIR *open_directory(pid_t pid, const char *what)
{
	char path[384];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	return opendir(path);
}

static FILE *open_file(pid_t pid, const char *what)
{
	char path[384];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	return fopen(path, "re");
}

static enum seep_slot read_link(int dir, const char *name, uint64_t *ret_inode)
{
	char link[64];
	ssize_t n = readlinkat(dir, name, link, sizeof(link) - 1);
	const char *bracket;

	if (n < 0)
		return SLOT_MAX;
	link[n] = '\0';
	bracket = strchr(link, '[');
	*ret_inode = bracket ? strtoull(bracket + 1, NULL, 10) : 0;
	return file_link_slot(link);
}

enum seep_slot truth_descriptor(pid_t pid, int fd, uint64_t *ret_inode)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	return read_link(AT_FDCWD, path, ret_inode);
}

static int read_table(DIR *dir, struct truth *ret)
{
	struct dirent *entry;
	int r = 0;

	while (r == 0 && (entry = readdir(dir))) {
		enum seep_slot slot;
		uint64_t inode;

		if (entry->d_name[0] == '.')
			continue;
		slot = read_link(dirfd(dir), entry->d_name, &inode);
		if (slot != SLOT_MAX)
			r = truth_add(ret, strtoull(entry->d_name, NULL, 10), inode, slot);
	}
	return r;
}

/* A leader that has exited shows no descriptors; its threads still have them. */
static int read_table_of_thread(pid_t pid, struct truth *ret)
{
	_cleanup_closedir_ DIR *tasks = open_directory(pid, "task");
	struct dirent *entry;
	int r = 0;

	if (!tasks)
		return -ESRCH;
	while (r == 0 && ret->n == 0 && (entry = readdir(tasks))) {
		_cleanup_closedir_ DIR *dir = NULL;
		char name[300];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "task/%s/fd", entry->d_name);
		dir = open_directory(pid, name);
		if (dir)
			r = read_table(dir, ret);
	}
	return r;
}

int truth_descriptors(pid_t pid, struct truth *ret)
{
	_cleanup_closedir_ DIR *dir = open_directory(pid, "fd");
	int r;

	ret->n = 0;
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	r = read_table(dir, ret);
	if (r == 0 && ret->n == 0)
		r = read_table_of_thread(pid, ret);
	return r < 0 ? r : truth_finish(ret);
}

/* Lines "inotify wd:1 ino:…", numbers in hexadecimal (Documentation/filesystems/proc.rst). */
static int read_watches(pid_t pid, int fd, struct truth *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[512];
	unsigned int wd;
	int r = 0;

	snprintf(path, sizeof(path), "fdinfo/%d", fd);
	f = open_file(pid, path);
	while (f && r == 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "inotify wd:%x", &wd) == 1)
			r = truth_add(ret, wd, (uint64_t)fd, SLOT_WATCH);
	return r;
}

int truth_watches(pid_t pid, struct truth *ret)
{
	struct truth fds = { 0 };
	int r = truth_descriptors(pid, &fds);

	ret->n = 0;
	for (size_t i = 0; r == 0 && i < fds.n; i++)
		if (fds.rows[i].slot == SLOT_FD_INOTIFY)
			r = read_watches(pid, (int)fds.rows[i].id, ret);
	truth_clear(&fds);
	return r < 0 ? r : truth_finish(ret);
}

int truth_timers(pid_t pid, struct truth *ret)
{
	_cleanup_fclose_ FILE *f = open_file(pid, "timers");
	char line[256];
	unsigned int id;
	int r = 0;

	ret->n = 0;
	if (!f)
		return -errno;
	while (r == 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "ID: %u", &id) == 1)
			r = truth_add(ret, id, 0, SLOT_TIMER_POSIX);
	return r < 0 ? r : truth_finish(ret);
}

int truth_threads(pid_t pid, struct truth *ret)
{
	_cleanup_closedir_ DIR *dir = open_directory(pid, "task");
	struct dirent *entry;
	int r = 0;

	ret->n = 0;
	if (!dir)
		return -ESRCH;
	while (r == 0 && (entry = readdir(dir))) {
		uint64_t id = strtoull(entry->d_name, NULL, 10);

		if (id && id != (uint64_t)pid)
			r = truth_add(ret, id, 0, SLOT_THREAD);
	}
	return r < 0 ? r : truth_finish(ret);
}

int truth_mappings(struct reader *reader, pid_t pid, struct truth *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	unsigned long from, to;
	int fd, r = reader_open(reader, pid, READER_MAPS, &fd);

	ret->n = 0;
	if (r < 0)
		return r;
	f = fdopen(fd, "re");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && getline(&line, &size, f) > 0)
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from < KERNEL_HALF)
			r = truth_add(ret, from, to, SLOT_MAPPING);
	return r < 0 ? r : truth_finish(ret);
}
