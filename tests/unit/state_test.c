// SPDX-License-Identifier: GPL-2.0-only
/* What the state directory gives back: the same series to the bit, or nothing and a reason. */
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

static int make_folder(void **state)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
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
static void census(struct model *m, unsigned int k)
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

static struct model *new_model(void)
{
	struct model *m;

	assert_int_equal(model_new(WINDOW, INTERVAL, &m), 0);
	return m;
}

/* Censuses from..to (not included) into a new agent with this state directory. */
static struct model *run(unsigned int from, unsigned int to)
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

static void assert_same_cells(const struct model_cell *a, const struct model_cell *b)
{
	uint8_t one[SERIES_SAVED_MAX], two[SERIES_SAVED_MAX];

	for (enum seep_slot s = 0; s < SLOT_MAX; s++) {
		assert_int_equal(!a[s].series, !b[s].series);
		if (!a[s].series)
			continue;
		assert_int_equal(series_save(a[s].series, one), series_save(b[s].series, two));
		assert_memory_equal(one, two, series_save(a[s].series, one));
		assert_int_equal(a[s].trend.verdict, b[s].trend.verdict);
	}
}

static void assert_same(const struct model *a, const struct model *b)
{
	assert_int_equal(a->n_processes, b->n_processes);
	model_for_each_process (a, p)
		assert_same_cells(p->cells, model_find(b, p->pid)->cells);
	assert_same_cells(a->groups->cells, b->groups->cells);
	assert_memory_equal(&a->groups->taken, &b->groups->taken, sizeof(a->groups->taken));
	assert_same_cells(a->netns->cells, b->netns->cells);
}

static enum verdict verdict_of(const struct model *m, pid_t pid)
{
	return model_find(m, pid)->cells[SLOT_FD_SOCKET].trend.verdict;
}

static void a_killed_agent_goes_on_to_the_bit(void **state)
{
	for (unsigned int at = 1; at < 70; at++) {
		struct model *whole = new_model(), *m;

		for (unsigned int k = 0; k <= at + 3; k++)
			census(whole, k);
		model_free(run(0, at));
		model_free(run(at, at + 1));
		m = run(at + 1, at + 4);
		assert_same(whole, m);
		model_free(m);
		model_free(whole);
		drop_folder(NULL);
		make_folder(NULL);
	}
}

static void a_leak_is_proved_when_it_would_have_been(void **state)
{
	unsigned int proved[2] = { 0 };

	for (int restarted = 0; restarted < 2; restarted++) {
		struct model *m = NULL;

		for (unsigned int k = 0; k < 40 * 20 && !proved[restarted]; k += 20) {
			if (restarted || !m) {
				model_free(m);
				m = run(k + (k > 0 && restarted), k + 20);
			} else {
				for (unsigned int i = k; i < k + 20; i++)
					census(m, i);
			}
			if (verdict_of(m, 10) == VERDICT_LEAKING)
				proved[restarted] = k;
		}
		model_free(m);
		drop_folder(NULL);
		make_folder(NULL);
	}
	assert_true(proved[0] >= 24 * 20);
	assert_in_range(proved[1], proved[0] - 20, proved[0] + 20);
}

static uint8_t *read_file(const char *name, size_t *ret_size)
{
	FILE *f = fopen(path_of(name), "r");
	uint8_t *data = malloc(1 << 20);

	assert_non_null(f);
	*ret_size = fread(data, 1, 1 << 20, f);
	fclose(f);
	return data;
}

static void write_file(const char *name, const void *data, size_t size)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static bool exists(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct saved *saved;
	const char *why;
	uint8_t *data;
	size_t size;

	model_free(run(0, 30));
	data = read_file("trends", &size);
	assert_int_equal(snapshot_read(data, size, &saved, &why), 0);
	saved_free(saved);
	for (size_t bit = 0; bit < 8 * size; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(snapshot_read(data, size, &saved, &why), -EBADMSG);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t n = 0; n < size; n++)
		assert_int_equal(snapshot_read(data, n, &saved, &why), -EBADMSG);
	free(data);
}

