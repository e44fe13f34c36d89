// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curses.h>

#include "agent/base/cleanup.h"
#include "agent/top/cell.h"
#include "agent/top/table.h"
#include "agent/top/view.h"
#include "tests/unit/model_fixture.h"

/* Four processes: one that grows, one near its bound, a quiet one, and a kernel thread. */
struct scene {
	struct model *model;
	struct model_process *growing, *near, *quiet, *kernel;
	struct rows rows;
};

static struct model_process *add_process(struct model *m, const char *group, pid_t pid, int64_t fds)
{
	struct model_process *p = fixture_process(m, fixture_group(m, group), pid);
	struct model_process **hash = &m->by_pid[(unsigned int)pid % MODEL_HASH];

	p->same_hash = *hash;
	*hash = p;
	fixture_set(p->cells, SLOT_FD, fds);
	fixture_set(p->group->cells, SLOT_FD, fds);
	p->bounds[SLOT_FD] = (struct bound){ BOUND_RLIMIT_NOFILE, 1000, (uint64_t)fds };
	return p;
}

static void scene_begin(struct scene *s)
{
	const struct trend leak = { VERDICT_GROWING, 60, NAN };

	*s = (struct scene){ .model = fixture_model() };
	s->quiet = add_process(s->model, "a.service/quiet", 100, 20);
	s->near = add_process(s->model, "b.service/near", 200, 900);
	s->growing = add_process(s->model, "c.service/growing", 300, 100);
	s->kernel = add_process(s->model, "kernel", 400, 5);
	s->kernel->kernel_thread = true;
	s->growing->cells[SLOT_FD].trend = s->growing->cells[SLOT_TCP].trend = leak;
	fixture_set(s->growing->cells, SLOT_TCP, 90);
	fixture_set(s->growing->cells, SLOT_TCP_CLOSE_WAIT, 80);
	s->growing->cells[SLOT_TCP_CLOSE_WAIT].trend = leak;
}

static void scene_end(struct scene *s)
{
	rows_free(&s->rows);
	fixture_free(s->model);
}

#define SCENE(name)                                                                                \
	_cleanup_(scene_end) struct scene name;                                                    \
	scene_begin(&name)

static void build(struct scene *s, const struct rows_options *o)
{
	assert_int_equal(rows_build(&s->rows, s->model, o), 0);
}

