/* SPDX-License-Identifier: GPL-2.0-only */
/* A Go program that does not exist. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/go_memory_fake.h"

#define FAKE_CPU_NS 2000000000ull
#define FAKE_BYTES  (1ull << 30)

struct fake {
	struct go_process process;
	struct go_report *report;
	uint64_t n; /* objects of the test's own kind so far */
};

static inline struct fake *fake_new(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->report = calloc(1, sizeof(*f->report));
	fake_memory_new(&f->process);
	f->process.module.table.memory = &f->process.memory;
	assert_non_null(f->report);
	return f;
}

static inline int fake_free(void **state)
{
	struct fake *f = *state;

	go_memory_free(&f->process.memory);
	free(f->process.channels);
	free(f->process.makers);
	free(f->report);
	free(f);
	return 0;
}

static inline void put(const struct fake *f, uint64_t address, const void *bytes, size_t size)
{
	fake_memory_put(&f->process, address, bytes, size);
}

static inline void put_word(const struct fake *f, uint64_t address, uint64_t value)
{
	put(f, address, &value, sizeof(value));
}

static inline void put_slice(const struct fake *f, uint64_t at, uint64_t address, uint64_t n,
			     uint64_t cap)
{
	const uint64_t slice[] = { address, n, cap };

	put(f, at, slice, sizeof(slice));
}

#define FAKE_CONTROLLER 0x30000ull
#define FAKE_STATS	0x31000ull

/* Its layout is that of the newest version. */
static inline void put_collector(struct fake *f, uint32_t cycles, uint64_t marked)
{
	struct go_layout *l = &f->process.layout;

	go_layout_of(27, l);
	f->process.variables.controller = FAKE_CONTROLLER;
	f->process.variables.memstats = FAKE_STATS;
	put_word(f, FAKE_CONTROLLER + 504, 0);	     /* to the end of what is read */
	put_word(f, FAKE_CONTROLLER + 8, INT64_MAX); /* no limit */
	put_word(f, FAKE_CONTROLLER + l->gc_marked, marked);
	put_word(f, FAKE_CONTROLLER + l->gc_mapped_ready, 8 * marked);
	put_word(f, FAKE_STATS + l->stats_cycles + 16, 0);
	put_word(f, FAKE_STATS + l->stats_cycles, cycles);
}

static inline enum go_status fake_scan(struct fake *f, const struct go_request *request,
				       enum go_status (*feature)(struct go_builder *))
{
	static struct go_builder builder;

	memset(f->report, 0, sizeof(*f->report));
	f->report->n_strings = 1;
	f->report->sampled = 1;
	builder = (struct go_builder){ .process = &f->process,
				       .request = request,
				       .report = f->report };
	go_memory_begin(&f->process.memory, &fake_source, FAKE_CPU_NS, FAKE_BYTES);
	return feature(&builder);
}