/* Over the snapshot at hand; how many entries, and whether one was damaged. */
static size_t replay(const uint8_t *journal, size_t size, bool *ret_damaged)
{
	struct saved *saved;
	const char *why;
	size_t n, snapshot_size;
	uint8_t *data = read_file("trends", &snapshot_size);

	assert_int_equal(snapshot_read(data, snapshot_size, &saved, &why), 0);
	n = journal_replay(journal, size, saved, ret_damaged);
	saved_free(saved);
	free(data);
	return n;
}

/* A snapshot at the first census, and the journal of the two that follow. */
static uint8_t *make_journal(size_t *ret_size)
{
	model_free(run(4, 7));
	return read_file("journal", ret_size);
}

static void a_torn_journal_loses_what_is_torn(void **state)
{
	size_t size, whole = 0;
	uint8_t *data = make_journal(&size);
	bool damaged;

	for (size_t n = 0; n <= size; n++) {
		size_t entries = replay(data, n, &damaged);

		assert_false(damaged);
		assert_in_range(entries, whole, whole + 1);
		whole = entries;
	}
	assert_int_equal(whole, 2);
	free(data);
}

static void a_damaged_journal_loses_what_follows(void **state)
{
	size_t size;
	uint8_t *data = make_journal(&size);
	bool damaged;

	for (size_t bit = 0; bit < 8 * size; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(replay(data, size, &damaged) < 2);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	data[size - 1] ^= 1;
	assert_int_equal(replay(data, size, &damaged), 1);
	assert_true(damaged);
	write_file("journal", data, size);
	model_free(run(7, 8));
	assert_true(exists("journal.bad"));
	free(data);
}

static void assert_begins_anew(double window)
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
static void patch(size_t offset, const void *src, size_t n)
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

static void what_is_wrong_is_set_aside(void **state)
{
	static const uint32_t next = 99;

	model_free(run(0, 2));
	patch(offsetof(struct snapshot_header, format), &next, sizeof(next));
	assert_begins_anew(WINDOW);
	assert_true(exists("trends.bad"));
	patch(offsetof(struct snapshot_header, layout), &next, sizeof(next));
	unlink(path_of("trends.bad"));
	assert_begins_anew(WINDOW);
	assert_true(exists("trends.bad"));
	write_file("trends", "hello", 5);
	assert_begins_anew(WINDOW);
	unlink(path_of("trends"));
	assert_int_equal(symlink("/etc/passwd", path_of("trends")), 0);
	assert_begins_anew(WINDOW);
	unlink(path_of("trends"));
	assert_int_equal(mkdir(path_of("trends"), 0700), 0);
	unlink(path_of("trends.bad"));
	assert_begins_anew(WINDOW);
	assert_true(exists("trends.bad"));
	assert_true(exists("trends"));
}

static void the_snapshot_before_serves(void **state)
{
	struct model *m;

	model_free(run(0, 70));
	write_file("trends", "hello", 5);
	m = run(71, 72);
	assert_int_equal(verdict_of(m, 10), VERDICT_GROWING);
	assert_true(exists("trends.bad"));
	model_free(m);
	unlink(path_of("trends")); /* killed between the two renames */
	m = run(73, 74);
	assert_int_equal(verdict_of(m, 10), VERDICT_GROWING);
	model_free(m);
}

static void another_window_does_not_apply(void **state)
{
	model_free(run(0, 70));
	assert_begins_anew(2 * WINDOW);
	assert_false(exists("trends.bad"));
}

static void the_future_does_not_apply(void **state)
{
	static const double later = BEGIN + 1e6;

	model_free(run(0, 70));
	patch(offsetof(struct snapshot_header, now), &later, sizeof(later));
	assert_begins_anew(WINDOW);
}

static void groups_outlive_the_boot(void **state)
{
	struct model *m;

	model_free(run(0, 70));
	patch(offsetof(struct snapshot_header, boot_id), "another", 8);
	m = run(71, 72);
	assert_int_equal(verdict_of(m, 10), VERDICT_UNKNOWN);
	assert_int_equal(m->groups->cells[SLOT_FD_SOCKET].trend.verdict, VERDICT_GROWING);
	assert_true(m->groups->cells[SLOT_FD_SOCKET].trend.since >= BEGIN);
	model_free(m);
}

/* All of it is gone; the service comes back later, under other pids. */
static void a_group_waits_for_its_processes(void **state)
{
	struct model *m = new_model();
	struct state *s;

	model_free(run(0, 70));
	assert_int_equal(state_new(folder, WINDOW, &s), 0);
	model_begin(m, BEGIN + 71 * INTERVAL);
	model_end(m);
	state_tend(s, m);
	state_free(s);
	assert_int_equal(m->n_groups, 1);
	assert_string_equal(m->groups->name, GROUP);
	assert_int_equal(m->groups->cells[SLOT_FD_SOCKET].trend.verdict, VERDICT_GROWING);
	model_free(m);
}

static void a_long_gap_begins_anew(void **state)
{
	struct model *m;

	model_free(run(0, 70));
	m = run(70 + 25 * 20, 71 + 25 * 20);
	assert_int_equal(verdict_of(m, 10), VERDICT_UNKNOWN);
	model_free(m);
}

static void an_open_directory_is_refused(void **state)
{
	struct state *s, *other;

	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(state_new(folder, WINDOW, &s), -EPERM);
	assert_int_equal(chmod(folder, 0770), 0);
	assert_int_equal(state_new(folder, WINDOW, &s), -EPERM);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(state_new(folder, WINDOW, &s), 0);
	assert_int_equal(state_new(folder, WINDOW, &other), -EBUSY);
	state_free(s);
	if (geteuid() == 0) {
		assert_int_equal(chown(folder, 65534, 0), 0);
		assert_int_equal(state_new(folder, WINDOW, &s), -EPERM);
		assert_int_equal(chown(folder, 0, 0), 0);
	}
	assert_int_equal(symlink(folder, path_of("journal")), 0);
	assert_true(state_new(path_of("journal"), WINDOW, &s) < 0);
}

static void what_cannot_be_written_is_counted(void **state)
{
	struct rlimit before, none = { 64, RLIM_INFINITY };
	struct model *m = new_model(), *whole = new_model();
	struct state *s;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(state_new(folder, WINDOW, &s), 0);
	for (unsigned int k = 0; k < 20; k++) {
		setrlimit(RLIMIT_FSIZE, k >= 4 && k < 10 ? &none : &before);
		census(m, k);
		census(whole, k);
		state_tend(s, m);
		assert_int_equal(m->lost[LOSS_STATE][LOSS_WRITE_FAILED] > 0, k >= 4);
	}
	/* The next snapshot, an eighth of a window later, mends it. */
	assert_in_range(m->lost[LOSS_STATE][LOSS_WRITE_FAILED], 6, 9);
	state_free(s);
	model_free(m);
	m = run(20, 21);
	census(whole, 20);
	assert_same(whole, m);
	model_free(m);
	model_free(whole);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_killed_agent_goes_on_to_the_bit),
		TEST(a_leak_is_proved_when_it_would_have_been),
		TEST(every_flipped_bit_is_noticed),
		TEST(a_torn_journal_loses_what_is_torn),
		TEST(a_damaged_journal_loses_what_follows),
		TEST(what_is_wrong_is_set_aside),
		TEST(the_snapshot_before_serves),
		TEST(another_window_does_not_apply),
		TEST(the_future_does_not_apply),
		TEST(groups_outlive_the_boot),
		TEST(a_group_waits_for_its_processes),
		TEST(a_long_gap_begins_anew),
		TEST(an_open_directory_is_refused),
		TEST(what_cannot_be_written_is_counted),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
