// SPDX-License-Identifier: GPL-2.0-only
/*
 * profile.proto of pprof (https://github.com/google/pprof/blob/main/proto/profile.proto), encoded
 * by hand: a protocol buffer is a list of (field number, wire type, value), and only two wire types
 * are needed. Samples carry what lives, what was created, and the bytes that live.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include <zlib.h>

#include "agent/base/cleanup.h"
#include "exporters/buffer.h"
#include "exporters/explain.h"

enum wire { WIRE_VARINT = 0, WIRE_BYTES = 2 };

/* Field numbers, by message. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME = 9,
	PROFILE_DURATION = 10,
	TYPE_NAME = 1,
	TYPE_UNIT = 2,
	SAMPLE_LOCATIONS = 1,
	SAMPLE_VALUES = 2,
	SAMPLE_LABEL = 3,
	LABEL_KEY = 1,
	LABEL_TEXT = 2,
	MAPPING_ID = 1,
	MAPPING_FILE = 5,
	MAPPING_HAS_FUNCTIONS = 7,
	LOCATION_ID = 1,
	LOCATION_MAPPING = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,
	LINE_FUNCTION = 1,
	LINE_NUMBER = 2,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3,
	FUNCTION_FILE = 4,
};

#define _cleanup_buffer_ _cleanup_(buffer_done)

struct profile {
	struct buffer out;
	uint64_t strings, locations;
	const char **modules; /* the mapping with id i is modules[i - 1] */
	size_t n_modules;
};

static void put_varint(struct buffer *b, uint64_t value)
{
	char byte;

	for (; value >= 0x80; value >>= 7) {
		byte = (char)(value | 0x80);
		buffer_add(b, &byte, 1);
	}
	byte = (char)value;
	buffer_add(b, &byte, 1);
}

static void put_number(struct buffer *b, unsigned int field, uint64_t value)
{
	put_varint(b, field << 3 | WIRE_VARINT);
	put_varint(b, value);
}

static void put_bytes(struct buffer *b, unsigned int field, const void *bytes, size_t n)
{
	put_varint(b, field << 3 | WIRE_BYTES);
	put_varint(b, n);
	buffer_add(b, bytes, n);
}

static void put_message(struct buffer *b, unsigned int field, const struct buffer *message)
{
	b->failed |= message->failed;
	put_bytes(b, field, message->data, message->len);
}

/* Returns the index of the string, which is what other messages hold. */
static uint64_t add_string(struct profile *p, const char *text)
{
	put_bytes(&p->out, PROFILE_STRING, text, strlen(text));
	return p->strings++;
}

static void add_sample_type(struct profile *p, const char *name, const char *unit)
{
	_cleanup_buffer_ struct buffer type = { 0 };

	put_number(&type, TYPE_NAME, add_string(p, name));
	put_number(&type, TYPE_UNIT, add_string(p, unit));
	put_message(&p->out, PROFILE_SAMPLE_TYPE, &type);
}

/* The id of a module's mapping, made when it is first met; 0 for none. */
static uint64_t find_mapping(struct profile *p, const char *module)
{
	_cleanup_buffer_ struct buffer mapping = { 0 };
	const char **modules;

	if (!*module)
		return 0;
	for (size_t i = 0; i < p->n_modules; i++)
		if (strcmp(p->modules[i], module) == 0)
			return i + 1;
	modules = reallocarray(p->modules, p->n_modules + 1, sizeof(*modules));
	if (!modules) {
		p->out.failed = true;
		return 0;
	}
	p->modules = modules;
	p->modules[p->n_modules++] = module;
	put_number(&mapping, MAPPING_ID, p->n_modules);
	put_number(&mapping, MAPPING_FILE, add_string(p, module));
	put_number(&mapping, MAPPING_HAS_FUNCTIONS, 1);
	put_message(&p->out, PROFILE_MAPPING, &mapping);
	return p->n_modules;
}

