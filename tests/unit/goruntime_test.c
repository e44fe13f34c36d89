// SPDX-License-Identifier: GPL-2.0-only
/* What is exported of the collectors of Go programs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "exporters/prometheus.h"
#include "tests/unit/model_fixture.h"

static char *render(const struct model *m)
{
	char *text = NULL;
	size_t size;

	assert_int_equal(prometheus_render(m, PROMETHEUS_TEXT, &text, &size), 0);
	return text;
}

static void assert_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	if (!at || at[strlen(line)] != '\n')
		fail_msg("no line %s", line);
}

static void assert_absent(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("there is %s", part);
}

static void test_programs_of_a_group(void **state)
{
	struct model *m = fixture_model();
	struct model_group *g = fixture_group(m, "nginx.service/nginx");
	struct goruntime a = { .read = true,
			       .heap_live = 100,
			       .memory_limit = 1000,
			       .total.cycles = 7,
			       .goroutines_error = 30 },
			 b = { .read = true,
			       .heap_live = 20,
			       .total.cycles = 2,
			       .gc_share = 0.25,
			       .goroutines_error = 40 };
	_cleanup_free_ char *none = render(m), *one = NULL, *two = NULL, *gone = NULL;

	assert_absent(none, "seep_go_");
	gogroup_begin(&g->go);
	gogroup_add(&g->go, &a);
	fixture_set(g->cells, SLOT_GOROUTINE, 41);
	one = render(m);
	assert_line(one, "seep_go_goroutines{group=\"nginx.service/nginx\"} 41");
	assert_line(one, "seep_go_goroutines_standard_error{group=\"nginx.service/nginx\"} 30");
	assert_line(one, "seep_go_timers{group=\"nginx.service/nginx\"} 0");
	assert_line(one, "seep_go_memory_limit_bytes{group=\"nginx.service/nginx\"} 1000");
	a.total.cycles = 9;
	gogroup_begin(&g->go);
	gogroup_add(&g->go, &a);
	gogroup_add(&g->go, &b);
	two = render(m);
	assert_line(two, "seep_go_heap_live_bytes{group=\"nginx.service/nginx\"} 120");
	assert_absent(two, "seep_go_memory_limit_bytes"); /* one has none */
	assert_line(two,				  /* samples of two programs: not 70 */
		    "seep_go_goroutines_standard_error{group=\"nginx.service/nginx\"} 50");
	assert_line(two, "seep_go_gc_cycles_total{group=\"nginx.service/nginx\"} 11");
	assert_absent(two, "seep_go_pool_excess_connections"); /* none has an unlimited pool */
	assert_line(two, "seep_go_gc_cpu_ratio{group=\"nginx.service/nginx\"} 0.25");
	gogroup_begin(&g->go);
	gone = render(m);
	assert_line(gone, "seep_go_heap_live_bytes{group=\"nginx.service/nginx\"} 0");
	assert_line(gone, "seep_go_gc_cycles_total{group=\"nginx.service/nginx\"} 11");
	assert_line(gone, "seep_go_goroutines_standard_error{group=\"nginx.service/nginx\"} 0");
	assert_absent(gone, "seep_go_gc_cpu_ratio");
	fixture_free(m);
}

/* What only rises goes on through a restart, and through readings that say less. */
static void test_totals_never_fall(void **state)
{
	struct model *m = fixture_model();
	struct model_group *g = fixture_group(m, "nginx.service/nginx");
	struct goruntime a = { .read = true, .total = { 4, 1000, 0.5, 2 } },
			 b = { .read = true, .total = { 1, 10, 0.25, 1 } };
	_cleanup_free_ char *text = NULL;

	gogroup_add(&g->go, &a);
	a.total.gc_seconds = NAN;
	gogroup_add(&g->go, &a);
	a.total.gc_seconds = 0.4; /* it is worked out: a hair less is no new start */
	gogroup_add(&g->go, &a);
	a.total.gc_seconds = 0.75;
	gogroup_begin(&g->go);
	gogroup_add(&g->go, &a);
	b.pools = 1;
	b.pool_excess = 24;
	gogroup_begin(&g->go);
	gogroup_add(&g->go, &b);
	text = render(m);
	assert_line(text, "seep_go_gc_cycles_total{group=\"nginx.service/nginx\"} 5");
	assert_line(text, "seep_go_allocated_bytes_total{group=\"nginx.service/nginx\"} 1010");
	assert_line(text, "seep_go_gc_cpu_seconds_total{group=\"nginx.service/nginx\"} 1");
	assert_line(text, "seep_go_cpu_seconds_total{group=\"nginx.service/nginx\"} 3");
	assert_line(text, "seep_go_pool_excess_connections{group=\"nginx.service/nginx\"} 24");
	fixture_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs_of_a_group),
		cmocka_unit_test(test_totals_never_fall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
