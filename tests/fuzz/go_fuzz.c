// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Go program that nobody compiled, read as the reader child and then the root process do it. The
 * first byte says how far it is believed:
 *
 *   0  from its executable on: file and memory are the forged program, patched by the input
 *   1  its tables and variables may be anywhere besides: where the plan below says
 *   2  an answer of a child that was taken over: the root process believes nothing
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/explain/go/sites.h"
#include "agent/runtime/go/buffers.h"
#include "agent/runtime/go/go.h"
#include "agent/runtime/go/objects.h"
#include "agent/runtime/go/process.h"
#include "agent/runtime/go/profile.h"
#include "agent/runtime/go/stores.h"
#include "agent/sites/service.h"
#include "tests/fuzz/go_forged.h"

#define CPU_NS	  200000000ull
#define BYTES_MAX (16ull << 20)
#define PROCESS	  1

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

/* Offsets in the image. */
struct plan {
	uint8_t minor, flags;
	uint16_t tables[7], functions;
	uint16_t text, gofunc;
	uint16_t variables[9];
};

enum { PATCH_BYTE, PATCH_POINTER, PATCH_SMALL, PATCH_HUGE, PATCH_HOWS };

struct patch {
	uint16_t at, value;
	uint8_t how;
} __attribute__((packed));

static uint8_t answer[sizeof(struct go_report)] __attribute__((aligned(8)));

static int make_file(const void *data, size_t size, uint64_t offset, int *ret_fd)
{
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, data, size, (off_t)offset) != (ssize_t)size)
		return -EIO;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Of memory that is all there. */