static void add_function(struct profile *p, uint64_t id, const struct site_frame *f)
{
	_cleanup_buffer_ struct buffer function = { 0 };
	char address[32];
	uint64_t name;

	snprintf(address, sizeof(address), "0x%llx", (unsigned long long)f->pc);
	name = add_string(p, *f->function ? f->function : address);
	put_number(&function, FUNCTION_ID, id);
	put_number(&function, FUNCTION_NAME, name);
	put_number(&function, FUNCTION_SYSTEM_NAME, name);
	put_number(&function, FUNCTION_FILE, add_string(p, f->file));
	put_message(&p->out, PROFILE_FUNCTION, &function);
}

/* A location and its function share an id: readers of the format merge by name. */
static uint64_t add_location(struct profile *p, const struct site_frame *f)
{
	_cleanup_buffer_ struct buffer location = { 0 }, line = { 0 };
	uint64_t id = ++p->locations;

	add_function(p, id, f);
	put_number(&line, LINE_FUNCTION, id);
	put_number(&line, LINE_NUMBER, (uint64_t)f->line);
	put_number(&location, LOCATION_ID, id);
	put_number(&location, LOCATION_MAPPING, find_mapping(p, f->module));
	put_number(&location, LOCATION_ADDRESS, f->pc);
	put_message(&location, LOCATION_LINE, &line);
	put_message(&p->out, PROFILE_LOCATION, &location);
	return id;
}

static void add_label(struct profile *p, struct buffer *sample, const char *key, const char *text)
{
	_cleanup_buffer_ struct buffer label = { 0 };

	put_number(&label, LABEL_KEY, add_string(p, key));
	put_number(&label, LABEL_TEXT, add_string(p, text));
	put_message(sample, SAMPLE_LABEL, &label);
}

static void add_sample(struct profile *p, const struct finding *f)
{
	_cleanup_buffer_ struct buffer sample = { 0 }, locations = { 0 }, values = { 0 };
	struct site_frame nowhere = { .function = (char *)(f->reason ? f->reason : "unknown"),
				      .file = (char *)"",
				      .module = (char *)"" };

	for (size_t i = 0; i < f->n_frames; i++)
		put_varint(&locations, add_location(p, &f->frames[i]));
	if (f->n_frames == 0)
		put_varint(&locations, add_location(p, &nowhere));
	put_varint(&values, f->live);
	put_varint(&values, f->created);
	put_varint(&values, f->live_bytes);
	put_message(&sample, SAMPLE_LOCATIONS, &locations);
	put_message(&sample, SAMPLE_VALUES, &values);
	add_label(p, &sample, "resource", f->resource);
	if (f->kind)
		add_label(p, &sample, "kind", f->kind);
	put_message(&p->out, PROFILE_SAMPLE, &sample);
}

/* One gzip member of everything. */
static int write_compressed(FILE *to, const struct buffer *b)
{
	z_stream z = { .next_in = (uint8_t *)b->data, .avail_in = (uInt)b->len };
	_cleanup_free_ uint8_t *out = NULL;
	uLong bound;
	int r;

	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	bound = deflateBound(&z, b->len);
	out = malloc(bound);
	z.next_out = out;
	z.avail_out = (uInt)bound;
	r = out ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	bound = z.total_out;
	deflateEnd(&z);
	if (r != Z_STREAM_END)
		return -ENOMEM;
	return fwrite(out, 1, bound, to) == bound ? 0 : -EIO;
}

int pprof_write(FILE *to, const struct findings *findings, const struct explain_summary *summary)
{
	_cleanup_buffer_ struct buffer owner = { 0 };
	struct profile p = { 0 };
	int r;

	add_string(&p, ""); /* index 0 has to be empty */
	add_sample_type(&p, "live", "count");
	add_sample_type(&p, "created", "count");
	add_sample_type(&p, "live_bytes", "bytes");
	for (size_t i = 0; i < findings->n; i++)
		add_sample(&p, &findings->rows[i]);
	put_number(&p.out, PROFILE_TIME, (uint64_t)time(NULL) * 1000000000ULL);
	put_number(&p.out, PROFILE_DURATION, (uint64_t)(summary->seconds * 1e9));
	owner = p.out;
	r = owner.failed ? -ENOMEM : write_compressed(to, &owner);
	free(p.modules);
	return r;
}
