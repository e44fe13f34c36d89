// SPDX-License-Identifier: GPL-2.0-only
/* The two formats that replay reads, whole and broken. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/replay/recording.h"

static char message[RECORDING_ERROR];

static struct recording parsed(const char *text)
{
	struct recording r = { 0 };

	if (recording_parse(text, strlen(text), &r, message) < 0)
		fail_msg("%s", message);
	return r;
}

static void assert_broken(const char *text, const char *why)
{
	struct recording r = { 0 };

	assert_true(recording_parse(text, strlen(text), &r, message) < 0);
	assert_null(r.series);
	if (strcmp(message, why) != 0)
		fail_msg("'%s' instead of '%s'", message, why);
}

static void csv(void **state)
{
	struct recording r = parsed("time_seconds,value,bound\r\n0,1,10\r\n60.5,-2e3,\r\n\n120,3");

	assert_int_equal(r.n, 1);
	assert_null(r.series[0].name);
	assert_int_equal(r.series[0].n, 3);
	assert_true(r.series[0].points[0].bound == 10);
	assert_true(r.series[0].points[1].time == 60.5 && r.series[0].points[1].value == -2000);
	assert_true(isnan(r.series[0].points[1].bound));
	recording_free(&r);
	r = parsed("0,1\n1,2\n"); /* without a header */
	assert_int_equal(r.series[0].n, 2);
	recording_free(&r);
}

static void broken_csv(void **state)
{
	assert_broken("", "holds no values");
	assert_broken("time_seconds,value\n", "holds no values");
	assert_broken("time,value\n1,2\n", "line 1 is not time_seconds,value[,bound]");
	assert_broken("0,1\n1;2\n", "line 2 is not time_seconds,value[,bound]");
	assert_broken("0,1\n1,2,3,4\n", "line 2 is not time_seconds,value[,bound]");
	assert_broken("0,nan\n", "line 1 is not time_seconds,value[,bound]");
	assert_broken("0,1\n60,2\n60,3\n", "line 3: time does not rise");
}

#define MATRIX(result)                                                                             \
	"{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[" result "]}}"

static void prometheus(void **state)
{
	struct recording r =
		parsed(MATRIX("{\"metric\":{\"__name__\":\"fds\",\"pid\":\"7\\u001b\"},\"values\":"
			      "[[1700000000.5,\"1\"],[1700000060,\"NaN\"],[1700000120,\"3\"]]},"
			      "{\"metric\":{},\"values\":[[1,\"2\"]]}"));

	assert_int_equal(r.n, 2);
	assert_string_equal(r.series[0].name, "fds{pid=\"7\\x1b\"}");
	assert_string_equal(r.series[1].name, "");
	assert_int_equal(r.series[0].n, 2);
	assert_true(r.series[0].points[1].time == 1700000120 && r.series[0].points[1].value == 3);
	recording_free(&r);
}

static void broken_prometheus(void **state)
{
	const char *no_matrix = "is no answer of query_range with resultType \"matrix\"";

	assert_broken("{\"status\":", "is no JSON: line 1, column 10");
	assert_broken("{}", no_matrix);
	assert_broken("{\"data\":{\"resultType\":\"vector\",\"result\":[]}}", no_matrix);
	assert_broken(MATRIX(""), "holds no values");
	assert_broken(MATRIX("{\"metric\":{}}"), "a series has no \"values\"");
	assert_broken(MATRIX("{\"values\":[[1,\"2\"],[2,3]]}"),
		      "sample 1 is not [time, \"value\"]");
	assert_broken(MATRIX("{\"values\":[[2,\"2\"],[2,\"3\"]]}"), "sample 1: time does not rise");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv),
		cmocka_unit_test(broken_csv),
		cmocka_unit_test(prometheus),
		cmocka_unit_test(broken_prometheus),
	};

	return cmocka_run_group_tests_name("recording", tests, NULL, NULL);
}
