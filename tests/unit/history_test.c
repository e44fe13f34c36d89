// SPDX-License-Identifier: GPL-2.0-only
/* What the agent hands over is what top adopts: of processes that are the same, and of groups. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/history.h"
#include "tests/unit/model_fixture.h"

static struct model *host(pid_t pid, uint64_t start)
{
	struct model *m = fixture_model();
	struct model_group *g = fixture_group(m, "shop.service/shop");
	struct model_process *p = fixture_process(m, g, pid);

	p->start = start;
	m->by_pid[(unsigned int)pid % MODEL_HASH] = p;
	fixture_set(p->cells, SLOT_FD, 300);
	fixture_set(g->cells, SLOT_FD, 500);
	p->cells[SLOT_FD].old = g->cells[SLOT_FD].old = 7;
	return m;
}

static void *adopt(void *m)
{
	return (void *)(intptr_t)history_adopt(m);
}

/* Both ends in one process. */
static void hand_over(const struct model *from, struct model *to)
{
	struct history *h;
	pthread_t reader;
	struct pollfd p;
	void *result;

	assert_int_equal(history_new(&h), 0);
	assert_int_equal(pthread_create(&reader, NULL, adopt, to), 0);
	p = (struct pollfd){ history_fd(h), POLLIN, 0 };
	assert_int_equal(poll(&p, 1, 5000), 1);
	history_answer(h, from);
	assert_int_equal(pthread_join(reader, &result), 0);
	assert_int_equal((intptr_t)result, 0);
	history_free(h);
}

static void trends_of_processes_and_groups_arrive(void **state)
{
	struct model *agent = host(42, 7), *same = host(42, 7), *other = host(42, 8);
	struct model_cell *mine = &agent->processes->cells[SLOT_FD];

	mine->trend = (struct trend){ VERDICT_LEAKING, 41, 1000 };
	mine->evidence = (struct evidence){ .rate_error = 3, .rising = 8, .old = 1 };
	mine->old = 250;
	mine->oldest = 90000;
	agent->groups->cells[SLOT_FD].trend = (struct trend){ VERDICT_GROWING, 50, 2000 };
	agent->window = 1800;
	hand_over(agent, same);
	hand_over(agent, other);

	mine = &same->processes->cells[SLOT_FD];
	assert_true(same->window == 1800);
	assert_int_equal(mine->trend.verdict, VERDICT_LEAKING);
	assert_true(mine->trend.rate_per_hour == 41 && mine->trend.since == 1000);
	assert_true(mine->evidence.rising == 8 && mine->evidence.old);
	assert_true(mine->old == 250 && mine->oldest == 90000);
	assert_int_equal(same->groups->cells[SLOT_FD].trend.verdict, VERDICT_GROWING);
	assert_true(same->groups->cells[SLOT_FD].trend.rate_per_hour == 50);

	/* Another program under the number inherits nothing; its group does. */
	assert_int_equal(other->processes->cells[SLOT_FD].trend.verdict, VERDICT_UNKNOWN);
	assert_int_equal(other->groups->cells[SLOT_FD].trend.verdict, VERDICT_GROWING);
	fixture_free(agent);
	fixture_free(same);
	fixture_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trends_of_processes_and_groups_arrive),
	};
	char folder[] = "/tmp/seep-history-XXXXXX";
	int failed;

	if (!mkdtemp(folder) || setenv("RUNTIME_DIRECTORY", folder, 1))
		return 1;
	failed = cmocka_run_group_tests_name("history", tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
