// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/model/group.h"
#include "agent/model/model.h"

static void expect_group(const char *cgroup, const char *exe, const char *name)
{
	char got[256];

	group_name(cgroup, exe, "comm", got, sizeof(got));
	assert_string_equal(got, name);
}

#define ID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void groups_are_what_people_call_services(void **state)
{
	expect_group("/system.slice/nginx.service", "/usr/sbin/nginx", "nginx.service/nginx");
	expect_group("/system.slice/system-postgresql.slice/postgresql@15-main.service",
		     "/usr/lib/postgresql/15/bin/postgres", "postgresql@.service/postgres");
	expect_group("/user.slice/user-1000.slice/session-3.scope", "/usr/bin/bash",
		     "session/bash");
	expect_group("/user.slice/user-1000.slice/user@1000.service/app.slice/app-foo@7.service",
		     "/usr/bin/foo", "app-foo@.service/foo");
	expect_group("/docker/" ID64, "/usr/bin/redis-server",
		     "container:0123456789ab/redis-server");
	expect_group("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1234.slice/"
		     "cri-containerd-" ID64 ".scope",
		     "/app", "container:0123456789ab/app");
	expect_group("/init.scope", "/usr/lib/systemd/systemd", "init.scope/systemd");
	expect_group("/", "/usr/bin/vim (deleted)", "session/vim");
	expect_group(NULL, NULL, "session/comm");
	expect_group("/system.slice/run-r12ab.scope", "/usr/bin/make", "session/make");
}

/* A census of one process that holds n descriptors, at a time. */
static struct model_process *census_of(struct model *m, double now, pid_t pid, uint64_t start,
				       int64_t n)
{
	struct model_process *p;
	bool fresh;

	model_begin(m, now);
	p = model_process(m, pid, start, 1, &fresh);
	assert_non_null(p);
	strcpy(p->comm, "leaky");
	if (fresh)
		assert_int_equal(model_set_group(m, p), 0);
	model_cell_add(p->cells, SLOT_FD_EVENTFD, n);
	model_end(m);
	return p;
}

/* A census of one process with live descriptors, old of them older than a window. */
static const struct model_cell *cohort_census(struct model *m, double now, int64_t live,
					      int64_t old)
{
	struct model_process *p;
	bool fresh;

	model_begin(m, now);
	p = model_process(m, 42, 7, 1, &fresh);
	assert_non_null(p);
	if (fresh)
		assert_int_equal(model_set_group(m, p), 0);
	model_cell_add(p->cells, SLOT_FD_EVENTFD, live);
	p->cells[SLOT_FD].old = p->cells[SLOT_FD_EVENTFD].old = old;
	model_end(m);
	return &p->cells[SLOT_FD];
}

static void load_is_told_from_a_leak_by_age(void **state)
{
	const struct model_cell *load = NULL, *leak = NULL;
	struct model *rising, *bursty;

	assert_int_equal(model_new(20, 1, &rising), 0);
	assert_int_equal(model_new(20, 1, &bursty), 0);
	for (int t = 0; t < 120; t++) {
		load = cohort_census(rising, 1000 + t, 50 + 10 * t, 50);
		leak = cohort_census(bursty, 1000 + t, (t % 50 < 20 ? 900 : 100) + t, 10 + t);
		assert_int_not_equal(load->trend.verdict, VERDICT_GROWING);
	}
	assert_int_equal(load->live, 50 + 10 * 119);
	assert_int_equal(leak->trend.verdict, VERDICT_GROWING);
	assert_true(leak->evidence.old);
	/* And of a group: the sum of what its processes have for long; what has no age has none. */
	assert_int_equal(bursty->groups->cells[SLOT_FD].old, 10 + 119);
	assert_int_equal(bursty->groups->cells[SLOT_FD].trend.verdict, VERDICT_GROWING);
	assert_int_equal(bursty->groups->cells[SLOT_MEMORY_ANON].old, LIVE_UNKNOWN);
	model_free(rising);
	model_free(bursty);
}

static void a_reused_number_inherits_nothing(void **state)
{
	struct model *m;
	const struct model_process *p;

	assert_int_equal(model_new(20, 1, &m), 0);
	for (int t = 0; t < 80; t++)
		p = census_of(m, 1000 + t, 42, 7, 10 * t);
	assert_int_equal(p->cells[SLOT_FD].trend.verdict, VERDICT_GROWING);
	p = census_of(m, 1080, 42, 8, 5);
	assert_int_equal(p->cells[SLOT_FD].trend.verdict, VERDICT_UNKNOWN);
	assert_int_equal(p->cells[SLOT_FD].live, 5);
	/* The group's own history goes on. */
	assert_int_equal(m->n_groups, 1);
	assert_int_equal(m->groups->cells[SLOT_FD].live, 5);
	model_free(m);
}

static void an_ended_process_is_dropped(void **state)
{
	struct model *m;

	assert_int_equal(model_new(20, 1, &m), 0);
	census_of(m, 1, 42, 7, 1);
	census_of(m, 2, 43, 7, 1);
	assert_null(model_find(m, 42));
	assert_non_null(model_find(m, 43));
	assert_int_equal(m->n_processes, 1);
	model_free(m);
}

