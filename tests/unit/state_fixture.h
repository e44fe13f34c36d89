/* SPDX-License-Identifier: GPL-2.0-only */
/* A host of a few processes, and agents that keep its trends in a directory of the test's own. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/state/folder.h"
#include "agent/state/journal.h"
#include "agent/state/snapshot.h"
#include "agent/state/state.h"

#define WINDOW	 60.0
#define INTERVAL 3.0
#define BEGIN	 1.7e9
#define GROUP	 "shop.service/shop"

static char folder[] = "/tmp/seep-state-XXXXXX";

static char *path_of(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static inline int make_folder(void **state)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	return mkdtemp(folder) ? 0 : -1;
}

static inline int drop_folder(void **state)
{
	static const char *const names[] = { "trends",	   "trends.old",     "trends.new",
					     "journal",	   "trends.bad",     "trends.old.bad",
					     "journal.bad" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (unlink(path_of(names[i])) && errno == EISDIR)
			rmdir(path_of(names[i]));
	return rmdir(folder);
}

/* A host at its k-th census: a process that leaks and one that begins late, and one that cannot be
 * read now and then. */
static inline void census(struct model *m, unsigned int k)
{
	bool fresh;

	model_begin(m, BEGIN + k * INTERVAL);
	for (int pid = 10; pid < 14; pid++) {
		struct model_process *p;

		if (pid == 12 && k < 9)
			continue;
		p = model_process(m, pid, 1000u + (unsigned int)pid, 1, &fresh);
		if (fresh) {
			p->exe = strdup("/usr/bin/shop");
			p->cgroup = strdup("/system.slice/shop.service");
			assert_int_equal(model_set_group(m, p), 0);
		}
		p->cells[SLOT_THREAD].live = 4;
		model_cell_add(p->cells, SLOT_FD_SOCKET, 7 + (pid == 10 ? k : k % 3));
		p->cells[SLOT_WATCH].live = k > 5;
		/* Pages that it touches, after its first window, in mappings as large as before. */
		p->virtual_bytes = 1 << 30;
		model_cell_add(p->cells, SLOT_MEMORY_FILE, 1 << 20);
		if (pid == 10 && k > 22)
			model_cell_add(p->cells, SLOT_MEMORY_FILE, (int64_t)k << 16);
		if (pid == 13 && k % 7 == 3)
			model_cells_unknown(p->cells, SLOT_FD);
	}
	model_netns(m, 4026531840)->cells[SLOT_TCP_TIME_WAIT].live = 3 + k % 5;
	model_end(m);
}

static inline struct model *new_model(void)
{
	struct model *m;

	assert_int_equal(model_new(WINDOW, INTERVAL, &m), 0);
	return m;
}

/* Censuses from..to (not included) into a new agent with this state directory. */
static inline struct model *run(unsigned int from, unsigned int to)
{
	struct model *m = new_model();
	struct state *s;

	assert_int_equal(state_new(folder, WINDOW, &s), 0);
	for (unsigned int k = from; k < to; k++) {
		census(m, k);
		state_tend(s, m);
	}
	assert_int_equal(m->lost[LOSS_STATE][LOSS_WRITE_FAILED], 0);
	state_free(s); /* writes nothing: as if it was killed */
	return m;
}

static inline enum verdict verdict_of(const struct model *m, pid_t pid)
{
	return model_find(m, pid)->cells[SLOT_FD_SOCKET].trend.verdict;
}

static inline uint8_t *read_file(const char *name, size_t *ret_size)
{
	FILE *f = fopen(path_of(name), "r");
	uint8_t *data = malloc(1 << 20);

	assert_non_null(f);
	*ret_size = fread(data, 1, 1 << 20, f);
	fclose(f);
	return data;
}

static inline void write_file(const char *name, const void *data, size_t size)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static inline bool exists(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static inline void assert_begins_anew(double window)
{
	struct model *m = new_model();
	struct state *s;

	assert_int_equal(state_new(folder, window, &s), 0);
	m->window = window;
	census(m, 200);
	state_tend(s, m);
	state_free(s);
	assert_int_equal(verdict_of(m, 10), VERDICT_UNKNOWN);
	assert_int_equal(m->groups->cells[SLOT_FD_SOCKET].trend.verdict, VERDICT_UNKNOWN);
	assert_int_equal(m->lost[LOSS_STATE][LOSS_WRITE_FAILED], 0);
	model_free(m);
}

/* Change bytes of the snapshot, and its checksum with them. */
static inline void patch(size_t offset, const void *src, size_t n)
{
	size_t size;
	uint8_t *data = read_file("trends", &size);
	uint32_t crc;

	memcpy(data + offset, src, n);
	crc = bytes_crc(0, data, size - sizeof(crc));
	memcpy(data + size - sizeof(crc), &crc, sizeof(crc));
	write_file("trends", data, size);
	free(data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)
