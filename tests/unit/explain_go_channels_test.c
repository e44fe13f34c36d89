// SPDX-License-Identifier: GPL-2.0-only
/* What the pulls of a watch say of a large channel: keeps, returns, or neither. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/channels.h"

#define CAPACITY 100000ull
#define ADDRESS	 0xc000000000ull

struct watched {
	struct gochannels channels;
	struct go_report report;
};

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct watched));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void pull(struct watched *w, double at, uint64_t items, uint64_t taken)
{
	w->report.n_channels = 1;
	w->report.channels[0] = (struct go_channel){ .address = ADDRESS,
						     .capacity = CAPACITY,
						     .items = items,
						     .sent_at = (taken + items) % CAPACITY,
						     .taken_at = taken % CAPACITY };
	gochannels_add(&w->channels, &w->report, at);
}

static const struct gochannel *row(const struct watched *w)
{
	const struct gochannel *c = gochannels_find(&w->channels, &w->report.channels[0]);

	assert_non_null(c);
	return c;
}

/* taken: items that its taker takes between two pulls; 0: none, and before so many */
static enum site_verdict judge(struct watched *w, const uint64_t *items, size_t n, uint64_t taken,
			       uint64_t before)
{
	for (size_t i = 0; i < n; i++)
		pull(w, 2.0 * (double)i, items[i], before + taken * i);
	return gochannel_judge(row(w));
}

static void test_fills(void **state)
{
	struct watched *w = *state;
	uint64_t items[GO_PULLS];

	for (size_t i = 0; i < GO_PULLS; i++)
		items[i] = 200 + 30 * i - i % 2 * 3;
	/* Its ring turns over meanwhile. */
	assert_int_equal(judge(w, items, GO_PULLS, 50, CAPACITY - 300), SITE_KEEPS);
	assert_int_equal(row(w)->taken, 50 * (GO_PULLS - 1));
	assert_int_equal(row(w)->sent, 80 * (GO_PULLS - 1));
	assert_true(fabs(gochannel_growth(row(w)) - 54000) < 1);
}

/* Nobody took anything: ever, or only while it was watched. */
static void test_nobody_takes(void **state)
{
	struct watched *w = *state;
	uint64_t items[GO_PULLS];

	for (size_t i = 0; i < GO_PULLS; i++)
		items[i] = 200 + 30 * i;
	assert_int_equal(judge(w, items, GO_PULLS, 0, 0), SITE_KEEPS);
	w->channels.n = 0;
	assert_int_equal(judge(w, items, GO_PULLS, 0, 77), SITE_UNDECIDED);
}

static void test_stands_filled(void **state)
{
	struct watched *w = *state;
	uint64_t items[GO_PULLS];

	for (size_t i = 0; i < GO_PULLS; i++)
		items[i] = CAPACITY - i % 4;
	assert_int_equal(judge(w, items, GO_PULLS, 50, 0), SITE_KEEPS);
}

/* Large and drained, in bursts, at once at the end, or standing at some level. */
static void test_innocents(void **state)
{
	static const uint64_t items[][GO_PULLS] = {
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
		{ 0, 900, 400, 0, 0, 800, 300, 0, 0, 950, 450, 0, 0 },
		{ 10, 60, 110, 160, 10, 60, 110, 160, 10, 60, 110, 160, 210 },
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 500, 1000 },
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 400, 500, 600, 700 },
		{ 500, 510, 490, 505, 495, 500, 510, 490, 505, 495, 500, 505, 502 },
		{ 100, 200, 300, 400, 500, 600, 700, 20, 120, 220, 320, 420, 520 },
		{ 1, 2, 3, 4, 3, 4, 5, 4, 5, 6, 5, 6, 7 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		struct watched *w = *state;

		w->channels.n = 0;
		if (judge(w, items[i], GO_PULLS, 50, 0) == SITE_KEEPS)
			print_error("innocent %zu is accused\n", i);
		assert_int_not_equal(gochannel_judge(row(w)), SITE_KEEPS);
	}
}

static void test_few_pulls_say_nothing(void **state)
{
	static const uint64_t items[] = { 100, 200, 300 };

	assert_int_equal(judge(*state, items, ARRAY_SIZE(items), 50, 0), SITE_UNDECIDED);
}

static void test_lies_divide_nothing(void **state)
{
	struct watched *w = *state;

	w->report.n_channels = 1;
	w->report.channels[0] = (struct go_channel){ .address = ADDRESS };
	gochannels_add(&w->channels, &w->report, 0);
	w->report.channels[0] = (struct go_channel){ .capacity = 5, .taken_at = 9 };
	gochannels_add(&w->channels, &w->report, 0);
	assert_int_equal(w->channels.n, 0);
}

static void test_no_more_than_there_is_room_for(void **state)
{
	struct watched *w = *state;

	for (uint64_t i = 0; i < 2 * GOCHANNELS_MAX; i++) {
		w->report.n_channels = 1;
		w->report.channels[0] =
			(struct go_channel){ .address = ADDRESS + i, .capacity = CAPACITY };
		gochannels_add(&w->channels, &w->report, 0);
	}
	assert_int_equal(w->channels.n, GOCHANNELS_MAX);
	for (uint64_t i = 0; i < 2 * GO_PULLS; i++)
		pull(w, (double)i, 1, 0);
	assert_int_equal(row(w)->n, GO_PULLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fills, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nobody_takes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stands_filled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_innocents, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_few_pulls_say_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lies_divide_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_more_than_there_is_room_for, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