static int make_pagemap(size_t size, int *ret_fd)
{
	_cleanup_close_ int fd = memfd_create("pagemap", MFD_CLOEXEC);
	uint64_t present = 1ull << 63;

	for (uint64_t page = 0; page * GO_PAGE < size; page++)
		if (pwrite(fd, &present, 8, (off_t)(FORGED_BASE / GO_PAGE + page) * 8) != 8)
			return -EIO;
	if (ftruncate(fd, (1ll << 47) / GO_PAGE * 8) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int open_input(void *context, const struct wire_ask *ask, int *ret_fd)
{
	const struct input *in = context;
	Elf64_auxv_t auxv = { .a_type = AT_ENTRY };

	if (ask->kind == WIRE_PAGEMAP)
		return make_pagemap(in->size, ret_fd);
	if (ask->kind != WIRE_AUXV)
		return make_file(in->data, in->size, ask->kind == WIRE_MEM ? FORGED_BASE : 0,
				 ret_fd);
	if (in->size >= sizeof(Elf64_Ehdr))
		memcpy(&auxv.a_un.a_val, in->data + offsetof(Elf64_Ehdr, e_entry), 8);
	return make_file(&auxv, sizeof(auxv), 0, ret_fd);
}

static void apply(uint8_t *bytes, size_t at, size_t size, const struct patch *patch)
{
	static const size_t sizes[] = { 1, 8, 8, 8 };
	const uint64_t values[] = { patch->value, FORGED_BASE + patch->value, patch->value,
				    ~(uint64_t)patch->value << patch->value % 64 };
	size_t how = patch->how % PATCH_HOWS;

	if (at + sizes[how] <= size)
		memcpy(bytes + at, &values[how], sizes[how]);
}

/* The forged program with the patches that the input is made of. */
static struct input make_image(uint32_t minor, const struct input *patches)
{
	static uint8_t image[FORGED_BYTES];
	struct patch patch;

	forge(image, minor);
	for (size_t at = 0; at + sizeof(patch) <= patches->size; at += sizeof(patch)) {
		memcpy(&patch, patches->data + at, sizeof(patch));
		apply(image, patch.at, FORGED_BYTES, &patch);
	}
	return (struct input){ image, FORGED_BYTES };
}

static void check_report(size_t size)
{
	if (go_report_check((const struct go_report *)answer, size) < 0)
		abort(); /* it was ours */
}

static int ask(const struct source *source, const void *request, size_t size, size_t *ret_size)
{
	*ret_size = sizeof(answer);
	return service_go.answer(source, PROCESS, request, size, answer, ret_size);
}

static const struct go_request report_request = {
	.wanted = ~0u, .groups = GO_GROUPS, .stacks = 64, .n_slices = 1, .slices = { 3 }
};

static const struct go_profile_request profile_request = { .ask = GO_ASK_PROFILE };
static const struct go_stores_request stores_request = {
	.ask = GO_ASK_STORES, .n = 3, .addresses = { FORGED_BASE, FORGED_BASE + 64, 0xc000000000ull }
};
static const struct go_buffers_request buffers_request = { .ask = GO_ASK_BUFFERS };

static void check_profile(size_t size)
{
	if (go_profile_check((const struct go_profile *)answer, size) < 0)
		abort();
}

static void check_buffers(size_t size)
{
	if (go_buffers_check((const struct go_buffers *)answer, size) < 0)
		abort();
}

static void check_stores(size_t size)
{
	if (go_stores_check((const struct go_stores *)answer, size, stores_request.n) < 0)
		abort();
}

static void fill_fates(struct go_fates_request *q, enum go_oracle oracle)
{
	*q = (struct go_fates_request){ .ask = GO_ASK_FATES, .oracle = oracle };
	while (q->n < 16) {
		uint64_t address = FORGED_BASE + q->n * FORGED_BYTES / 16;

		q->objects[q->n++] = (struct go_object){ .address = address, .size = 16 };
	}
}

static void from_the_file(const struct input *in)
{
	struct input image = make_image(FORGED_VERSION, in);
	struct source source = { open_input, &image };
	static struct go_fates_request fates;
	struct go_names_request names = { .ask = GO_ASK_NAMES, .n = SITE_FRAMES };
	size_t size;

	if (ask(&source, &report_request, sizeof(report_request), &size) == 0)
		check_report(size);
	for (enum go_births b = 0; b <= GO_BIRTHS_MAX; b++)
		ask(&source, &(struct go_points_request){ .ask = GO_ASK_POINTS, .births = b },
		    sizeof(struct go_points_request), &size);
	for (enum go_oracle o = 0; o <= GO_ORACLE_MAX; o++) {
		fill_fates(&fates, o);
		ask(&source, &fates, offsetof(struct go_fates_request, objects[fates.n]), &size);
	}
	for (size_t i = 0; i < SITE_FRAMES; i++)
		names.pcs[i] = FORGED_BASE + i * FORGED_BYTES / SITE_FRAMES;
	ask(&source, &names, sizeof(names), &size);
	ask(&source, &(struct go_callers_request){ .ask = GO_ASK_CALLERS },
	    sizeof(struct go_callers_request), &size);
	if (ask(&source, &profile_request, sizeof(profile_request), &size) == 0)
		check_profile(size);
	if (ask(&source, &buffers_request, sizeof(buffers_request), &size) == 0)
		check_buffers(size);
	service_go.forget(PROCESS);
}

static struct go_bytes part(uint16_t at)
{
	return (struct go_bytes){ FORGED_BASE + at, FORGED_BYTES - at };
}

static void believe_all(struct go_process *p)
{
	p->module.table = (struct go_table){
		.text = FORGED_BASE + F_TEXT,
		.end = FORGED_BASE + FORGED_BYTES,
		.gofunc = FORGED_BASE + F_VALUES,
		.n_functions = ARRAY_SIZE(forged_functions) - 1,
		.names = part(F_NAMES),
		.units = part(F_UNITS),
		.files = part(F_FILES),
		.values = part(F_VALUES),
		.functions = part(F_FUNCTIONS),
		.index = part(F_INDEX),
	};
	p->module.data[0] = part(F_ALLGS);
	p->variables = (struct go_variables){
		.allgs = FORGED_BASE + F_ALLGS,
		.allp = FORGED_BASE + F_ALLP,
		.memstats = FORGED_BASE + F_MEMSTATS,
		.controller = FORGED_BASE + F_CONTROLLER,
		.buckets = FORGED_BASE + F_BUCKETS,
		.profile_rate = FORGED_BASE + F_PROFILE_RATE,
		.wait_reasons = FORGED_BASE + F_WAIT_REASONS,
		.heap = FORGED_BASE + F_HEAP,
		.main = FORGED_BASE + F_TEXT,
	};
}

/* What the plan has a place for is there and not where it was forged. */
static void follow(const struct plan *plan, struct go_process *p)
{
	struct go_table *t = &p->module.table;
	struct go_bytes *tables[] = { &t->names,     &t->units, &t->files,	   &t->values,
				      &t->functions, &t->index, &p->module.data[0] };
	uint64_t *variables[] = { &p->variables.allgs,	      &p->variables.allp,
				  &p->variables.memstats,     &p->variables.controller,
				  &p->variables.buckets,      &p->variables.profile_rate,
				  &p->variables.wait_reasons, &p->variables.heap,
				  &p->variables.main };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (plan->tables[i])
			*tables[i] = part(plan->tables[i]);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (plan->variables[i])
			*variables[i] = part(plan->variables[i]).address;
	if (plan->text)
		t->text = part(plan->text).address;
	if (plan->gofunc)
		t->gofunc = part(plan->gofunc).address;
	if (plan->functions)
		t->n_functions = plan->functions;
	t->old_inlining = plan->flags & 1;
	t->memory = &p->memory;
	go_layout_of(plan->minor, &p->layout);
	p->goroutines = plan->flags & 2;
	p->timers_known = plan->flags & 4;
	p->async_timers = plan->flags & 8;
}

static enum go_status (*const scans[])(struct go_builder *) = { go_goroutines_scan, go_timers_scan,
								go_collector_scan, go_channels_scan,
								go_pools_scan };

static void scan(struct go_process *p)
{
	static struct go_builder builder;
	static struct go_fates_request fates;
	struct go_report *r = (struct go_report *)answer;
	size_t size;

	for (size_t i = 0; i < ARRAY_SIZE(scans); i++) {
		memset(r, 0, sizeof(*r));
		r->n_strings = 1;
		r->sampled = 1;
		builder = (struct go_builder){ .process = p,
					       .request = &report_request,
					       .report = r };
		go_memory_begin(&p->memory, NULL, CPU_NS, BYTES_MAX);
		scans[i](&builder);
		check_report(offsetof(struct go_report, strings) + r->n_strings);
	}
	for (enum go_births b = 0; b < GO_BIRTHS_MAX; b++) {
		size = sizeof(answer);
		go_memory_begin(&p->memory, NULL, CPU_NS, BYTES_MAX);
		go_points_answer(p,
				 &(struct go_points_request){ .ask = GO_ASK_POINTS, .births = b },
				 sizeof(struct go_points_request), answer, &size);
	}
	for (enum go_oracle o = 0; o < GO_ORACLE_MAX; o++) {
		size = sizeof(answer);
		fill_fates(&fates, o);
		go_memory_begin(&p->memory, NULL, CPU_NS, BYTES_MAX);
		go_fates_answer(p, &fates, offsetof(struct go_fates_request, objects[fates.n]),
				answer, &size);
	}
	size = sizeof(answer);
	go_memory_begin(&p->memory, NULL, CPU_NS, BYTES_MAX);
	if (go_profile_answer(p, &profile_request, sizeof(profile_request), answer, &size) == 0)
		check_profile(size);
	size = sizeof(answer);
	go_memory_begin(&p->memory, NULL, CPU_NS, BYTES_MAX);
	if (go_buffers_answer(p, &buffers_request, sizeof(buffers_request), answer, &size) == 0)
		check_buffers(size);
	size = sizeof(answer);
	go_memory_begin(&p->memory, NULL, CPU_NS, BYTES_MAX);
	if (go_stores_answer(p, &stores_request, offsetof(struct go_stores_request, addresses[3]), answer, &size) == 0)
		check_stores(size);
}

static void by_plan(const struct input *in)
{
	struct go_process p = { .memory.fd = -1, .memory.pages = { .fd = -1, .image = &p.image } };
	struct go_variables found;
	struct plan plan = { 0 };
	struct input memory, patches;

	if (in->size < sizeof(plan))
		return;
	memcpy(&plan, in->data, sizeof(plan));
	patches = (struct input){ in->data + sizeof(plan), in->size - sizeof(plan) };
	memory = make_image(plan.minor, &patches);
	believe_all(&p);
	follow(&plan, &p);
	if (make_file(memory.data, memory.size, FORGED_BASE, &p.memory.fd) == 0 &&
	    make_pagemap(memory.size, &p.memory.pages.fd) == 0) {
		go_memory_begin(&p.memory, NULL, CPU_NS, BYTES_MAX);
		go_variables_find(&p.module, 0, &found);
		go_layout_goroutines(&p.layout, &p.module, &p.variables);
		scan(&p);
	}
	go_memory_free(&p.memory);
}

/* What the root process does with a report. */
static void believe(const struct go_report *r)
{
	static struct site_frame frames[SITE_FRAMES];
	struct go_sites sites = { 0 };
	char version[4 * GO_VERSION];
	size_t n = 0;

	go_version(r, version, sizeof(version));
	for (int pull = 0; pull < 3; pull++) {
		go_sites_add(&sites, r, pull);
		go_sites_add_timers(&sites, r, pull);
	}
	go_sites_settle(&sites);
	for (size_t i = 0; i < sites.n; i++) {
		struct go_judgement j;

		go_sites_judge(&sites, &sites.rows[i], &j);
	}
	for (uint32_t i = 0; i < r->n_groups; i++) {
		go_frames_add(r, r->groups[i].made, "/fuzz", frames, &n);
		go_string(r, r->groups[i].reason);
		for (uint16_t k = 0; k < r->groups[i].n_stack; k++)
			go_frames_add(r, r->stacks[r->groups[i].stack + k], "/fuzz", frames, &n);
		while (n > 0) {
			n--;
			free(frames[n].function);
			free(frames[n].file);
			free(frames[n].module);
		}
	}
	go_sites_clear(&sites);
}

/* The answer about the forged program, and what the input makes of it. */
static void an_answer(const struct input *in)
{
	static uint8_t honest[sizeof(answer)];
	static size_t size;
	struct input image = make_image(FORGED_VERSION, &(struct input){ 0 });
	struct source source = { open_input, &image };
	struct patch patch;

	if (size == 0) {
		if (ask(&source, &report_request, sizeof(report_request), &size) < 0)
			abort();
		memcpy(honest, answer, size);
		service_go.forget(PROCESS);
	}
	memset(answer, 0, sizeof(answer));
	memcpy(answer, honest, size);
	for (size_t at = 0; at + sizeof(patch) <= in->size; at += sizeof(patch)) {
		memcpy(&patch, in->data + at, sizeof(patch));
		apply(answer, 2ul * patch.at, sizeof(answer), &patch);
	}
	if (go_report_check((const struct go_report *)answer, size) == 0)
		believe((const struct go_report *)answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data + 1, size - 1 };

	if (size < 1)
		return 0;
	switch (data[0] % 3) {
	case 0:
		from_the_file(&in);
		break;
	case 1:
		by_plan(&in);
		break;
	default:
		an_answer(&in);
	}
	return 0;
}
