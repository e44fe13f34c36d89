// SPDX-License-Identifier: GPL-2.0-only
/* What is wrong in a state directory is noticed, set aside and costs no more than it must. */
#include "tests/unit/state_fixture.h"

static void every_flipped_bit_is_noticed(void **state)
{
	struct saved *saved;
	const char *why;
	uint8_t *data;
	size_t size;

	model_free(run(0, 30));
	data = read_file("trends", &size);
	assert_int_equal(snapshot_read(data, size, &saved, &why), 0);
	saved_free(saved);
	for (size_t bit = 0; bit < 8 * size; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(snapshot_read(data, size, &saved, &why), -EBADMSG);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t n = 0; n < size; n++)
		assert_int_equal(snapshot_read(data, n, &saved, &why), -EBADMSG);
	free(data);
}

/* Over the snapshot at hand; how many entries, and whether one was damaged. */
static size_t replay(const uint8_t *journal, size_t size, bool *ret_damaged)
{
	struct saved *saved;
	const char *why;
	size_t n, snapshot_size;
	uint8_t *data = read_file("trends", &snapshot_size);

	assert_int_equal(snapshot_read(data, snapshot_size, &saved, &why), 0);
	n = journal_replay(journal, size, saved, ret_damaged);
	saved_free(saved);
	free(data);
	return n;
}

/* A snapshot at the first census, and the journal of the two that follow. */
static uint8_t *make_journal(size_t *ret_size)
{
	model_free(run(4, 7));
	return read_file("journal", ret_size);
}

static void a_torn_journal_loses_what_is_torn(void **state)
{
	size_t size, whole = 0;
	uint8_t *data = make_journal(&size);
	bool damaged;

	for (size_t n = 0; n <= size; n++) {
		size_t entries = replay(data, n, &damaged);

		assert_false(damaged);
		assert_in_range(entries, whole, whole + 1);
		whole = entries;
	}
	assert_int_equal(whole, 2);
	free(data);
}

static void a_damaged_journal_loses_what_follows(void **state)
{
	size_t size;
	uint8_t *data = make_journal(&size);
	bool damaged;

	for (size_t bit = 0; bit < 8 * size; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(replay(data, size, &damaged) < 2);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	data[size - 1] ^= 1;
	assert_int_equal(replay(data, size, &damaged), 1);
	assert_true(damaged);
	write_file("journal", data, size);
	model_free(run(7, 8));
	assert_true(exists("journal.bad"));
	free(data);
}

/* Behind a checksum that is right, anything may stand: it is refused or taken, and does no harm. */
static void odd_bytes_do_no_harm(void **state)
{
	size_t size;
	uint8_t *data;
	uint64_t random = 88172645463325252u;

	model_free(run(0, 30));
	data = read_file("trends", &size);
	for (unsigned int i = 0; i < 4000; i++) {
		struct saved *saved;
		const char *why;
		size_t at;
		uint32_t crc;
		uint8_t before;

		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		at = random % (size - sizeof(crc));
		before = data[at];
		data[at] = (uint8_t)(random >> 32);
		crc = bytes_crc(0, data, size - sizeof(crc));
		memcpy(data + size - sizeof(crc), &crc, sizeof(crc));
		if (snapshot_read(data, size, &saved, &why) == 0) {
			struct model *m = new_model();

			census(m, 31);
			saved_pass(saved, BEGIN + 31 * INTERVAL);
			saved_adopt(saved, m, true);
			census(m, 32);
			saved_free(saved);
			model_free(m);
		}
		data[at] = before;
	}
	free(data);
}

static void what_is_wrong_is_set_aside(void **state)
{
	static const uint32_t next = 99;

	model_free(run(0, 2));
	patch(offsetof(struct snapshot_header, format), &next, sizeof(next));
	assert_begins_anew(WINDOW);
	assert_true(exists("trends.bad"));
	patch(offsetof(struct snapshot_header, layout), &next, sizeof(next));
	unlink(path_of("trends.bad"));
	assert_begins_anew(WINDOW);
	assert_true(exists("trends.bad"));
	write_file("trends", "hello", 5);
	assert_begins_anew(WINDOW);
	unlink(path_of("trends"));
	assert_int_equal(symlink("/etc/passwd", path_of("trends")), 0);
	assert_begins_anew(WINDOW);
	unlink(path_of("trends"));
	assert_int_equal(mkdir(path_of("trends"), 0700), 0);
	unlink(path_of("trends.bad"));
	assert_begins_anew(WINDOW);
	assert_true(exists("trends.bad"));
	assert_true(exists("trends"));
}

static void the_snapshot_before_serves(void **state)
{
	struct model *m;

	model_free(run(0, 70));
	write_file("trends", "hello", 5);
	m = run(71, 72);
	assert_int_equal(verdict_of(m, 10), VERDICT_GROWING);
	assert_true(exists("trends.bad"));
	model_free(m);
	unlink(path_of("trends")); /* killed between the two renames */
	m = run(73, 74);
	assert_int_equal(verdict_of(m, 10), VERDICT_GROWING);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_flipped_bit_is_noticed),	    TEST(a_torn_journal_loses_what_is_torn),
		TEST(a_damaged_journal_loses_what_follows), TEST(odd_bytes_do_no_harm),
		TEST(what_is_wrong_is_set_aside),	    TEST(the_snapshot_before_serves),
	};

	return cmocka_run_group_tests_name("state_damage", tests, NULL, NULL);
}
