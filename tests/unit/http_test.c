// SPDX-License-Identifier: GPL-2.0-only
/* What the web side decides without a network; clients over a socket: tests/e2e/test_web*.py. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "exporters/http/accept.h"
#include "exporters/http/address.h"
#include "exporters/http/clients.h"
#include "exporters/http/sealed.h"
#include "exporters/page.h"
#include "tests/unit/model_fixture.h"

static void test_accept_format(void **state)
{
	static const struct {
		const char *accept;
		enum prometheus_format format;
	} cases[] = {
		{ NULL, PROMETHEUS_TEXT },
		{ "", PROMETHEUS_TEXT },
		{ "*/*", PROMETHEUS_TEXT },
		{ "text/plain", PROMETHEUS_TEXT },
		{ "text/html,application/xhtml+xml,*/*;q=0.8", PROMETHEUS_TEXT },
		{ "application/openmetrics-text", PROMETHEUS_OPENMETRICS },
		{ "application/openmetrics-text; version=1.0.0; charset=utf-8",
		  PROMETHEUS_OPENMETRICS },
		{ "APPLICATION/OpenMetrics-Text;Version=1.0.0", PROMETHEUS_OPENMETRICS },
		/* as Prometheus 2.42 asks */
		{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		  "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  PROMETHEUS_OPENMETRICS },
		{ "text/plain;version=0.0.4;q=0.9, "
		  "application/openmetrics-text;version=1.0.0;q=0.3",
		  PROMETHEUS_TEXT },
		{ "application/openmetrics-text;version=1.0.0;q=0.31,text/plain;q=0.309",
		  PROMETHEUS_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0;q=0", PROMETHEUS_TEXT },
		{ "application/openmetrics-text;version=0.0.1", PROMETHEUS_TEXT },
		{ "application/openmetrics-text;version=2.0.0;q=1,text/plain;q=0.1",
		  PROMETHEUS_TEXT },
		{ "application/openmetrics-text ; q = 0.5 , text/plain ; q = 0.4",
		  PROMETHEUS_OPENMETRICS },
		{ ",,;;,=,;q=,application/openmetrics-text", PROMETHEUS_OPENMETRICS },
		{ ";", PROMETHEUS_TEXT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (accept_format(cases[i].accept) != cases[i].format)
			fail_msg("'%s' is not %d", cases[i].accept, cases[i].format);
}

static void test_accept_gzip(void **state)
{
	assert_false(accept_gzip(NULL));
	assert_false(accept_gzip(""));
	assert_false(accept_gzip("identity"));
	assert_false(accept_gzip("deflate, br"));
	assert_false(accept_gzip("gzip;q=0"));
	assert_false(accept_gzip("gzip;q=0.000, *"));
	assert_false(accept_gzip("gzipped"));
	assert_true(accept_gzip("gzip"));
	assert_true(accept_gzip("deflate, gzip;q=0.001"));
	assert_true(accept_gzip("*"));
	assert_true(accept_gzip("GZIP"));
}

static void test_address(void **state)
{
	static const struct {
		const char *word, *text;
	} good[] = {
		{ "127.0.0.1:10049", "127.0.0.1:10049" },   { "localhost:1", "127.0.0.1:1" },
		{ "[::1]:10049", "[::1]:10049" },	    { ":9100", "[::]:9100" },
		{ "0.0.0.0:65535", "0.0.0.0:65535" },	    { "127.0.0.1:0", "127.0.0.1:0" },
		{ "[2001:db8::7]:80", "[2001:db8::7]:80" },
	};
	static const char *const bad[] = {
		"",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"::1:10049",
		"[]:80",
		"[::1]",
		"[::1]:",
		"127.0.0.1:80x",
		"[::1:80",
		"a.b:80",
		"256.0.0.1:80",
		":",
		"127.0.0.1: 80",
		"127.0.0.1:999999999999",
	};
	struct sockaddr_storage addr;
	char text[ADDRESS_TEXT];
	socklen_t len;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(address_parse(good[i].word, &addr, &len), 0);
		address_format(&addr, text, sizeof(text));
		assert_string_equal(text, good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (address_parse(bad[i], &addr, &len) == 0)
			fail_msg("'%s' is an address", bad[i]);
}

/* Descriptors that nothing uses: clients_* only shuts them down, which fails harmlessly. */
#define FD 1000

static void test_deadlines(void **state)
{
	struct clients c;
	struct client *a, *b;

	clients_init(&c);
	assert_int_equal(clients_timeout(&c, 0), -1);
	a = clients_add(&c, FD, 100);
	b = clients_add(&c, FD + 1, 200);
	assert_int_equal(clients_timeout(&c, 300), CLIENTS_REQUEST_MS - 200);
	assert_null(clients_late(&c, 100 + CLIENTS_REQUEST_MS - 1));
	assert_ptr_equal(clients_late(&c, 100 + CLIENTS_REQUEST_MS), a);
	client_enter(a, CLIENT_SENDING, 300);
	assert_ptr_equal(clients_late(&c, 200 + CLIENTS_REQUEST_MS), b);
	client_cut(b);
	assert_null(clients_late(&c, 200 + CLIENTS_REQUEST_MS));
	assert_int_equal(clients_timeout(&c, 300), CLIENTS_RESPONSE_MS);
	assert_int_equal(clients_timeout(&c, 300 + 2 * CLIENTS_RESPONSE_MS), 0);
	client_remove(b);
	assert_null(clients_find(&c, FD + 1));
}

static void test_oldest_incomplete_goes_first(void **state)
{
	struct clients c;
	struct client *rows[CLIENTS_MAX];

	clients_init(&c);
	for (int i = 0; i < CLIENTS_MAX; i++) {
		rows[i] = clients_add(&c, FD + i, i);
		assert_non_null(rows[i]);
	}
	assert_null(clients_add(&c, FD + CLIENTS_MAX, CLIENTS_MAX));
	client_enter(rows[0], CLIENT_SENDING, 0);
	client_enter(rows[1], CLIENT_IDLE, 1);
	assert_ptr_equal(clients_oldest(&c), rows[2]);
	client_cut(rows[2]);
	assert_ptr_equal(clients_oldest(&c), rows[3]);
	for (int i = 3; i < CLIENTS_MAX; i++)
		client_cut(rows[i]);
	assert_ptr_equal(clients_oldest(&c), rows[1]);
	client_cut(rows[1]);
	assert_ptr_equal(clients_oldest(&c), rows[0]);
	client_cut(rows[0]);
	assert_null(clients_oldest(&c));
}

static void test_sealed(void **state)
{
	int fd = sealed_new("test");
	char back[8] = "";

	assert_true(fd >= 0);
	assert_int_equal(sealed_add(fd, "ab", 2), 0);
	assert_int_equal(sealed_add(fd, "", 0), 0);
	assert_int_equal(sealed_add(fd, "cde", 3), 0);
	assert_int_equal(sealed_close(fd), 0);
	assert_int_equal(pread(fd, back, sizeof(back), 0), 5);
	assert_string_equal(back, "abcde");
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_ptr_equal(mmap(NULL, 5, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	close(fd);
}

static void test_page(void **state)
{
	struct model *m = fixture_model();
	struct buffer out = { 0 };
	struct model_process *p;
	size_t len;
	char *text;

	fixture_busy_group(m, 0);
	p = fixture_process(m, fixture_group(m, "<b>&\"x/y"), 7);
	fixture_set(p->cells, SLOT_FD, 5);
	p->cells[SLOT_FD].trend = (struct trend){ VERDICT_GROWING, 3, m->now };
	assert_int_equal(page_write(m, "/m", &out), 0);
	assert_int_equal(buffer_take(&out, &text, &len), 0);
	assert_int_equal(strlen(text), len);
	assert_non_null(strstr(text, "<td>&lt;b&gt;&amp;&quot;x/y</td>"));
	assert_null(strstr(text, "<b>"));
	assert_non_null(strstr(text, "<a href=\"/m\">"));
	assert_non_null(strstr(text, SEEP_VERSION));
	assert_null(strstr(text, "nan"));
	free(text);
	fixture_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept_format),
		cmocka_unit_test(test_accept_gzip),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_oldest_incomplete_goes_first),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