static void assert_pids(const struct rows *list, const pid_t *pids, size_t n)
{
	assert_int_equal(list->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(list->rows[i].holder.process->pid, pids[i]);
}

#define ASSERT_PIDS(list, ...)                                                                     \
	assert_pids(list, (const pid_t[]){ __VA_ARGS__ },                                          \
		    ARRAY_SIZE(((const pid_t[]){ __VA_ARGS__ })))

static void test_orders(void **state)
{
	SCENE(s);

	build(&s, &(struct rows_options){ .sort = SORT_GROWTH });
	ASSERT_PIDS(&s.rows, 300, 200, 100);
	build(&s, &(struct rows_options){ .sort = SORT_SHARE });
	ASSERT_PIDS(&s.rows, 200, 300, 100);
	build(&s, &(struct rows_options){ .sort = SORT_NAME });
	ASSERT_PIDS(&s.rows, 100, 200, 300);
	build(&s, &(struct rows_options){ .sort = SORT_LIVE });
	ASSERT_PIDS(&s.rows, 200, 300, 100);
	assert_int_equal(rows_worst(&s.rows)->holder.process->pid, 300);
}

/* What has little left comes before a rise that may be none, and after a verdict. */
static void test_nearly_full(void **state)
{
	SCENE(s);

	s.quiet->cells[SLOT_FD].trend = (struct trend){ VERDICT_WARMING, 100, NAN };
	build(&s, &(struct rows_options){ 0 });
	ASSERT_PIDS(&s.rows, 300, 200, 100);
	assert_true(row_nearly_full(&s.rows.rows[1]) && row_warms(&s.rows.rows[2]));
	fixture_set(s.near->cells, SLOT_FD, 890);
	s.near->bounds[SLOT_FD].used = 890;
	build(&s, &(struct rows_options){ 0 });
	ASSERT_PIDS(&s.rows, 300, 100, 200);
}

static void test_names_of_orders(void **state)
{
	for (enum rows_sort sort = 0; sort < SORT_MAX; sort++)
		assert_int_equal(rows_sort_find(rows_sort_name(sort)), sort);
	assert_int_equal(rows_sort_find("size"), SORT_MAX);
}

/* The descriptors, sockets and CLOSE_WAITs of one leak are one row. */
static void test_one_row_a_leak(void **state)
{
	SCENE(s);

	build(&s, &(struct rows_options){ .pid = 300 });
	ASSERT_PIDS(&s.rows, 300);
	assert_int_equal(s.rows.rows[0].slot, SLOT_TCP_CLOSE_WAIT);
	assert_true(s.rows.rows[0].eta == 900.0 / 60 * 3600);
}

/* Without a trend a CLOSE_WAIT or a zombie still has a row of its own. */
static void test_telling_kinds(void **state)
{
	SCENE(s);

	fixture_set(s.quiet->cells, SLOT_TCP_CLOSE_WAIT, 2);
	fixture_set(s.quiet->cells, SLOT_TCP, 2);
	build(&s, &(struct rows_options){ .pid = 100 });
	ASSERT_PIDS(&s.rows, 100, 100);
}

static void test_filters(void **state)
{
	SCENE(s);

	build(&s, &(struct rows_options){ .text = "near" });
	ASSERT_PIDS(&s.rows, 200);
	build(&s, &(struct rows_options){ .group = "a.service/quiet" });
	ASSERT_PIDS(&s.rows, 100);
	build(&s, &(struct rows_options){ .all = true, .sort = SORT_NAME });
	ASSERT_PIDS(&s.rows, 100, 200, 300, 400);
	build(&s, &(struct rows_options){ .text = "nobody" });
	assert_int_equal(s.rows.n, 0);
	assert_null(rows_worst(&s.rows));
}

static void test_groups(void **state)
{
	SCENE(s);

	build(&s, &(struct rows_options){ .by_group = true, .sort = SORT_NAME });
	assert_int_equal(s.rows.n, 3);
	assert_string_equal(s.rows.rows[0].holder.group->name, "a.service/quiet");
}

/* Of a bound that all share, the largest holder stands for it; the others for what they hold. */
static void test_shared_bound(void **state)
{
	SCENE(s);
	const struct bound shared = { BOUND_CGROUP_PIDS_MAX, 100, 94 };

	fixture_set(s.quiet->cells, SLOT_THREAD, 30);
	fixture_set(s.near->cells, SLOT_THREAD, 65);
	s.quiet->bounds[SLOT_THREAD] = s.near->bounds[SLOT_THREAD] = shared;
	build(&s, &(struct rows_options){ .sort = SORT_GROWTH });
	ASSERT_PIDS(&s.rows, 300, 200, 200, 100, 100);
	assert_int_equal(s.rows.rows[1].slot, SLOT_THREAD);
	assert_true(s.rows.rows[1].weight == 0.94);
	assert_true(s.rows.rows[3].weight == 0.3 && s.rows.rows[3].share == 0.94);
	/* One who is full fails now: before any verdict. */
	s.near->bounds[SLOT_THREAD].used = s.quiet->bounds[SLOT_THREAD].used = 96;
	build(&s, &(struct rows_options){ .sort = SORT_GROWTH });
	ASSERT_PIDS(&s.rows, 200, 300, 200, 100, 100);
}

static void test_unreadable(void **state)
{
	SCENE(s);

	model_cells_unknown(s.quiet->cells, SLOT_FD);
	s.quiet->reason = "not permitted";
	build(&s, &(struct rows_options){ 0 });
	ASSERT_PIDS(&s.rows, 300, 200);
	assert_int_equal(s.rows.unreadable, 1);
	assert_string_equal(s.rows.unreadable_reason, "not permitted");
}

/* A quiet host shows a screenful, a busy one what matters. */
static void test_cut(void **state)
{
	SCENE(s);

	for (pid_t pid = 1000; pid < 1100; pid++)
		add_process(s.model, "d.service/idle", pid, 1);
	build(&s, &(struct rows_options){ 0 });
	assert_int_equal(s.rows.n, 20);
	build(&s, &(struct rows_options){ .all = true });
	assert_int_equal(s.rows.n, 104);
}

static void assert_header(const struct scene *s, size_t width, const char *want)
{
	struct table t = { 0 };
	char line[TABLE_LINE_MAX];

	table_layout(&t, s->rows.rows, s->rows.n, width);
	table_header(&t, line);
	assert_string_equal(line, want);
	for (size_t i = 0; i < s->rows.n; i++) {
		table_row(&t, &s->rows.rows[i], line);
		assert_true(!width || cell_width(line) <= width);
	}
}

static void test_columns(void **state)
{
	SCENE(s);

	strcpy(s.growing->comm, "日本語日本語日本語");
	build(&s, &(struct rows_options){ 0 });
	assert_header(
		&s, 80,
		"GROUP/COMM            PID RESOURCE KIND       LIVE BOUND   % RATE/h VERDICT  ETA");
	assert_header(&s, 60, "GROUP/COMM             PID RESOURCE LIVE RATE/h VERDICT  ETA");
	assert_header(&s, 20, "GROUP/COMM");
	for (size_t width = 1; width < 120; width++) {
		struct table t = { 0 };
		char line[TABLE_LINE_MAX];

		table_layout(&t, s.rows.rows, s.rows.n, width);
		table_row(&t, &s.rows.rows[0], line);
		assert_true(cell_width(line) <= width);
	}
}

static void test_row(void **state)
{
	SCENE(s);
	struct table t = { 0 };
	char line[TABLE_LINE_MAX];

	strcpy(s.growing->comm, "growing");
	s.growing->cells[SLOT_TCP_CLOSE_WAIT].oldest = 7200;
	build(&s, &(struct rows_options){ .pid = 300 });
	table_layout(&t, s.rows.rows, s.rows.n, 0);
	table_row(&t, &s.rows.rows[0], line);
	assert_string_equal(line,
			    "c.service/growing 300 tcp      CLOSE_WAIT   80  1000 10% |....... "
			    "    60 growing 15 h    2 h");
}

static void view_freep(struct view **v)
{
	view_free(*v);
}

#define _cleanup_view_ _cleanup_(view_freep)

/* True when the view goes on. */
static bool press(struct view *v, const struct model *m, int key)
{
	bool update = false, goes_on = view_key(v, key, &update);

	if (update)
		assert_int_equal(view_update(v, m), 0);
	return goes_on;
}

static void test_keys(void **state)
{
	SCENE(s);
	_cleanup_view_ struct view *v = NULL;

	assert_int_equal(view_new(&(struct rows_options){ .sort = SORT_GROWTH }, &v), 0);
	assert_int_equal(view_update(v, s.model), 0);
	view_resize(v, 2);
	assert_true(press(v, s.model, KEY_DOWN) && press(v, s.model, KEY_DOWN));
	assert_int_equal(v->cursor, 2);
	assert_int_equal(v->offset, 1);
	/* The cursor stays on the quiet process when the order changes. */
	assert_true(press(v, s.model, 's') && press(v, s.model, 's') && press(v, s.model, 's'));
	assert_int_equal(v->options.sort, SORT_NAME);
	assert_int_equal(v->cursor, 0);
	assert_true(press(v, s.model, '\r'));
	assert_int_equal(v->page, PAGE_DETAIL);
	assert_non_null(strstr(v->text, "pid      100,"));
	assert_true(press(v, s.model, 'q'));
	assert_int_equal(v->page, PAGE_LIST);
	assert_false(press(v, s.model, 'q'));
}

static void test_keys_of_groups(void **state)
{
	SCENE(s);
	_cleanup_view_ struct view *v = NULL;

	assert_int_equal(view_new(&(struct rows_options){ .sort = SORT_NAME }, &v), 0);
	assert_true(press(v, s.model, 'g'));
	view_resize(v, 10);
	assert_non_null(v->rows.rows[0].holder.group);
	assert_true(press(v, s.model, KEY_ENTER));
	ASSERT_PIDS(&v->rows, 100);
	assert_true(press(v, s.model, 27));
	assert_int_equal(v->rows.n, 3);
	assert_non_null(v->rows.rows[0].holder.group);
}

static void type(struct view *v, const struct model *m, const char *text)
{
	for (; *text; text++) {
		char one[2] = { *text, '\0' };

		assert_true(view_type(v, one));
		assert_int_equal(view_update(v, m), 0);
	}
}

static void test_filter_editing(void **state)
{
	SCENE(s);
	_cleanup_view_ struct view *v = NULL;

	assert_int_equal(view_new(&(struct rows_options){ 0 }, &v), 0);
	assert_false(view_type(v, "x"));
	assert_true(press(v, s.model, '/'));
	type(v, s.model, "quietq");
	assert_int_equal(v->rows.n, 0);
	assert_false(view_type(v, "\x7f"));
	assert_true(press(v, s.model, 127));
	ASSERT_PIDS(&v->rows, 100);
	assert_true(press(v, s.model, '\n'));
	assert_false(v->editing);
	assert_true(press(v, s.model, '/'));
	assert_true(view_type(v, "ü") && press(v, s.model, KEY_BACKSPACE));
	assert_string_equal(v->filter, "quiet");
	assert_true(view_type(v, "z") && press(v, s.model, 27));
	assert_string_equal(v->filter, "quiet");
	assert_true(press(v, s.model, 27));
	assert_int_equal(v->rows.n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_nearly_full),
		cmocka_unit_test(test_names_of_orders),
		cmocka_unit_test(test_one_row_a_leak),
		cmocka_unit_test(test_telling_kinds),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_shared_bound),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_row),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_keys_of_groups),
		cmocka_unit_test(test_filter_editing),
	};

	cell_setup();
	return cmocka_run_group_tests_name("top, rows", tests, NULL, NULL);
}
