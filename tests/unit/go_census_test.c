// SPDX-License-Identifier: GPL-2.0-only
/*
 * What reading Go programs may cost the agent: the share of CPU time that the census keeps to,
 * whatever a reading takes, and the time that it waits for programs that do not answer. The reader
 * is not there: its answers are made here (the linker puts the __wrap_ functions in its place).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/census.h"
#include "agent/runtime/go/go.h"

#define PROGRAMS 40
#define INTERVAL 10.0
#define SHARE	 0.002

int __wrap_go_scan(struct reader *r, pid_t pid, const struct go_request *request, uint64_t timeout,
		   struct go_report **ret);
struct reader *__wrap_late_reader_get(struct late_reader *l);
void __wrap_reader_forget(struct reader *r, pid_t pid);

static struct fake {
	uint64_t cost;	   /* CPU time of a reading, nanoseconds */
	uint64_t spent;	   /* of all */
	pid_t mute;	   /* from this pid on none answers */
	unsigned int lost; /* answers */
	unsigned int read[2 * PROGRAMS];
} fake;

int __wrap_go_scan(struct reader *r, pid_t pid, const struct go_request *request, uint64_t timeout,
		   struct go_report **ret)
{
	struct go_report *report;

	if (fake.mute && pid >= fake.mute) {
		fake.lost++;
		return -ETIMEDOUT;
	}
	report = calloc(1, sizeof(*report));
	assert_non_null(report);
	report->live = 7;
	report->n_channels = 2;
	report->channels[0].items = 30;
	report->channels[1].items = 12;
	report->n_timers = 3;
	report->timer_groups[0] = (struct go_timer){ .kind = GO_TIMER_ONCE, .count = 300 };
	report->timer_groups[1] = (struct go_timer){ .kind = GO_TIMER_TICKER, .count = 20 };
	report->timer_groups[2] = (struct go_timer){ .kind = GO_TIMER_SLEEP, .count = 50 };
	report->n_pools = 3;
	report->pools[0] = (struct go_pool){ .open = 26 };
	report->pools[1] = (struct go_pool){ .open = 50, .max_open = 50 };
	report->pools[2] = (struct go_pool){ .open = 1, .max_idle = 8 };
	report->collector.total_alloc = 5000;
	report->collector.heap_marked = 1600;
	report->collector.heap_live = 3200;
	report->collector.memory_limit = INT64_MAX;
	report->collector.percent = pid == 1 ? -1 : 100;
	if (request->wanted) {
		fake.read[pid]++;
		fake.spent += fake.cost;
		report->cpu_ns = fake.cost;
	}
	*ret = report;
	return 0;
}

struct reader *__wrap_late_reader_get(struct late_reader *l)
{
	return (struct reader *)&fake;
}

void __wrap_reader_forget(struct reader *r, pid_t pid)
{
}

struct host {
	struct model *model;
	struct go_census *census;
};

static int set_up(void **state)
{
	struct host *h = calloc(1, sizeof(*h));

	fake = (struct fake){ 0 };
	assert_int_equal(model_new(3600, INTERVAL, &h->model), 0);
	assert_int_equal(go_census_new(0, NULL, &h->census), 0);
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct host *h = *state;

	go_census_free(h->census);
	model_free(h->model);
	free(h);
	return 0;
}

/* A census of processes 1 to n; those that do not answer have just been started. */
static void run(const struct host *h, pid_t n, uint64_t start)
{
	bool fresh;

	model_begin(h->model, 1000 + INTERVAL * (double)h->model->census);
	for (pid_t pid = 1; pid <= n; pid++) {
		bool mute = fake.mute && pid >= fake.mute;

		model_process(h->model, pid, mute ? start : 1, 1, &fresh)->cells[SLOT_THREAD].live =
			5;
	}
	go_census_run(h->census, h->model);
	model_end(h->model);
}

/* One reading takes more than an interval has to give. */
static void test_readings_are_stretched(void **state)
{
	const struct host *h = *state;
	double allowed;

	fake.cost = 50000000;
	for (int i = 0; i < 2000; i++)
		run(h, PROGRAMS, 1);
	allowed = SHARE * INTERVAL * 2000;
	assert_true((double)fake.spent / 1e9 < allowed + 0.2 + 0.05);
	assert_true((double)fake.spent / 1e9 > allowed * 0.9); /* and what there is is used */
	for (pid_t pid = 1; pid <= PROGRAMS; pid++)
		assert_in_range(fake.read[pid], fake.read[1] - 1, fake.read[1] + 1);
	assert_int_equal(model_find(h->model, 1)->cells[SLOT_GOROUTINE].live, 7);
}

/* As cheap as readings usually are, each program is read at every census. */
static void test_cheap_ones_are_read_each_time(void **state)
{
	const struct host *h = *state;

	fake.cost = 400000;
	for (int i = 0; i < 100; i++)
		run(h, PROGRAMS, 1);
	for (pid_t pid = 1; pid <= PROGRAMS; pid++)
		assert_int_equal(fake.read[pid], 100);
}

/* Items of all large channels; of pools without a limit what is beyond those that may idle. */
static void test_what_is_told_of_a_program(void **state)
{
	const struct host *h = *state;
	const struct model_process *p;

	run(h, 2, 1);
	p = model_find(h->model, 2);
	assert_int_equal(p->cells[SLOT_GOROUTINE].live, 7);
	assert_int_equal(p->cells[SLOT_CHANNEL].live, 42);
	assert_int_equal(p->cells[SLOT_GOTIMER].live, 320);
	assert_int_equal(p->go.timers, 320);
	assert_int_equal(p->go.pools, 2);
	assert_int_equal(p->go.pool_excess, 24);
	assert_int_equal(p->go.total.allocated, 5000);
	assert_int_equal(p->go.heap_fresh, 1600 + 100);
	/* Its collector is off. */
	assert_int_equal(model_find(h->model, 1)->go.heap_fresh, 0);
}

/* Ever new programs that answer nothing: the waiting for them has its share of time too, and those
 * that do answer are read on. */
static void test_patience_has_an_end(void **state)
{
	const struct host *h = *state;

	fake.cost = 400000;
	run(h, 10, 1);
	fake.mute = 11;
	for (uint64_t i = 0; i < 1000; i++)
		run(h, 20, 2 + i);
	/* Five seconds each, of a twentieth of the time, and two at first. */
	assert_in_range(fake.lost, 50, 0.05 * 1000 * INTERVAL / 5 + 3);
	assert_int_equal(h->model->lost[LOSS_GO][LOSS_TIMEOUT], fake.lost);
	assert_int_equal(fake.read[1], 1001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_readings_are_stretched, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cheap_ones_are_read_each_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_told_of_a_program, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_patience_has_an_end, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
