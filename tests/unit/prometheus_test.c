// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/model/group.h"
#include "exporters/metrics.h"
#include "exporters/prometheus.h"
#include "exporters/selection.h"
#include "tests/unit/model_fixture.h"

static void cleanup_model(struct model **m)
{
	fixture_free(*m);
}

#define _cleanup_model_ _cleanup_(cleanup_model)

static char *render(const struct model *m, enum prometheus_format f)
{
	char *text;
	size_t len;

	assert_int_equal(prometheus_render(m, f, &text, &len), 0);
	assert_int_equal(strlen(text), len);
	return text;
}

/* How often the text has this whole line. */
static unsigned int count_line(const char *text, const char *line)
{
	size_t len = strlen(line);
	unsigned int n = 0;

	for (const char *p = text; *p; p += strcspn(p, "\n") + 1)
		n += strncmp(p, line, len) == 0 && p[len] == '\n';
	return n;
}

static void assert_line(const char *text, const char *line)
{
	if (count_line(text, line) != 1)
		fail_msg("%u times '%s' in:\n%s", count_line(text, line), line, text);
}

static void assert_absent(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' in:\n%s", part, text);
}

/* The sum of all samples that begin so. */
static double sum(const char *text, const char *begin)
{
	double total = 0;

	for (const char *p = text; *p; p += strcspn(p, "\n") + 1)
		if (strncmp(p, begin, strlen(begin)) == 0)
			total += strtod(strstr(p, "} ") + 2, NULL);
	return total;
}

static struct model_group *nginx(struct model *m)
{
	struct model_group *g = fixture_group(m, "nginx.service/nginx");

	g->processes = 3;
	fixture_set(g->cells, SLOT_FD, 12);
	fixture_set(g->cells, SLOT_FD_SOCKET, 9);
	fixture_set(g->cells, SLOT_FD_FILE, 3);
	fixture_set(g->cells, SLOT_THREAD, 3);
	fixture_set(g->cells, SLOT_MEMORY, 4096);
	fixture_set(g->cells, SLOT_MEMORY_ANON, 4096);
	return g;
}

static void test_live(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	_cleanup_free_ char *text = NULL;

	nginx(m);
	text = render(m, PROMETHEUS_TEXT);
	assert_line(text, "seep_group_processes{group=\"nginx.service/nginx\"} 3");
	assert_line(text, "seep_group_live{group=\"nginx.service/nginx\",resource=\"fd\","
			  "kind=\"socket\"} 9");
	assert_line(text, "seep_group_live{group=\"nginx.service/nginx\",resource=\"thread\","
			  "kind=\"all\"} 3");
	assert_line(text, "seep_group_live_bytes{group=\"nginx.service/nginx\",resource=\"memory\","
			  "kind=\"anon\"} 4096");
	assert_absent(text, "seep_group_live{group=\"nginx.service/nginx\",resource=\"memory\"");
	assert_absent(text, "resource=\"fd\",kind=\"all\"");
	assert_absent(text, "kind=\"\"");
}

static void test_zero(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	struct model_group *g = nginx(m);
	_cleanup_free_ char *text = NULL;

	fixture_set(g->cells, SLOT_FD_PIPE, 0); /* was more once */
	text = render(m, PROMETHEUS_TEXT);
	assert_line(text, "seep_group_live{group=\"nginx.service/nginx\",resource=\"fd\","
			  "kind=\"pipe\"} 0");
	assert_absent(text, "eventfd");
}

/* What the kinds leave of the total must not be lost to a sum. */
static void test_unknown_kinds(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	struct model_group *g = nginx(m);
	_cleanup_free_ char *text = NULL;

	g->cells[SLOT_FD_FILE].live = LIVE_UNKNOWN;
	text = render(m, PROMETHEUS_TEXT);
	assert_absent(text, "kind=\"file\"");
	assert_line(text, "seep_group_live{group=\"nginx.service/nginx\",resource=\"fd\","
			  "kind=\"unknown\"} 3");
}

