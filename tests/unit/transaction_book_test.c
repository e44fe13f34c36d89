// SPDX-License-Identifier: GPL-2.0-only
/* Which transactions count as left open, by what was heard of connections, look by look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/explain/transaction/book.h"

#define SECOND NS_PER_S

/* A book, the clock, and the stack that whoever wrote last has; n 0: it was not seen. */
struct fixture {
	struct transaction_book *book;
	struct findings findings;
	double now;
	uint64_t pc;
	size_t n;
	unsigned int asked;
};

static size_t stack_of(void *context, uint32_t fd, uint64_t sent, uint64_t ret_pcs[SITE_FRAMES])
{
	struct fixture *f = context;

	f->asked++;
	ret_pcs[0] = f->pc;
	return f->n;
}

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->pc = 0x1000;
	f->n = 1;
	f->now = 100;
	*state = f;
	return transaction_book_new(stack_of, f, &f->book);
}

static int stop(void **state)
{
	struct fixture *f = *state;

	transaction_book_free(f->book);
	findings_clear(&f->findings);
	free(f);
	return 0;
}

static uint64_t ns(double seconds)
{
	return (uint64_t)(seconds * (double)SECOND);
}

/* A connection to 10.0.0.5:5432 whose server waits within a transaction since then; 0: in none. */
static struct transaction_row row_of(const struct fixture *f, uint64_t inode, double opened)
{
	struct transaction_row row = { .type = TRANSACTION_ROW,
				       .family = AF_INET,
				       .remote_port = 5432,
				       .inode = inode,
				       .fd = (uint32_t)inode,
				       .now = ns(f->now),
				       .remote_addr = { 10, 0, 0, 5 } };

	row.connection.state = opened > 0 ? TRANSACTION_OPEN : TRANSACTION_NONE;
	row.connection.opened = row.connection.said = ns(opened);
	row.connection.sent = ns(opened > 0 ? opened - 0.01 : f->now);
	return row;
}

/* One look that shows these. */
static void look(struct fixture *f, const struct transaction_row *rows, size_t n)
{
	transaction_book_begin(f->book);
	for (size_t i = 0; i < n; i++)
		transaction_book_row(f->book, &rows[i]);
	transaction_book_end(f->book);
}

static void look_one(struct fixture *f, double now, double opened)
{
	struct transaction_row row;

	f->now = now;
	row = row_of(f, 7, opened);
	look(f, &row, 1);
}

static const struct finding *only_finding(struct fixture *f)
{
	findings_clear(&f->findings);
	assert_int_equal(transaction_book_findings(f->book, 20, &f->findings), 0);
	assert_int_equal(f->findings.n, 1);
	return &f->findings.rows[0];
}

static void no_finding(struct fixture *f)
{
	findings_clear(&f->findings);
	assert_int_equal(transaction_book_findings(f->book, 20, &f->findings), 0);
	assert_int_equal(f->findings.n, 0);
}

static void one_that_idles_is_left_open(void **state)
{
	struct fixture *f = *state;
	const struct finding *found;

	look_one(f, 101, 100.5);
	no_finding(f); /* half a second may pass between two statements */
	look_one(f, 110, 100.5);
	found = only_finding(f);
	assert_string_equal(found->resource, "transaction");
	assert_string_equal(found->pattern, "idle-in-transaction");
	assert_string_equal(found->peer, "10.0.0.5:5432");
	assert_int_equal(found->verdict, SITE_KEEPS);
	assert_int_equal(found->live, 1);
	assert_true(found->oldest > 9.4 && found->oldest < 9.6);
}

static void a_young_one_is_not_accused(void **state)
{
	struct fixture *f = *state;
	const struct finding *found;

	look_one(f, 103, 100);
	found = only_finding(f);
	assert_int_equal(found->verdict, SITE_UNDECIDED);
	assert_null(found->pattern);
}

static void one_that_commits_has_given_back(void **state)
{
	struct fixture *f = *state;
	const struct finding *found;

	look_one(f, 106, 100);
	look_one(f, 107, 0);
	found = only_finding(f);
	assert_int_equal(found->verdict, SITE_RETURNS);
	assert_null(found->pattern);
	assert_true(found->created == 1 && found->destroyed == 1 && found->live == 0);
}

