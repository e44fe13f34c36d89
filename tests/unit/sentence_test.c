// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "agent/base/cleanup.h"
#include "agent/model/sentence.h"
#include "tests/unit/model_fixture.h"

#define HOUR 3600.0
#define DAY  (24 * HOUR)

struct scene {
	struct model *model;
	struct model_group *group;
	struct model_process *process;
	struct holder holder;
};

static void scene_begin(struct scene *s)
{
	s->model = fixture_model();
	s->group = fixture_group(s->model, "nginx.service/nginx");
	s->process = fixture_process(s->model, s->group, 812);
	strcpy(s->process->comm, "nginx");
	s->holder = (struct holder){ .process = s->process };
}

static void scene_end(struct scene *s)
{
	fixture_free(s->model);
}

#define SCENE(name)                                                                                \
	_cleanup_(scene_end) struct scene name;                                                    \
	scene_begin(&name)

static void add_peer(struct model_process *p, enum seep_slot slot, uint64_t count, const char *addr,
		     uint16_t port)
{
	struct model_peer *peer = &p->peers[p->n_peers++];

	*peer = (struct model_peer){ .count = count, .port = port, .slot = slot };
	peer->family = strchr(addr, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(peer->family, addr, peer->addr), 1);
}

static void assert_growth(const struct scene *s, enum seep_slot slot, const char *want)
{
	char text[512];

	sentence_growth(&s->holder, slot, text, sizeof(text));
	assert_string_equal(text, want);
}

/* A socket is a descriptor: its bound is the process's RLIMIT_NOFILE. */
static void test_growth(void **state)
{
	SCENE(s);

	fixture_set(s.process->cells, SLOT_TCP_CLOSE_WAIT, 300);
	s.process->cells[SLOT_TCP_CLOSE_WAIT].trend = (struct trend){ VERDICT_GROWING, 41, NAN };
	s.process->bounds[SLOT_FD] = (struct bound){ BOUND_RLIMIT_NOFILE, 1024, 1024 - 6 * 41 };
	add_peer(s.process, SLOT_TCP_ESTABLISHED, 900, "10.0.0.9", 80);
	add_peer(s.process, SLOT_TCP_CLOSE_WAIT, 290, "10.0.0.5", 5432);
	add_peer(s.process, SLOT_TCP_CLOSE_WAIT, 10, "10.0.0.6", 5432);
	assert_growth(&s, SLOT_TCP_CLOSE_WAIT,
		      "nginx.service/nginx (nginx, pid 812): 41 tcp CLOSE_WAIT/h to 10.0.0.5:5432, "
		      "limit 1024 (RLIMIT_NOFILE) in 6 h");
}

static void test_growth_without_bound(void **state)
{
	SCENE(s);

	fixture_set(s.process->cells, SLOT_DELETED, 4096);
	s.process->cells[SLOT_DELETED].trend = (struct trend){ VERDICT_GROWING, 3 << 20, NAN };
	assert_growth(&s, SLOT_DELETED,
		      "nginx.service/nginx (nginx, pid 812): 3.0 MiB deleted/h, no limit");
	s.holder = (struct holder){ .group = s.group };
	s.group->cells[SLOT_DELETED].trend = (struct trend){ VERDICT_GROWING, 512, NAN };
	assert_growth(&s, SLOT_DELETED,
		      "nginx.service/nginx (1 process): 512 B deleted/h, no limit");
}

static void test_peer(void **state)
{
	SCENE(s);
	char text[80];

	add_peer(s.process, SLOT_TCP_CLOSE_WAIT, 1, "fe80::1", 443);
	add_peer(s.process, SLOT_TCP_CLOSE_WAIT, 1, "fe80::1", 0);
	sentence_peer(&s.process->peers[0], text, sizeof(text));
	assert_string_equal(text, "[fe80::1]:443");
	sentence_peer(&s.process->peers[1], text, sizeof(text));
	assert_string_equal(text, "fe80::1");
}

/* Born evenly, one every `every` seconds over a life. */
static void give_birth(struct model_process *p, double life, double every)
{
	births_begin(&p->births, 0, life);
	for (double at = 0; at < life; at += every)
		births_add(&p->births, at);
}