static void test_nothing_known(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	struct model_group *g = nginx(m);
	_cleanup_free_ char *text = NULL;

	for (enum seep_slot s = SLOT_FD; s <= SLOT_FD_OTHER; s++)
		g->cells[s].live = LIVE_UNKNOWN;
	text = render(m, PROMETHEUS_TEXT);
	assert_absent(text, "resource=\"fd\"");
	assert_absent(text, "NaN");
	assert_absent(text, "-1");
}

static void test_bounds(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	struct model_group *g = nginx(m);
	_cleanup_free_ char *text = NULL;

	g->bounds[SLOT_FD] = (struct bound){ BOUND_RLIMIT_NOFILE, 1024, 7 };
	g->bounds[SLOT_MEMORY] = (struct bound){ BOUND_CGROUP_MEMORY_MAX, 1ull << 40, 8192 };
	text = render(m, PROMETHEUS_TEXT);
	assert_line(text, "seep_group_bound{group=\"nginx.service/nginx\",resource=\"fd\","
			  "source=\"RLIMIT_NOFILE\"} 1024");
	assert_line(text, "seep_group_bound_used{group=\"nginx.service/nginx\",resource=\"fd\","
			  "source=\"RLIMIT_NOFILE\"} 7");
	assert_line(text, "seep_group_bound_bytes{group=\"nginx.service/nginx\","
			  "resource=\"memory\",source=\"memory.max\"} 1099511627776");
	assert_absent(text, "source=\"none\"");
}

static void test_trends(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	struct model_group *g = nginx(m);
	_cleanup_free_ char *text = NULL;

	g->bounds[SLOT_PROCESS] = (struct bound){ BOUND_CGROUP_PIDS_MAX, 1024, 512 };
	g->cells[SLOT_PROCESS].trend = (struct trend){ VERDICT_GROWING, 256, m->now - 7200 };
	g->cells[SLOT_PROCESS].evidence.rate_error = 256;
	g->cells[SLOT_FD].trend = (struct trend){ VERDICT_LEAKING, 256, m->now - 3600 };
	g->cells[SLOT_FD_FILE].trend = (struct trend){ VERDICT_STEADY, 0, NAN };
	g->cells[SLOT_MEMORY_ANON].trend = (struct trend){ VERDICT_WARMING, 0.5, NAN };
	text = render(m, PROMETHEUS_TEXT);
	assert_line(text, "seep_group_rate_per_hour{group=\"nginx.service/nginx\",resource=\"fd\","
			  "kind=\"all\"} 256");
	assert_line(text, "seep_group_rate_bytes_per_hour{group=\"nginx.service/nginx\","
			  "resource=\"memory\",kind=\"anon\"} 0.5");
	assert_line(text, "seep_group_eta_seconds{group=\"nginx.service/nginx\","
			  "resource=\"process\"} 7200");
	assert_line(text, "seep_group_eta_low_seconds{group=\"nginx.service/nginx\","
			  "resource=\"process\"} 3600");
	/* The error includes no growth at all: it may be never. */
	assert_absent(text, "seep_group_eta_high_seconds");
	assert_line(text, "seep_group_since_timestamp_seconds{group=\"nginx.service/nginx\","
			  "resource=\"fd\",kind=\"all\"} 1699996400.25");
	assert_line(text, "seep_group_verdict{group=\"nginx.service/nginx\",resource=\"fd\","
			  "kind=\"all\",verdict=\"leaking\"} 1");
	assert_line(text, "seep_group_verdict{group=\"nginx.service/nginx\",resource=\"memory\","
			  "kind=\"anon\",verdict=\"warming\"} 1");
	assert_absent(text, "verdict=\"steady\"");
	assert_absent(text, "verdict=\"unknown\"");
}