static void a_closed_connection_has_given_back(void **state)
{
	struct fixture *f = *state;

	look_one(f, 106, 100);
	look(f, NULL, 0);
	assert_int_equal(only_finding(f)->destroyed, 1);
}

/* Another transaction of the same connection is another one. */
static void each_transaction_counts(void **state)
{
	struct fixture *f = *state;
	const struct finding *found;

	look_one(f, 106, 100);
	look_one(f, 116, 110);
	found = only_finding(f);
	assert_true(found->created == 2 && found->destroyed == 1);
}

/* Statements that follow each other in a long transaction are work. */
static void one_at_work_is_none(void **state)
{
	struct fixture *f = *state;
	struct transaction_row row;

	f->now = 130;
	row = row_of(f, 7, 100);
	row.connection.said = ns(129);
	row.connection.waited = 10 * SECOND; /* and was busy for 19 of the 30 */
	look(f, &row, 1);
	no_finding(f);
	row.connection.busy = 1; /* a statement that takes long is no waiting */
	row.connection.said = ns(101);
	row.connection.waited = SECOND;
	look(f, &row, 1);
	no_finding(f);
}

static void copies_of_a_descriptor_count_once(void **state)
{
	struct fixture *f = *state;
	struct transaction_row rows[2];

	f->now = 110;
	rows[0] = rows[1] = row_of(f, 7, 100);
	rows[1].fd = 99;
	look(f, rows, 2);
	assert_int_equal(only_finding(f)->live, 1);
	assert_int_equal(f->asked, 1);
}

/* One place of the code and one server are a finding, two places are two. */
static void places_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct transaction_row rows[3];

	f->now = 110;
	for (size_t i = 0; i < 3; i++)
		rows[i] = row_of(f, 7 + i, 100);
	look(f, rows, 2);
	assert_int_equal(only_finding(f)->live, 2);
	f->pc = 0x2000;
	look(f, rows, 3);
	findings_clear(&f->findings);
	assert_int_equal(transaction_book_findings(f->book, 20, &f->findings), 0);
	assert_int_equal(f->findings.n, 2);
	assert_int_equal(f->findings.rows[0].live + f->findings.rows[1].live, 3);
}

static void who_was_not_seen_is_said(void **state)
{
	struct fixture *f = *state;
	const struct finding *found;

	f->n = 0;
	look_one(f, 110, 100);
	found = only_finding(f);
	assert_int_equal(found->n_frames, 0);
	assert_non_null(strstr(found->reason, "not seen"));
}

static int name_one(void *context, const uint64_t *pcs, size_t n, struct site_frame **ret,
		    size_t *ret_n)
{
	static char function[] = "settle", file[] = "ledger.c", module[] = "/usr/bin/shop";
	struct site_frame frame = {
		.pc = pcs[0], .function = function, .file = file, .module = module
	};

	*ret_n = 1;
	return site_frames_copy(&frame, 1, ret);
}

static void who_was_seen_is_named(void **state)
{
	struct fixture *f = *state;
	const struct finding *found;

	look_one(f, 110, 100);
	transaction_book_name(f->book, name_one, NULL);
	found = only_finding(f);
	assert_null(found->reason);
	assert_string_equal(finding_frame(found)->function, "settle");
}

/* Names by the address; what is below 0x3000 is called by one function. */
static int name_by_pc(void *context, const uint64_t *pcs, size_t n, struct site_frame **ret,
		      size_t *ret_n)
{
	static char none[] = "", module[] = "/usr/bin/shop", settle[] = "settle", main[] = "main";
	char function[32];
	struct site_frame frames[] = {
		{ .pc = pcs[0], .function = function, .file = none, .module = module },
		{ .pc = 1, .function = settle, .file = none, .module = module },
		{ .pc = 2, .function = main, .file = none, .module = module },
	};

	if (pcs[0] >= 0x3000)
		frames[1] = frames[2];
	snprintf(function, sizeof(function), "at_%x", (unsigned int)pcs[0]);
	*ret_n = pcs[0] < 0x3000 ? 3 : 2;
	return site_frames_copy(frames, *ret_n, ret);
}

