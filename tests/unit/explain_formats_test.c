// SPDX-License-Identifier: GPL-2.0-only
/* The faces of findings: pprof is decoded again, field by field; folded and JSON are text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <zlib.h>

#include "agent/sites/reader.h"
#include "exporters/explain.h"

#define OUT_MAX 65536

static struct findings findings;
static const struct explain_summary summary = { .pid = 42,
						.seconds = 2,
						.windows = 1,
						.hits = 9,
						.cost_seconds = 0.01,
						.lost = { [LOSS_RING_FULL] = 3 } };

static struct site_frame frame(const char *function, const char *file, int line, const char *module)
{
	return (struct site_frame){ .pc = 0x401000,
				    .function = strdup(function),
				    .file = strdup(file),
				    .line = line,
				    .module = strdup(module),
				    .offset = 0x1000 };
}

static int setup(void **state)
{
	struct finding *f = findings_add(&findings);

	f->resource = "fd";
	f->kind = "eventfd";
	f->verdict = SITE_KEEPS;
	f->live = 300;
	f->created = 301;
	f->destroyed = 1;
	f->n_frames = 3;
	f->frames = calloc(3, sizeof(*f->frames));
	f->frames[0] = frame("eventfd", "", 0, "/lib/libc.so.6");
	f->frames[1] = frame("make it; now", "leak.c", 12, "/bin/leak");
	f->frames[2] = frame("", "", 0, "/bin/leak");
	f = findings_add(&findings);
	f->resource = "thread";
	f->live = 5;
	f->reason = "older than the watch";
	return 0;
}

static int teardown(void **state)
{
	findings_clear(&findings);
	return 0;
}

static size_t write_to(explain_writer writer, char *out)
{
	FILE *f = fmemopen(out, OUT_MAX, "w");
	size_t n;

	assert_int_equal(writer(f, &findings, &summary), 0);
	fflush(f);
	n = (size_t)ftell(f);
	fclose(f);
	return n;
}

/* What a decoder finds in the profile. */
struct decoded {
	const uint8_t *strings[64];
	size_t lengths[64];
	size_t n_strings, n_samples, n_locations, n_functions, n_mappings, n_types;
	uint64_t live, created;
};

static uint64_t varint(const uint8_t **p)
{
	uint64_t value = 0;
	int shift = 0;

	do
		value |= (uint64_t)(**p & 0x7f) << shift;
	while (shift += 7, *(*p)++ & 0x80);
	return value;
}

/* One field; ret_bytes is NULL for a number. Returns its number. */
static unsigned int field(const uint8_t **p, uint64_t *ret_value, const uint8_t **ret_bytes)
{
	uint64_t tag = varint(p);

	*ret_value = varint(p);
	*ret_bytes = NULL;
	assert_true((tag & 7) == 0 || (tag & 7) == 2);
	if ((tag & 7) == 2) {
		*ret_bytes = *p;
		*p += *ret_value;
	}
	return (unsigned int)(tag >> 3);
}

static void decode_sample(struct decoded *d, const uint8_t *p, const uint8_t *end)
{
	d->n_samples++;
	while (p < end) {
		const uint8_t *bytes;
		uint64_t value;

		if (field(&p, &value, &bytes) == 2) {
			d->live += varint(&bytes);
			d->created += varint(&bytes);
		}
	}
	assert_ptr_equal(p, end);
}

static void decode(struct decoded *d, const uint8_t *p, const uint8_t *end)
{
	while (p < end) {
		const uint8_t *bytes;
		uint64_t size;
		unsigned int number = field(&p, &size, &bytes);

		d->n_types += number == 1;
		d->n_mappings += number == 3;
		d->n_locations += number == 4;
		d->n_functions += number == 5;
		if (number == 2)
			decode_sample(d, bytes, bytes + size);
		if (number == 6) {
			d->strings[d->n_strings] = bytes;
			d->lengths[d->n_strings++] = size;
		}
	}
	assert_ptr_equal(p, end);
}

