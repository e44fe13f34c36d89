// SPDX-License-Identifier: GPL-2.0-only
/* The mappings of a process as the reader sees them, from texts of /proc/PID/maps. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/sites/space.h"

struct script {
	const char *maps;
	int reads;
};

static int open_script(void *context, const struct wire_ask *ask, int *ret_fd)
{
	struct script *script = context;
	int fd;

	if (ask->kind != WIRE_MAPS || !script->maps)
		return -ENOENT;
	script->reads++;
	fd = memfd_create("maps", MFD_CLOEXEC);
	assert_int_equal(pwrite(fd, script->maps, strlen(script->maps), 0), strlen(script->maps));
	*ret_fd = fd;
	return 0;
}

static struct space *open_space(struct spaces *s, const struct source *source)
{
	struct space *space;
	bool fresh;

	assert_int_equal(spaces_get(s, 1, source, &space, &fresh), 0);
	return space;
}

static void test_lines(void **state)
{
	struct script script = {
		.maps = "400000-401000 r--p 00000000 fd:00 11 /usr/bin/a\n"
			"401000-402000 r-xp 00001000 fd:00 11                   /usr/bin/a\n"
			"7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
			"7f0000002000-7f0000003000 r-xp 00002000 fd:00 12 /tmp/a b (deleted)\n"
			"7f0000004000-7f0000005000 r-xp 00000000 00:00 0 [vdso]\n"
			"nonsense\n"
			"7f0000006000-7f0000005000 r-xp 00000000 00:00 0 /backwards\n"
			"\n"
			"7fff00000000-7fff00001000 rw-p 00000000 00:00 0 [stack]\n"
	};
	struct source source = { open_script, &script };
	struct spaces s = { 0 };
	struct space *space = open_space(&s, &source);

	assert_int_equal(space->n, 4);
	assert_string_equal(space_find(space, 0x401000)->path, "/usr/bin/a");
	assert_int_equal(region_offset(space_find(space, 0x401fff), 0x401fff), 0x1fff);
	assert_null(space_find(space, 0x402000));
	assert_null(space_find(space, 0x400fff));
	assert_null(space_find(space, 0));
	assert_null(space_find(space, UINT64_MAX));
	assert_string_equal(space_find(space, 0x7f0000000010)->path, "");
	assert_string_equal(space_find(space, 0x7f0000002000)->path, "/tmp/a b");
	assert_true(space_find(space, 0x7f0000004000)->vdso);
	assert_null(region_module(&s, space_find(space, 0x401000), &source));
	spaces_free(&s);
}

/* A line longer than any that the kernel writes does no harm to those around it. */
static void test_long_line(void **state)
{
	static char maps[120000];
	struct script script = { .maps = maps };
	struct source source = { open_script, &script };
	struct spaces s = { 0 };
	struct space *space;
	size_t n = (size_t)sprintf(maps, "1000-2000 r-xp 0 0:0 0 /a\n3000-4000 r-xp 0 0:0 0 /");

	memset(maps + n, 'x', 90000);
	strcpy(maps + n + 90000, "\n5000-6000 r-xp 00000000 0:0 0 /b\n");
	space = open_space(&s, &source);
	assert_non_null(space_find(space, 0x1000));
	assert_string_equal(space_find(space, 0x5000)->path, "/b");
	spaces_free(&s);
}

static void test_gone(void **state)
{
	struct script script = { .maps = "" };
	struct source source = { open_script, &script };
	struct spaces s = { 0 };
	struct space *space;
	bool fresh;

	assert_int_equal(spaces_get(&s, 1, &source, &space, &fresh), -ESRCH);
	script.maps = NULL;
	assert_int_equal(spaces_get(&s, 1, &source, &space, &fresh), -ESRCH);
	spaces_free(&s);
}

static void test_reading_again(void **state)
{
	struct script script = { .maps = "1000-2000 r-xp 00000000 0:0 0 /a\n" };
	struct source source = { open_script, &script };
	struct spaces s = { 0 };
	struct space *space = open_space(&s, &source);
	bool fresh = false;

	assert_non_null(space_look(&s, space, &source, 0x1000, &fresh));
	assert_int_equal(script.reads, 1);
	script.maps = "1000-2000 r-xp 00000000 0:0 0 /a\n2000-3000 r-xp 00000000 0:0 0 /b\n";
	assert_non_null(space_look(&s, space, &source, 0x2000, &fresh));
	assert_int_equal(script.reads, 2);
	assert_null(space_look(&s, space, &source, 0x9000, &fresh)); /* fresh is true now */
	assert_int_equal(script.reads, 2);
	for (int i = 0; i < 10000; i++) {
		fresh = false;
		assert_null(space_look(&s, space, &source, 0x9000, &fresh));
	}
	assert_in_range(script.reads, 10, 25);
	script.maps = NULL; /* the process has ended: what is known stays */
	assert_int_equal(space_reload(&s, space, &source), -ESRCH);
	assert_non_null(space_find(space, 0x2000));
	spaces_free(&s);
}

/* More processes than there is room for: the one not asked for the longest goes. */
static void test_many(void **state)
{
	struct script script = { .maps = "1000-2000 r-xp 00000000 0:0 0 /a\n" };
	struct source source = { open_script, &script };
	struct spaces s = { 0 };
	struct space *space;
	bool fresh;

	for (uint64_t name = 1; name <= SPACES_MAX + 1; name++) {
		assert_int_equal(spaces_get(&s, name, &source, &space, &fresh), 0);
		assert_true(fresh);
	}
	assert_int_equal(spaces_get(&s, 2, &source, &space, &fresh), 0);
	assert_false(fresh);
	assert_int_equal(spaces_get(&s, 1, &source, &space, &fresh), 0);
	assert_true(fresh);
	spaces_forget(&s, 2);
	assert_int_equal(spaces_get(&s, 2, &source, &space, &fresh), 0);
	assert_true(fresh);
	spaces_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines),
					    cmocka_unit_test(test_long_line),
					    cmocka_unit_test(test_gone),
					    cmocka_unit_test(test_reading_again),
					    cmocka_unit_test(test_many) };

	return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}