static void kinds_sum_to_their_total(void **state)
{
	struct model *m;
	struct model_process *p;
	bool fresh;

	assert_int_equal(model_new(20, 1, &m), 0);
	model_begin(m, 1);
	p = model_process(m, 1, 1, 1, &fresh);
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		if (!slot_is_total(s))
			model_cell_add(p->cells, s, s);
	model_end(m);
	for (enum seep_slot total = 0; total < SLOT_MAX; total++) {
		int64_t sum = 0;

		if (!slot_is_total(total))
			continue;
		for (enum seep_slot s = total + 1; s < SLOT_MAX && slot_info(s)->total == total;
		     s++)
			sum += p->cells[s].live;
		assert_int_equal(p->cells[total].live, sum);
	}
	model_free(m);
}

static void shared_pages_and_address_spaces_count_once(void **state)
{
	struct model *m;
	bool fresh;

	assert_int_equal(model_new(20, 1, &m), 0);
	model_begin(m, 1);
	for (pid_t pid = 1; pid <= 3; pid++) {
		struct model_process *p = model_process(m, pid, 1, 1, &fresh);

		p->parent = pid == 3 ? 2 : 0; /* 3 is a CLONE_VM child of 2 */
		p->mm = pid == 1 ? 100 : 200;
		strcpy(p->comm, "same");
		assert_int_equal(model_set_group(m, p), 0);
		model_cell_add(p->cells, SLOT_MEMORY_ANON, 10);
		model_cell_add(p->cells, SLOT_MEMORY_SHMEM, pid * 7);
	}
	model_end(m);
	assert_int_equal(m->groups->cells[SLOT_MEMORY_ANON].live, 20);
	assert_int_equal(m->groups->cells[SLOT_MEMORY_SHMEM].live, 14);
	assert_int_equal(m->groups->cells[SLOT_MEMORY].live, 34);
	model_free(m);
}

#define MIB (1 << 20)

/* Sixty windows of a process that maps `mapped` more and touches `touched` more in each. */
static enum verdict verdict_on(enum seep_slot slot, int64_t mapped, int64_t touched)
{
	struct model_process *p = NULL;
	enum verdict worst = VERDICT_UNKNOWN;
	struct model *m;
	bool fresh;

	assert_int_equal(model_new(20, 1, &m), 0);
	for (int64_t t = 1; t <= 60 * 20; t++) {
		model_begin(m, (double)t);
		p = model_process(m, 1, 1, 1, &fresh);
		strcpy(p->comm, "one");
		assert_int_equal(model_set_group(m, p), 0);
		p->virtual_bytes = (uint64_t)(1000 * MIB + mapped * t / 20);
		model_cell_add(p->cells, SLOT_MEMORY_ANON, 10 * MIB);
		model_cell_add(p->cells, slot, MIB + touched * t / 20);
		model_end(m);
		for (enum seep_slot s = SLOT_MEMORY; s <= SLOT_MEMORY_PAGETABLE; s++) {
			worst = p->cells[s].trend.verdict > worst ? p->cells[s].trend.verdict
								  : worst;
			worst = m->groups->cells[s].trend.verdict > worst
					? m->groups->cells[s].trend.verdict
					: worst;
		}
	}
	assert_int_equal(p->cells[SLOT_MEMORY].live, 11 * MIB + touched * 60);
	model_free(m);
	return worst;
}

static void touching_what_is_mapped_takes_nothing(void **state)
{
	assert_in_range(verdict_on(SLOT_MEMORY_SHMEM, 0, MIB), VERDICT_STEADY, VERDICT_WARMING);
	assert_in_range(verdict_on(SLOT_MEMORY_FILE, 0, MIB), VERDICT_STEADY, VERDICT_WARMING);
	assert_in_range(verdict_on(SLOT_MEMORY_SHMEM, MIB, 0), VERDICT_STEADY, VERDICT_WARMING);
	assert_int_equal(verdict_on(SLOT_MEMORY_SHMEM, MIB, MIB), VERDICT_LEAKING);
	assert_int_equal(verdict_on(SLOT_MEMORY_FILE, MIB, MIB), VERDICT_LEAKING);
	assert_int_equal(verdict_on(SLOT_MEMORY_ANON, 0, MIB), VERDICT_LEAKING);
}

/* Sixty windows of a Go program whose memory grows by MIB in each: that much was allocated, and each
 * `period` windows a collection finds `kept` of it alive. */
static enum verdict verdict_on_go(int64_t period, int64_t kept)
{
	enum verdict worst = VERDICT_UNKNOWN;
	struct model *m;
	bool fresh;