/* Two leak side by side, each towards a limit of its own: twice the pace does not halve the time.
 */
static void test_forecast_of_many(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	struct model_group *g = nginx(m);
	_cleanup_free_ char *text = NULL;

	for (int i = 1; i <= 2; i++) {
		struct model_process *p = fixture_process(m, g, i);

		fixture_set(p->cells, SLOT_FD, 512);
		p->bounds[SLOT_FD] = (struct bound){ BOUND_RLIMIT_NOFILE, 1024, 512 };
		p->cells[SLOT_FD].trend = (struct trend){ VERDICT_LEAKING, 64 * i, m->now };
		p->cells[SLOT_FD].evidence.rate_error = 0;
	}
	g->bounds[SLOT_FD] = (struct bound){ BOUND_RLIMIT_NOFILE, 1024, 512 };
	g->cells[SLOT_FD].trend = (struct trend){ VERDICT_LEAKING, 192, m->now };
	groups_forecast(m);
	text = render(m, PROMETHEUS_TEXT);
	assert_line(text, "seep_group_eta_seconds{group=\"nginx.service/nginx\",resource=\"fd\"} "
			  "14400");
	assert_line(text, "seep_group_eta_high_seconds{group=\"nginx.service/nginx\","
			  "resource=\"fd\"} 14400");
}

static void test_suspects(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	struct model_group *g = nginx(m);
	struct model_process *p = fixture_process(m, g, 42), *calm = fixture_process(m, g, 43);
	_cleanup_free_ char *text = NULL;

	memcpy(p->cells, g->cells, sizeof(p->cells));
	memcpy(calm->cells, g->cells, sizeof(p->cells));
	p->bounds[SLOT_FD] = (struct bound){ BOUND_RLIMIT_NOFILE, 1024, 512 };
	p->cells[SLOT_FD].trend = (struct trend){ VERDICT_GROWING, 256, m->now - 3600 };
	p->cells[SLOT_FD_SOCKET].trend = (struct trend){ VERDICT_GROWING, 256, m->now - 3600 };
	text = render(m, PROMETHEUS_TEXT);
	/* Two trends of one resource, and its rows but once. */
	assert_line(text, "seep_process_live{pid=\"42\",start_time=\"1699990000.500\","
			  "group=\"nginx.service/nginx\",resource=\"fd\",kind=\"socket\"} 9");
	assert_true(sum(text, "seep_process_live{pid=\"42\"") == 12);
	assert_absent(text, "pid=\"42\",start_time=\"1699990000.500\","
			    "group=\"nginx.service/nginx\",resource=\"thread\"");
	assert_absent(text, "pid=\"43\"");
	assert_line(text, "seep_verdict{group=\"nginx.service/nginx\",pid=\"42\",resource=\"fd\","
			  "kind=\"socket\",verdict=\"growing\"} 1");
	assert_line(text, "seep_eta_seconds{group=\"nginx.service/nginx\",pid=\"42\","
			  "resource=\"fd\",kind=\"socket\"} 7200");
	assert_line(text, "seep_process_rate_per_hour{group=\"nginx.service/nginx\",pid=\"42\","
			  "resource=\"fd\",kind=\"socket\"} 256");
	/* One leak is one suspicion. */
	assert_true(sum(text, "seep_verdict{") == 1);
}

/* Who has nearly used up what it may have is named without any proof; who only shares a bound with
 * others that fill it is not. */