static void test_births(void **state)
{
	SCENE(s);
	char text[512];

	give_birth(s.process, 8 * DAY, HOUR / 27);
	s.process->bounds[SLOT_THREAD] =
		(struct bound){ BOUND_CGROUP_PIDS_MAX, 6000, 6000 - 27 * 33 };
	assert_true(sentence_births(s.process, text, sizeof(text)));
	assert_string_equal(text,
			    "nginx.service/nginx (nginx, pid 812): 5,184 threads, a steady 27 an "
			    "hour over 6 days, limit 6000 (pids.max) in 33 h");
}

/* A pool made at the start, few threads, or a young process tell nothing. */
static void test_births_that_tell_nothing(void **state)
{
	SCENE(s);
	char text[512] = "untouched";

	give_birth(s.process, 8 * DAY, DAY);
	assert_false(sentence_births(s.process, text, sizeof(text)));
	give_birth(s.process, 30, 0.1);
	assert_false(sentence_births(s.process, text, sizeof(text)));
	births_begin(&s.process->births, 0, 8 * DAY);
	for (int i = 0; i < 4000; i++)
		births_add(&s.process->births, i * 0.01);
	assert_false(sentence_births(s.process, text, sizeof(text)));
	assert_string_equal(text, "untouched");
}

static void test_share(void **state)
{
	SCENE(s);
	char text[512];

	fixture_set(s.process->cells, SLOT_FD, 812);
	s.process->bounds[SLOT_FD] = (struct bound){ BOUND_RLIMIT_NOFILE, 1024, 812 };
	sentence_share(&s.holder, SLOT_FD, text, sizeof(text));
	assert_string_equal(
		text, "nginx.service/nginx (nginx, pid 812): 812 fd, 79 % of 1024 (RLIMIT_NOFILE)");
	fixture_set(s.process->cells, SLOT_THREAD, 40);
	s.process->bounds[SLOT_THREAD] = (struct bound){ BOUND_CGROUP_PIDS_MAX, 100, 90 };
	sentence_share(&s.holder, SLOT_THREAD, text, sizeof(text));
	assert_string_equal(
		text, "nginx.service/nginx (nginx, pid 812): 40 thread, with all of its cgroup, "
		      "90 % of 100 (pids.max)");
}

/* However small the room, the result ends. */
static void test_cut(void **state)
{
	SCENE(s);
	char text[64];

	fixture_set(s.process->cells, SLOT_FD, 812);
	for (size_t size = 1; size < sizeof(text); size++) {
		memset(text, 'x', sizeof(text));
		sentence_growth(&s.holder, SLOT_FD, text, size);
		assert_true(memchr(text, '\0', size));
		assert_int_equal(text[size], 'x');
	}
}

/* What names the growth best is chosen, if it makes up most of it. */
static void test_telling_slot(void **state)
{
	SCENE(s);
	const struct trend growing = { VERDICT_GROWING, 41, NAN },
			   little = { VERDICT_GROWING, 3, NAN };

	assert_int_equal(holder_telling_slot(&s.holder, SLOT_FD), SLOT_FD);
	s.process->cells[SLOT_FD].trend = growing;
	s.process->cells[SLOT_FD_PIPE].trend = little;
	assert_int_equal(holder_telling_slot(&s.holder, SLOT_FD), SLOT_FD);
	s.process->cells[SLOT_FD_SOCKET].trend = growing;
	assert_int_equal(holder_telling_slot(&s.holder, SLOT_FD), SLOT_FD_SOCKET);
	s.process->cells[SLOT_TCP].trend = growing;
	assert_int_equal(holder_telling_slot(&s.holder, SLOT_FD), SLOT_TCP);
	s.process->cells[SLOT_TCP_CLOSE_WAIT].trend = growing;
	assert_int_equal(holder_telling_slot(&s.holder, SLOT_FD), SLOT_TCP_CLOSE_WAIT);
	/* A leak of one kind under the load of the others. */
	s.process->cells[SLOT_FD].trend = (struct trend){ VERDICT_STEADY, -300, NAN };
	s.process->cells[SLOT_FD_EVENTFD].trend = (struct trend){ VERDICT_LEAKING, 4, NAN };
	assert_int_equal(holder_telling_slot(&s.holder, SLOT_FD), SLOT_FD_EVENTFD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_growth_without_bound),
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_births),
		cmocka_unit_test(test_births_that_tell_nothing),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_telling_slot),
	};

	return cmocka_run_group_tests_name("sentences", tests, NULL, NULL);
}
