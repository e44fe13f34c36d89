// SPDX-License-Identifier: GPL-2.0-only
/* What the state directory gives back: the same series to the bit, to whom they belong. */
#include "tests/unit/state_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_killed_agent_goes_on_to_the_bit),
		TEST(a_leak_is_proved_when_it_would_have_been),
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