static void test_nearly_full(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	struct model_group *g = nginx(m);
	struct model_process *full = fixture_process(m, g, 42), *small = fixture_process(m, g, 43);
	_cleanup_free_ char *text = NULL;

	fixture_set(full->cells, SLOT_FD, 960);
	full->bounds[SLOT_FD] = (struct bound){ BOUND_RLIMIT_NOFILE, 1024, 960 };
	full->cells[SLOT_FD].trend = (struct trend){ VERDICT_STEADY, 0, NAN };
	fixture_set(small->cells, SLOT_PROCESS, 2);
	small->bounds[SLOT_PROCESS] = (struct bound){ BOUND_CGROUP_PIDS_MAX, 100, 95 };
	text = render(m, PROMETHEUS_TEXT);
	assert_line(text, "seep_near_bound_ratio{group=\"nginx.service/nginx\",pid=\"42\","
			  "resource=\"fd\",kind=\"all\",source=\"RLIMIT_NOFILE\"} 0.9375");
	assert_absent(text, "seep_verdict{");
	assert_absent(text, "pid=\"43\"");
}

static void test_netns(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	struct model_netns *n = fixture_netns(m, 4026531840u);
	_cleanup_free_ char *text = NULL;

	fixture_set(n->cells, SLOT_TCP, 28000);
	fixture_set(n->cells, SLOT_TCP_TIME_WAIT, 28000);
	n->ports = (struct bound){ BOUND_LOCAL_PORT_RANGE, 28232, 28000 };
	text = render(m, PROMETHEUS_TEXT);
	assert_line(text, "seep_netns_live{netns=\"4026531840\",resource=\"tcp\","
			  "kind=\"TIME_WAIT\"} 28000");
	assert_line(text, "seep_netns_bound{netns=\"4026531840\",resource=\"tcp\","
			  "source=\"ip_local_port_range\"} 28232");
	assert_line(text, "seep_netns_bound_used{netns=\"4026531840\",resource=\"tcp\","
			  "source=\"ip_local_port_range\"} 28000");
}

/* The model has escaped what it was given; the format quotes what the model wrote. */
static void test_hostile_names(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	_cleanup_free_ char *text = NULL;

	fixture_group(m, "a\"} 1\\x0aevil 2\\\\\xc3\xa9");
	text = render(m, PROMETHEUS_TEXT);
	assert_line(text,
		    "seep_group_processes{group=\"a\\\"} 1\\\\x0aevil 2\\\\\\\\\xc3\xa9\"} 1");
	assert_absent(text, "\nevil");
}

/* Even a model that was filled in breach of its promise cannot end a line. */
static void test_raw_newline(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	_cleanup_free_ char *text = NULL;

	fixture_group(m, "a\nb");
	text = render(m, PROMETHEUS_TEXT);
	assert_line(text, "seep_group_processes{group=\"a\\nb\"} 1");
}

static void test_losses(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	_cleanup_free_ char *text = NULL;

	m->lost[LOSS_FD][LOSS_MAP_FULL] = 7;
	m->dropped[DROP_GROUP] = 5;
	m->rungs[m->n_rungs++] = (struct model_rung){ "threads", "tp_btf", "" };
	text = render(m, PROMETHEUS_TEXT);
	assert_line(text, "# TYPE seep_lost_events_total counter");
	assert_line(text, "seep_lost_events_total{topic=\"fd\",reason=\"map_full\"} 7");
	assert_line(text, "seep_lost_events_total{topic=\"web\",reason=\"crashed\"} 0");
	assert_line(text, "seep_series_dropped_total{table=\"group\"} 5");
	assert_line(text, "# TYPE seep_rung_info gauge");
	assert_line(text, "seep_rung_info{topic=\"threads\",rung=\"tp_btf\"} 1");
	assert_line(text, "seep_census_seconds 0.0625");
	assert_line(text, "seep_last_census_timestamp_seconds 1700000000.25");
}

static void test_openmetrics(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	_cleanup_free_ char *text = NULL;

	nginx(m);
	text = render(m, PROMETHEUS_OPENMETRICS);
	assert_line(text, "# TYPE seep_lost_events counter");
	assert_line(text, "seep_lost_events_total{topic=\"fd\",reason=\"map_full\"} 0");
	assert_line(text, "# TYPE seep_build info");
	assert_line(text, "seep_build_info{version=\"" SEEP_VERSION "\"} 1");
	assert_line(text, "# UNIT seep_group_live_bytes bytes");
	assert_line(text, "# UNIT process_cpu_seconds seconds");
	assert_string_equal(text + strlen(text) - strlen("\n# EOF\n"), "\n# EOF\n");
	assert_int_equal(count_line(text, "# EOF"), 1);
}

