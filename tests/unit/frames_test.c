// SPDX-License-Identifier: GPL-2.0-only
/* Frames in a message: what a child that was taken over can put in there, and what it cannot do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sites/frames.h"
#include "agent/sites/protocol.h"

static uint8_t buffer[8192];

static struct frame_writer writer(size_t size)
{
	return (struct frame_writer){ .at = buffer, .end = buffer + size };
}

static void test_round_trip(void **state)
{
	struct raw_frame frame = { .pc = 0x7f0012345678,
				   .offset = 0x1234,
				   .line = 42,
				   .function = "leak\033[0m",
				   .file = "a\\b.c",
				   .module = "/usr/bin/x" };
	struct frame_writer w = writer(sizeof(buffer));
	struct site_frame *read;

	assert_int_equal(frame_write(&w, &frame), 0);
	assert_int_equal(frame_write(&w, &(struct raw_frame){ .pc = 1 }), 0);
	assert_int_equal(w.n, 2);
	assert_int_equal(frames_read(buffer, (size_t)(w.at - buffer), w.n, &read), 0);
	assert_int_equal(read[0].pc, frame.pc);
	assert_int_equal(read[0].offset, frame.offset);
	assert_int_equal(read[0].line, 42);
	assert_string_equal(read[0].function, "leak\\x1b[0m");
	assert_string_equal(read[0].file, "a\\\\b.c");
	assert_string_equal(read[0].module, "/usr/bin/x");
	assert_int_equal(read[1].pc, 1);
	assert_string_equal(read[1].function, "");
	site_frames_free(read, 2);
}

static void test_no_room(void **state)
{
	struct raw_frame frame = { .function = "0123456789" };
	struct frame_writer w = writer(sizeof(struct wire_frame) + 9);

	assert_int_equal(frame_write(&w, &frame), -EMSGSIZE);
	assert_int_equal(w.n, 0);
	assert_ptr_equal(w.at, buffer);
}

static void test_long_name(void **state)
{
	static char name[3 * WIRE_NAME_MAX];
	struct raw_frame frame = { .function = name };
	struct frame_writer w = writer(sizeof(buffer));
	struct site_frame *read;

	memset(name, 'x', sizeof(name) - 1);
	assert_int_equal(frame_write(&w, &frame), 0);
	assert_int_equal(frames_read(buffer, (size_t)(w.at - buffer), 1, &read), 0);
	assert_int_equal(strlen(read[0].function), WIRE_NAME_MAX);
	site_frames_free(read, 1);
}

static void test_lies(void **state)
{
	struct raw_frame frame = { .function = "function", .file = "file", .module = "module" };
	struct frame_writer w = writer(sizeof(buffer));
	struct wire_frame *head = (struct wire_frame *)buffer;
	struct site_frame *read;
	size_t size;

	assert_int_equal(frame_write(&w, &frame), 0);
	size = (size_t)(w.at - buffer);
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(frames_read(buffer, cut, 1, &read), -EPROTO);
	assert_int_equal(frames_read(buffer, size, 2, &read), -EPROTO);
	assert_int_equal(frames_read(buffer, size, SIZE_MAX, &read), -EPROTO);
	head->module_size = UINT16_MAX;
	assert_int_equal(frames_read(buffer, size, 1, &read), -EPROTO);
	head->module_size = 6;
	head->line = UINT32_MAX;
	assert_int_equal(frames_read(buffer, size, 1, &read), 0);
	assert_int_equal(read[0].line, 0);
	site_frames_free(read, 1);
	assert_int_equal(frames_read(buffer, 0, 0, &read), 0);
	site_frames_free(read, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_round_trip),
					    cmocka_unit_test(test_no_room),
					    cmocka_unit_test(test_long_name),
					    cmocka_unit_test(test_lies) };

	return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
