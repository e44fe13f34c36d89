// SPDX-License-Identifier: GPL-2.0-only
/*
 * What trends cost, and what it costs to keep them: a model of made-up processes, one tenth of whose
 * series move, and its state directory.
 *
 *   trends PROCESSES SERIES WINDOWS   each process has so many series; a line for each figure
 *   trends add SAMPLES                adds so many to a series that leaks and to one that is flat
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/model/group.h"
#include "agent/state/state.h"

#define WINDOW	 3600.0
#define INTERVAL (WINDOW / 20)
#define BEGIN	 1.7e9
#define GROUPS	 100 /* processes of the same number less a multiple of it are one service */
#define ENTRIES	 40  /* of the journal: an eighth of a window at the default interval has 45 */

static void die(const char *what)
{
	fprintf(stderr, "trends: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double cpu(void)
{
	return clock_seconds(CLOCK_THREAD_CPUTIME_ID);
}

static double wall(void)
{
	return clock_seconds(CLOCK_MONOTONIC);
}

static double resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (!f || fscanf(f, "%*s %ld", &pages) != 1)
		die("statm");
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* One tenth of all series moves: half of these up and down, half up alone. */
static int64_t value_at(unsigned int process, unsigned int slot, unsigned int k)
{
	unsigned int id = process * 31 + slot;

	if (id % 10)
		return 1 + id % 7;
	return id % 20 ? 100 + k / 4 : 100 + (k * 7919 + id) % 13;
}

static void fill(struct model *m, unsigned int processes, unsigned int series, unsigned int k,
		 double now)
{
	bool fresh;

	model_begin(m, now);
	for (unsigned int i = processes; i > 0; i--) {
		struct model_process *p = model_process(m, (pid_t)i, i, 1, &fresh);

		if (!p)
			die("no memory");
		if (fresh) {
			char name[64];

			snprintf(name, sizeof(name), "/usr/bin/service-%u", i % GROUPS);
			p->exe = strdup(name);
			model_set_group(m, p);
		}
		for (unsigned int s = 0; s < series; s++)
			p->cells[s].live = value_at(i, s, k);
	}
}

static void drop_folder(const char *folder)
{
	static const char *const names[] = { "trends", "trends.old", "journal" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static double size_of(const char *folder, const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (stat(path, &st))
		die(path);
	return (double)st.st_size;
}

static struct state *open_state(const char *folder)
{
	struct state *s;

	errno = -state_new(folder, WINDOW, &s);
	if (errno)
		die(folder);
	return s;
}

/* Seconds of state_tend() at the k-th census, which is fed as the default interval would. */
static double tend(struct state *s, struct model *m, unsigned int processes, unsigned int series,
		   unsigned int k, double now)
{
	double begin;

	fill(m, processes, series, k, now);
	model_end(m);
	begin = wall();
	state_tend(s, m);
	return wall() - begin;
}

static void bench_state(struct model *m, unsigned int processes, unsigned int series,
			unsigned int k)
{
	char folder[] = "/var/tmp/seep-bench-XXXXXX";
	struct state *s;
	struct model *next;
	double now = m->now, longest = 0, took, before;

	if (!mkdtemp(folder))
		die("mkdtemp");
	s = open_state(folder);
	printf("snapshot_seconds %.6f\n", tend(s, m, processes, series, k, now += 10));
	printf("snapshot_bytes %.0f\n", size_of(folder, "trends"));
	before = size_of(folder, "journal");
	for (unsigned int i = 1; i <= ENTRIES; i++) {
		took = tend(s, m, processes, series, k + i, now += 10);
		longest = took > longest ? took : longest;
	}
	printf("journal_seconds %.6f\n", longest);
	printf("journal_bytes %.0f\n", (size_of(folder, "journal") - before) / ENTRIES);
	state_free(s);
	model_free(m);
	malloc_trim(0);
	took = wall();
	s = open_state(folder);
	printf("load_seconds %.6f\n", wall() - took);
	if (model_new(WINDOW, INTERVAL, &next))
		die("no memory");
	took = tend(s, next, processes, series, k + ENTRIES + 1, now + 10);
	printf("adopt_seconds %.6f\n", took);
	state_free(s);
	model_free(next);
	drop_folder(folder);
}

static size_t count_series(struct model *m)
{
	size_t n = 0;

	model_for_each_process (m, p)
		for (enum seep_slot s = 0; s < SLOT_MAX; s++)
			n += p->cells[s].series != NULL;
	model_for_each_group (m, g)
		for (enum seep_slot s = 0; s < SLOT_MAX; s++)
			n += g->cells[s].series != NULL;
	return n;
}

static int bench(unsigned int processes, unsigned int series, unsigned int windows)
{
	struct model *m;
	double begin, samples = 0, spent = 0, before = resident_bytes();
	unsigned int k;

	if (model_new(WINDOW, INTERVAL, &m))
		die("no memory");
	for (k = 0; k < windows * 20; k++) {
		fill(m, processes, series, k, BEGIN + k * INTERVAL);
		begin = cpu();
		model_end(m);
		spent += cpu() - begin;
		samples += (double)processes * series;
	}
	printf("series %zu\n", count_series(m));
	printf("resident_bytes %.0f\n", resident_bytes() - before);
	printf("sample_seconds %.9f\n", spent / samples);
	bench_state(m, processes, series, k);
	return 0;
}

static int add(unsigned int samples)
{
	struct series *leak = series_new(false), *flat = series_new(false);

	if (!leak || !flat)
		die("no memory");
	for (unsigned int i = 0; i < samples; i++) {
		series_add(leak, BEGIN + i * 10.0, 100 + i / 9 + i % 3, WINDOW);
		series_add(flat, BEGIN + i * 10.0, 100, WINDOW);
	}
	series_free(leak);
	series_free(flat);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "add") == 0)
		return add((unsigned int)atoi(argv[2]));
	if (argc == 4)
		return bench((unsigned int)atoi(argv[1]), (unsigned int)atoi(argv[2]),
			     (unsigned int)atoi(argv[3]));
	fprintf(stderr, "usage: trends PROCESSES SERIES WINDOWS | add SAMPLES\n");
	return 2;
}
