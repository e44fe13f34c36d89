// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/model/finding.h"

static struct site_frame frames[] = {
	{ .file = "", .function = "strdup", .module = "/usr/lib/x86_64-linux-gnu/libc.so.6" },
	{ .file = "", .function = "zmalloc", .module = "/usr/bin/redis-server" },
	{ .file = "", .function = "operator new(unsigned long)", .module = "/opt/liballoc.so" },
	{ .file = "", .function = "createObject", .module = "/usr/bin/redis-server" },
	{ .file = "", .function = "main", .module = "/usr/bin/redis-server" },
};

/* Who calls the wrapper of an allocator is meant, for the heap; elsewhere the word means nothing.
 */
static void test_frame(void **state)
{
	struct finding f = { .resource = "heap", .frames = frames, .n_frames = 5 };

	assert_ptr_equal(finding_frame(&f), &frames[3]);
	f.resource = "fd";
	assert_ptr_equal(finding_frame(&f), &frames[1]);
}

/* A stack of wrappers alone, of the C library alone, and none. */
static void test_no_better(void **state)
{
	struct finding f = { .resource = "heap", .frames = frames, .n_frames = 2 };

	assert_ptr_equal(finding_frame(&f), &frames[1]);
	f.n_frames = 1;
	assert_ptr_equal(finding_frame(&f), &frames[0]);
	f.n_frames = 0;
	assert_null(finding_frame(&f));
}

/* What cgo generates, stripped or not, and the runtime stand between C and who called it. */
static void test_cgo(void **state)
{
	struct site_frame called[] = {
		{ .function = "strdup", .file = "", .module = "/lib/libc.so.6" },
		{ .function = "", .file = "", .module = "/shop" },
		{ .function = "runtime.asmcgocall",
		  .file = "runtime/asm_amd64.s",
		  .module = "/shop" },
		{ .function = "main._Cfunc_copy", .file = "_cgo_gotypes.go", .module = "/shop" },
		{ .function = "main.forget", .file = "main.go", .module = "/shop" },
	};
	struct finding f = { .resource = "heap", .frames = called, .n_frames = 5 };

	assert_ptr_equal(finding_frame(&f), &called[4]);
	called[1].function = "_cgo_86e6ea6920d3_Cfunc_copy";
	assert_ptr_equal(finding_frame(&f), &called[4]);
	called[1].function = "sort";
	assert_ptr_equal(finding_frame(&f), &called[1]);
}

/* Who asks the collector for something does it by the standard library. */
static void test_go_collector(void **state)
{
	struct site_frame go[] = { { .function = "runtime/debug.SetMemoryLimit", .module = "" },
				   { .function = "main.configure", .module = "" } };
	struct finding f = { .resource = "gc", .frames = go, .n_frames = 2 };

	assert_ptr_equal(finding_frame(&f), &go[1]);
}

/* What the kernel gave a Go program was asked for by its standard library, for whoever called that;
 * what C code in it asked for was not. */
static void test_go_descriptor(void **state)
{
	struct site_frame go[] = {
		{ .function = "syscall.openat", .file = "syscall/z.go", .module = "/shop" },
		{ .function = "os.Open", .file = "os/file.go", .module = "/shop" },
		{ .function = "shop.(*Upload).Part", .file = "upload.go", .module = "/shop" },
	};
	struct finding f = { .resource = "fd", .frames = go, .n_frames = 3 };

	assert_ptr_equal(finding_frame(&f), &go[2]);
	f.n_frames = 2; /* nothing better */
	assert_ptr_equal(finding_frame(&f), &go[0]);
	f.n_frames = 3;
	go[0] = (struct site_frame){ .function = "open", .file = "", .module = "/lib/libc.so.6" };
	go[1] = (struct site_frame){ .function = "load", .file = "load.c", .module = "/shop" };
	assert_ptr_equal(finding_frame(&f), &go[1]);
}

/* Who asked database/sql for it, and not the driver below; of a driver alone, who called that. */
static void test_go_database(void **state)
{
	struct site_frame go[] = {
		{ .function = "syscall.write", .file = "syscall/zsyscall.go", .module = "/shop" },
		{ .function = "example.org/driver.(*conn).send",
		  .file = "conn.go",
		  .module = "/shop" },
		{ .function = "database/sql.(*DB).QueryRow", .file = "sql.go", .module = "/shop" },
		{ .function = "example.org/shop.(*Book).Settle",
		  .file = "b.go",
		  .module = "/shop" },
	};
	struct finding f = { .resource = "transaction", .frames = go, .n_frames = 4 };

	assert_ptr_equal(finding_frame(&f), &go[3]);
	go[1].function = "github.com/jackc/pgx/v5.(*Conn).Query";
	go[2].function = "net/http.HandlerFunc.ServeHTTP";
	assert_ptr_equal(finding_frame(&f), &go[3]);
	f.n_frames = 2; /* nothing better */
	assert_ptr_equal(finding_frame(&f), &go[0]);
}