/* An old transaction whose user was not seen, and another connection that committed just now. */
static void look_at_old_and_user(struct fixture *f, double now)
{
	struct transaction_row rows[2];

	f->now = now;
	rows[0] = row_of(f, 7, 100);
	rows[1] = row_of(f, 8, 0);
	f->n = 0;
	look(f, rows, 2);
	f->n = 1;
	rows[1].connection.within = 1;
	look(f, rows, 2);
}

static void who_uses_transactions_is_named_for_an_old_one(void **state)
{
	struct fixture *f = *state;
	const struct finding *found;

	look_at_old_and_user(f, 110);
	look_at_old_and_user(f, 111); /* again */
	transaction_book_name(f->book, name_by_pc, NULL);
	found = only_finding(f);
	assert_string_equal(found->pattern, "idle-in-transaction");
	assert_non_null(strstr(found->reason, "not seen"));
	assert_string_equal(finding_frame(found)->function, "at_1000");
	f->pc = 0x2000; /* a second */
	look_at_old_and_user(f, 112);
	transaction_book_name(f->book, name_by_pc, NULL);
	found = only_finding(f);
	assert_string_equal(finding_frame(found)->function, "settle");
	assert_int_equal(found->n_frames, 2);
	f->pc = 0x3000; /* and one that has nothing in common with these */
	look_at_old_and_user(f, 113);
	transaction_book_name(f->book, name_by_pc, NULL);
	assert_int_equal(only_finding(f)->n_frames, 0);
}

/* Where every transaction has its own stack nobody else is asked for. */
static void users_are_asked_for_when_needed(void **state)
{
	struct fixture *f = *state;
	struct transaction_row rows[2];

	f->now = 110;
	rows[0] = row_of(f, 7, 100);
	rows[1] = row_of(f, 8, 0);
	rows[1].connection.within = 1;
	look(f, rows, 2);
	look(f, rows, 2);
	assert_int_equal(f->asked, 1);
}

static void users_are_not_asked_for_without_end(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 100; i++)
		look_at_old_and_user(f, 110 + i);
	assert_true(f->asked > 2 && f->asked < 50);
}

static void what_was_not_heard_is_said(void **state)
{
	struct fixture *f = *state;
	struct transaction_row rows[3];
	const struct finding *found;

	for (size_t i = 0; i < 3; i++) {
		rows[i] = row_of(f, 7 + i, 0);
		rows[i].connection = (struct transaction_connection){ 0 };
	}
	rows[2].remote_port = 80; /* who knows what that is */
	look(f, rows, 3);
	found = only_finding(f);
	assert_string_equal(found->kind, "unseen");
	assert_int_equal(found->live, 2);
	assert_null(found->pattern);
	for (size_t i = 0; i < 2; i++)
		rows[i].connection.tls = TRANSACTION_TLS;
	look(f, rows, 2);
	assert_non_null(strstr(only_finding(f)->reason, "encrypted"));
}

/* By its answers a server is known whatever its port; its silent connections are told then. */
static void a_server_is_known_by_its_answers(void **state)
{
	struct fixture *f = *state;
	struct transaction_row rows[2];

	f->now = 110;
	for (size_t i = 0; i < 2; i++) {
		rows[i] = row_of(f, 7 + i, 0);
		rows[i].remote_port = 15432;
	}
	rows[1].connection = (struct transaction_connection){ 0 };
	look(f, rows, 2);
	assert_string_equal(only_finding(f)->peer, "10.0.0.5:15432");
	assert_int_equal(f->findings.rows[0].live, 1);
}

#define test(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(one_that_idles_is_left_open),
		test(a_young_one_is_not_accused),
		test(one_that_commits_has_given_back),
		test(a_closed_connection_has_given_back),
		test(each_transaction_counts),
		test(one_at_work_is_none),
		test(copies_of_a_descriptor_count_once),
		test(places_are_told_apart),
		test(who_was_not_seen_is_said),
		test(who_was_seen_is_named),
		test(who_uses_transactions_is_named_for_an_old_one),
		test(users_are_asked_for_when_needed),
		test(users_are_not_asked_for_without_end),
		test(what_was_not_heard_is_said),
		test(a_server_is_known_by_its_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