	assert_int_equal(model_new(20, 1, &m), 0);
	for (int64_t t = 1; t <= 60 * 20; t++) {
		int64_t cycles = period ? t / (period * 20) : 0;
		int64_t marked = cycles * period * kept, heap_fresh = MIB * t / 20 - cycles * period * MIB;
		struct model_process *p;

		model_begin(m, (double)t);
		for (pid_t pid = 1; pid <= 2; pid++) {
			p = model_process(m, pid, 1, 1, &fresh);
			strcpy(p->comm, "served");
			assert_int_equal(model_set_group(m, p), 0);
			p->go.read = true;
			p->go.heap_fresh = (uint64_t)heap_fresh;
			model_cell_add(p->cells, SLOT_MEMORY_ANON, 10 * MIB + marked + heap_fresh);
		}
		model_end(m);
		for (enum seep_slot s = SLOT_MEMORY; s <= SLOT_MEMORY_ANON; s++) {
			enum verdict of_one = p->cells[s].trend.verdict,
				     of_all = m->groups->cells[s].trend.verdict;

			worst = of_one > worst ? of_one : worst;
			worst = of_all > worst ? of_all : worst;
		}
	}
	model_free(m);
	return worst;
}

static void what_no_collection_has_seen_is_not_taken(void **state)
{
	assert_in_range(verdict_on_go(0, 0), VERDICT_STEADY, VERDICT_WARMING);
	assert_in_range(verdict_on_go(16, 0), VERDICT_STEADY, VERDICT_WARMING);
	assert_int_equal(verdict_on_go(1, MIB / 2), VERDICT_LEAKING);
	assert_int_equal(verdict_on_go(4, MIB / 2), VERDICT_LEAKING);
}

static void bounds_tighten_to_the_nearest(void **state)
{
	struct bound b = { BOUND_PID_MAX, 32768, 100 }, none = { 0 };
	struct bound nearer = { BOUND_CGROUP_PIDS_MAX, 200, 100 },
		     tie = { BOUND_THREADS_MAX, 400, 200 };

	bound_tighten(&b, &none);
	assert_int_equal(b.source, BOUND_PID_MAX);
	bound_tighten(&b, &nearer);
	assert_int_equal(b.source, BOUND_CGROUP_PIDS_MAX);
	bound_tighten(&b, &tie);
	assert_int_equal(b.source, BOUND_CGROUP_PIDS_MAX);
	assert_true(bound_ratio(&b) == 0.5);
	assert_true(bound_ratio(&none) == 0);
}

static void ages_follow_objects(void **state)
{
	struct ages *a = ages_new();

	ages_begin(a);
	assert_int_equal(ages_table(a, 1), 0);
	assert_true(ages_seen(a, 3, 111, 100) == 100);
	assert_true(ages_seen(a, 5, 222, 100) == 100);
	ages_begin(a);
	/* Another table first, with the same number: another object. */
	assert_int_equal(ages_table(a, 2), 0);
	assert_true(ages_seen(a, 3, 111, 200) == 200);
	assert_int_equal(ages_table(a, 1), 0);
	assert_true(ages_seen(a, 3, 111, 200) == 100);
	assert_true(ages_seen(a, 4, 333, 200) == 200);
	assert_true(ages_seen(a, 5, 999, 200) == 200); /* the number was reused */
	ages_free(a);
}

static void births_tell_a_steady_past(void **state)
{
	struct births b;
	double rate = 0;

	births_begin(&b, 0, 6 * 86400);
	for (double t = 0; t < 6 * 86400; t += 3600 / 27.0)
		births_add(&b, t);
	assert_true(births_steady(&b, &rate));
	assert_true(fabs(rate - 27) < 0.5);
	assert_true(b.oldest == 0);
	/* A pool that is made at the start and stays. */
	births_begin(&b, 0, 86400);
	for (int i = 0; i < 64; i++)
		births_add(&b, i);
	assert_false(births_steady(&b, &rate));
}

static void the_sentence_names_who_what_and_when(void **state)
{
	struct model *m;
	struct suspect s;
	struct model_process *p;
	char sentence[256];
	size_t left;

	assert_int_equal(model_new(20, 1, &m), 0);
	for (int t = 0; t < 80; t++) {
		p = census_of(m, 1000 + t, 42, 7, t);
		p->bounds[SLOT_FD] = (struct bound){ BOUND_RLIMIT_NOFILE, 1024, (uint64_t)t };
	}
	assert_int_equal(model_suspects(m, &s, 1, &left), 1);
	assert_int_equal(left, 0);
	model_sentence(&s, sentence, sizeof(sentence));
	assert_non_null(strstr(sentence, "session/leaky (leaky, pid 42): 3600 fd"));
	assert_non_null(strstr(sentence, "limit 1024 (RLIMIT_NOFILE) in 16 min"));
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_what_people_call_services),
		cmocka_unit_test(load_is_told_from_a_leak_by_age),
		cmocka_unit_test(a_reused_number_inherits_nothing),
		cmocka_unit_test(an_ended_process_is_dropped),
		cmocka_unit_test(kinds_sum_to_their_total),
		cmocka_unit_test(shared_pages_and_address_spaces_count_once),
		cmocka_unit_test(touching_what_is_mapped_takes_nothing),
		cmocka_unit_test(what_no_collection_has_seen_is_not_taken),
		cmocka_unit_test(bounds_tighten_to_the_nearest),
		cmocka_unit_test(ages_follow_objects),
		cmocka_unit_test(births_tell_a_steady_past),
		cmocka_unit_test(the_sentence_names_who_what_and_when),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