/* A function of C may be called as a package of Go. */
static void test_c_database(void **state)
{
	struct site_frame c[] = {
		{ .function = "PQexec", .file = "fe-exec.c", .module = "/usr/lib/libpq.so.5" },
		{ .function = "log", .file = "log.c", .module = "/usr/bin/shop" },
	};
	struct finding f = { .resource = "transaction", .frames = c, .n_frames = 2 };

	assert_ptr_equal(finding_frame(&f), &c[1]);
}

/* The go statement is errgroup's, whoever wants the goroutine. */
static void test_go_spawner(void **state)
{
	struct site_frame go[] = {
		{ .function = "golang.org/x/sync/errgroup.(*Group).Go",
		  .file = "",
		  .module = "/shop" },
		{ .function = "runtime.gopark", .file = "", .module = "/shop" },
		{ .function = "shop.(*Cart).await", .file = "", .module = "/shop" },
		{ .function = "golang.org/x/sync/errgroup.(*Group).Go.func1",
		  .file = "",
		  .module = "/shop" },
	};
	struct finding f = { .resource = "goroutine", .frames = go, .n_frames = 4 };

	assert_ptr_equal(finding_frame(&f), &go[2]);
	f.n_frames = 1; /* nothing better */
	assert_ptr_equal(finding_frame(&f), &go[0]);
}

static void add(struct findings *list, const char *resource, enum site_verdict verdict,
		const char *pattern, double growth)
{
	struct finding *f = findings_add(list);

	assert_non_null(f);
	f->resource = resource;
	f->verdict = verdict;
	f->pattern = pattern;
	f->growth_per_hour = growth;
}

/* A goroutine that is stuck holds a connection: the cause stands before what it holds, but not
 * before what grows for itself, nor when it gives back. */
static void test_order(void **state)
{
	struct findings list = { 0 };

	add(&list, "fd", SITE_KEEPS, NULL, 1100);
	add(&list, "goroutine", SITE_KEEPS, "blocked-goroutine", 1000);
	add(&list, "goheap", SITE_KEEPS, NULL, NAN);
	add(&list, "gotimer", SITE_RETURNS, "timer-not-stopped", 2000);
	findings_sort(&list);
	assert_string_equal(list.rows[0].resource, "goroutine");
	assert_string_equal(list.rows[1].resource, "fd");
	assert_string_equal(list.rows[2].resource, "goheap");
	assert_string_equal(list.rows[3].resource, "gotimer");
	add(&list, "mapping", SITE_KEEPS, NULL, 3000);
	findings_sort(&list);
	assert_string_equal(list.rows[0].resource, "mapping");
	assert_string_equal(list.rows[1].resource, "fd");
	assert_string_equal(list.rows[2].resource, "goroutine");
	findings_clear(&list);
}

/* What a connection holds of the heap is many objects, and few bytes; a heap that grows by much is
 * no part of what leaks some connections. */
static void test_order_of_heap(void **state)
{
	struct findings list = { 0 };

	add(&list, "goheap", SITE_KEEPS, NULL, 9000);
	list.rows[0].growth_bytes_per_hour = 9000 * 1024;
	add(&list, "goroutine", SITE_KEEPS, "unclosed-response-body", 3000);
	findings_sort(&list);
	assert_string_equal(list.rows[0].resource, "goroutine");
	list.rows[1].growth_bytes_per_hour = 9000 * 1048576.;
	findings_sort(&list);
	assert_string_equal(list.rows[0].resource, "goheap");
	findings_clear(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame),	      cmocka_unit_test(test_no_better),
		cmocka_unit_test(test_go_collector),  cmocka_unit_test(test_go_descriptor),
		cmocka_unit_test(test_go_database),   cmocka_unit_test(test_c_database),
		cmocka_unit_test(test_cgo),	      cmocka_unit_test(test_order),
		cmocka_unit_test(test_order_of_heap), cmocka_unit_test(test_go_spawner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