static void test_before_first_census(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	_cleanup_free_ char *text = NULL;

	m->census = 0;
	text = render(m, PROMETHEUS_TEXT);
	assert_absent(text, "seep_last_census_timestamp_seconds");
	assert_line(text, "seep_build_info{version=\"" SEEP_VERSION "\"} 1");
}

static void test_self(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	_cleanup_free_ char *text = NULL;

	text = render(m, PROMETHEUS_TEXT);
	assert_line(text, "process_threads 1");
	for (enum metric_id id = METRIC_CPU; id <= METRIC_START_TIME; id++) {
		char line[128];

		snprintf(line, sizeof(line), "\n%s ", metrics[id].name);
		assert_non_null(strstr(text, line));
	}
}

static void test_transactions(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	struct model_group *g = nginx(m);
	_cleanup_free_ char *text = NULL, *none = NULL;

	none = render(m, PROMETHEUS_TEXT);
	assert_absent(none, "transaction");
	fixture_set(g->cells, SLOT_TRANSACTION, 2);
	g->cells[SLOT_TRANSACTION].oldest = 301.5;
	text = render(m, PROMETHEUS_TEXT);
	assert_line(text, "seep_group_live{group=\"nginx.service/nginx\","
			  "resource=\"transaction\",kind=\"all\"} 2");
	assert_line(text, "seep_group_transaction_oldest_seconds{group=\"nginx.service/nginx\"} "
			  "301.5");
}

/* Every family's lines in one run, whatever the model holds: its TYPE stands once. */
static void test_families_in_one_run(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	_cleanup_free_ char *text = NULL;

	for (unsigned int i = 0; i < 60; i++)
		fixture_busy_group(m, i);
	m->processes->bounds[SLOT_THREAD].used = 99000;
	fixture_set(m->groups->cells, SLOT_TRANSACTION, 1);
	m->groups->cells[SLOT_TRANSACTION].oldest = 300;
	gogroup_add(&m->groups->go,
		    &(struct goruntime){
			    .read = true, .memory_limit = 1, .pools = 1, .total = { 1, 1, 1, 1 } });
	groups_forecast(m);
	fixture_netns(m, 1)->ports = (struct bound){ BOUND_LOCAL_PORT_RANGE, 10, 1 };
	fixture_set(fixture_netns(m, 2)->cells, SLOT_TCP, 3);
	m->rungs[m->n_rungs++] = (struct model_rung){ "threads", "tp_btf", "" };
	text = render(m, PROMETHEUS_TEXT);
	for (enum metric_id id = 0; id < METRIC_MAX; id++) {
		char line[128];

		snprintf(line, sizeof(line), "# TYPE %s %s", metrics[id].name,
			 metrics[id].type == METRIC_COUNTER ? "counter" : "gauge");
		assert_line(text, line);
	}
}

static void test_other_keeps_sums(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	_cleanup_free_ char *all = NULL, *capped = NULL;

	for (unsigned int i = 0; i < 60; i++)
		fixture_busy_group(m, i);
	model_for_each_group (m, g)
		gogroup_add(&g->go, &(struct goruntime){ .read = true, .heap_live = 3 });
	all = render(m, PROMETHEUS_TEXT);
	assert_absent(all, "group=\"other\"");
	m->group_cap = 20;
	capped = render(m, PROMETHEUS_TEXT);
	assert_non_null(strstr(capped, "group=\"other\""));
	assert_true(sum(all, "seep_group_live{") == sum(capped, "seep_group_live{"));
	assert_true(sum(all, "seep_group_live_bytes{") == sum(capped, "seep_group_live_bytes{"));
	assert_true(sum(all, "seep_go_heap_live_bytes{") == 180);
	assert_true(sum(capped, "seep_go_heap_live_bytes{") == 180);
	assert_true(sum(all, "seep_group_processes{") == sum(capped, "seep_group_processes{"));
	assert_true(sum(all, "seep_group_rate_per_hour{") ==
		    sum(capped, "seep_group_rate_per_hour{"));
}