static bool has_string(const struct decoded *d, const char *text)
{
	for (size_t i = 0; i < d->n_strings; i++)
		if (d->lengths[i] == strlen(text) && !memcmp(d->strings[i], text, strlen(text)))
			return true;
	return false;
}

static size_t decompress(const char *in, size_t n, uint8_t *out)
{
	z_stream z = {
		.next_in = (uint8_t *)in, .avail_in = (uInt)n, .next_out = out, .avail_out = OUT_MAX
	};

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	inflateEnd(&z);
	return z.total_out;
}

static void test_pprof_can_be_decoded(void **state)
{
	static char compressed[OUT_MAX];
	static uint8_t plain[OUT_MAX];
	size_t n = decompress(compressed, write_to(pprof_write, compressed), plain);
	struct decoded d = { 0 };

	decode(&d, plain, plain + n);
	assert_int_equal(d.lengths[0], 0);
	assert_int_equal(d.n_types, 3);
	assert_int_equal(d.n_samples, 2);
	assert_int_equal(d.n_locations, 4);
	assert_int_equal(d.n_functions, 4);
	assert_int_equal(d.n_mappings, 2);
	assert_int_equal(d.live, 305);
	assert_int_equal(d.created, 301);
	assert_true(has_string(&d, "make it; now"));
	assert_true(has_string(&d, "0x401000"));
	assert_true(has_string(&d, "older than the watch"));
}

static void test_folded_is_outermost_first(void **state)
{
	static char out[OUT_MAX];

	write_to(folded_write, out);
	assert_string_equal(out, "fd/eventfd;0x401000;make_it__now;eventfd 300\n"
				 "thread;older_than_the_watch 5\n");
}

static void test_json_lines_and_the_summary(void **state)
{
	static char out[OUT_MAX];
	char *line, *rest = out;
	json_t *site, *last;

	write_to(explain_json_write, out);
	line = strsep(&rest, "\n");
	site = json_loads(line, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(site, "verdict")), "keeps");
	assert_true(json_is_null(json_object_get(site, "pattern")));
	assert_true(json_is_null(json_object_get(site, "bound")));
	assert_true(json_is_null(json_object_get(site, "growth_per_hour")));
	assert_int_equal(json_array_size(json_object_get(site, "stack")), 3);
	json_decref(site);
	strsep(&rest, "\n");
	last = json_object_get(site = json_loads(strsep(&rest, "\n"), 0, NULL), "summary");
	assert_int_equal(json_integer_value(json_object_get(last, "hits")), 9);
	assert_float_equal(json_real_value(json_object_get(last, "cost_ratio")), 0.005, 1e-9);
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(last, "lost"), "ring_full")),
			 3);
	json_decref(site);
}

static void test_the_sentence_names_the_programs_function(void **state)
{
	static char out[OUT_MAX];

	write_to(explain_text_write, out);
	assert_non_null(strstr(out, "fd eventfd in make it; now() at leak.c:12: keeps 300 of 301"));
	assert_non_null(strstr(out, "thread, older than the watch: 5 live."));
	assert_non_null(strstr(out, "Lost: 3 ring_full."));
}

static void test_a_known_mistake_is_said_in_words(void **state)
{
	static char out[OUT_MAX];

	write_to(explain_text_write, out);
	assert_null(strstr(out, "blocked-goroutine"));
	findings.rows[0].pattern = "blocked-goroutine";
	findings.rows[1].pattern = "no-such-mistake";
	write_to(explain_text_write, out);
	findings.rows[0].pattern = findings.rows[1].pattern = NULL;
	assert_non_null(strstr(out, "\n  blocked-goroutine: a goroutine waits for what "));
	assert_non_null(strstr(out, "\n  no-such-mistake.\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pprof_can_be_decoded),
		cmocka_unit_test(test_folded_is_outermost_first),
		cmocka_unit_test(test_json_lines_and_the_summary),
		cmocka_unit_test(test_the_sentence_names_the_programs_function),
		cmocka_unit_test(test_a_known_mistake_is_said_in_words),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