static void test_cap_keeps_the_moving(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	_cleanup_(selection_freep) struct selection *s = NULL;

	fixture_group(m, "small");
	fixture_group(m, "large")->cells[SLOT_FD].live = 9000;
	fixture_group(m, "full")->bounds[SLOT_FD] = (struct bound){ BOUND_RLIMIT_NOFILE, 10, 9 };
	fixture_group(m, "leaking")->cells[SLOT_THREAD].trend.verdict = VERDICT_LEAKING;
	m->group_cap = 3;
	assert_int_equal(selection_new(m, &s), 0);
	assert_int_equal(s->n_groups, 3);
	assert_string_equal(s->groups[0]->name, "large");
	assert_string_equal(s->groups[1]->name, "full");
	assert_string_equal(s->groups[2]->name, "leaking");
	selection_count_drops(m);
	assert_int_equal(m->dropped[DROP_GROUP], 1);
	selection_count_drops(m);
	assert_int_equal(m->dropped[DROP_GROUP], 2);
	assert_int_equal(m->dropped[DROP_PROCESS], 0);
}

static void test_suspects_capped(void **state)
{
	_cleanup_model_ struct model *m = fixture_model();
	struct model_group *g = nginx(m);
	_cleanup_free_ char *text = NULL;

	for (int i = 1; i <= 30; i++) {
		struct model_process *p = fixture_process(m, g, i);

		fixture_set(p->cells, SLOT_THREAD, i);
		p->cells[SLOT_THREAD].trend = (struct trend){ VERDICT_GROWING, i, m->now };
	}
	text = render(m, PROMETHEUS_TEXT);
	selection_count_drops(m);
	assert_true(sum(text, "seep_verdict{") == 20);
	assert_int_equal(m->dropped[DROP_PROCESS], 10);
}

/* Names are a contract with those who wrote alerts: see metrics.h for the rules. */
static void test_table(void **state)
{
	for (enum metric_id id = 0; id < METRIC_MAX; id++) {
		const struct metric *m = &metrics[id];
		size_t len = strlen(m->name);
		const char *suffix = m->type == METRIC_COUNTER ? "_total"
				     : m->type == METRIC_INFO  ? "_info"
							       : "";
		size_t end = len - strlen(suffix);

		assert_string_equal(m->name + end, suffix);
		assert_true(strncmp(m->name, "seep_", 5) == 0 ||
			    strncmp(m->name, "process_", 8) == 0);
		if (m->unit == METRIC_BYTES)
			assert_memory_equal(m->name + end - 6, "_bytes", 6);
		if (m->unit == METRIC_SECONDS)
			assert_memory_equal(m->name + end - 8, "_seconds", 8);
		if (m->type == METRIC_GAUGE)
			assert_null(strstr(m->name, "_total"));
		assert_int_equal(m->help[strlen(m->help) - 1], '.');
		assert_null(strpbrk(m->help, "\\\n"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_unknown_kinds),
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_transactions),
		cmocka_unit_test(test_trends),
		cmocka_unit_test(test_suspects),
		cmocka_unit_test(test_nearly_full),
		cmocka_unit_test(test_forecast_of_many),
		cmocka_unit_test(test_netns),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_raw_newline),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_before_first_census),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_families_in_one_run),
		cmocka_unit_test(test_other_keeps_sums),
		cmocka_unit_test(test_cap_keeps_the_moving),
		cmocka_unit_test(test_suspects_capped),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
