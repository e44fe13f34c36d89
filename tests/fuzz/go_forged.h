/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The least Go program that the reader believes: file and memory are one image at FORGED_BASE. The
 * fuzzer adds its input to it bit by bit, so that what is all zero is a program and everything else
 * lies somewhere.
 */
#pragma once

#include <assert.h>
#include <elf.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/layout.h"
#include "agent/runtime/go/pclntab.h"

#define FORGED_BASE    0x400000ull
#define FORGED_BYTES   0x10000u
#define FORGED_VERSION 22

/* Offsets of its parts in the image. */
enum {
	F_BUILDINFO = 0x100,
	F_TABLE = 0x200,
	F_NAMES = F_TABLE + GO_TABLE_HEADER,
	F_MODULE = 0x400,
	F_ALLGS = 0x800,
	F_ALLP = 0x820,
	F_BUCKETS = 0x840,
	F_PROFILE_RATE = 0x848,
	F_WAIT_REASONS = 0x880,
	F_CONTROLLER = 0xc80,
	F_MEMSTATS = 0xe80,
	F_HEAP = 0x2d00,
	F_BUCKET_LIST = 0x2e00,
	F_LIST = 0x3000,
	F_PROCESSORS = 0x3100,
	F_TIMER_LIST = 0x3200,
	F_FUNCTION_VALUES = 0x3300,
	F_GS = 0x3400,
	F_TIMERS = 0x5200,
	F_INDEX = 0x5600,
	F_FUNCTIONS = 0x5700,
	F_VALUES = 0x5f00,
	F_UNITS = 0x6000,
	F_FILES = 0x6100,
	F_P = 0x6200,
	F_STACKS = 0xa000,
	F_TEXT = 0xc000,
};

#define F_G_STRIDE     480
#define F_TIMER_STRIDE 128
#define F_RECORD       64
#define F_CODE	       256 /* of a function */
#define F_GOROUTINES   16
#define F_TIMERS_N     8
#define F_BUCKETS_N    3
#define F_BUCKET_BYTES 96

#define F_LOAD 0x8b
#define F_TAKE 0x8d

/* Its functions, and what variables their code refers to, and how. */
static const struct {
	const char *name;
	uint8_t opcode;
	uint32_t target, words;
} forged_functions[] = {
	{ "runtime.main", 0, 0, 0 },
	{ "main.worker", 0, 0, 0 },
	{ "time.sendTime", 0, 0, 0 },
	{ "runtime.allgadd", F_LOAD, F_ALLGS, 3 },
	{ "runtime.preemptall", F_LOAD, F_ALLP, 2 },
	{ "runtime.newBucket", F_TAKE, F_MEMSTATS + 3568, 1 },
	{ "runtime.mProf_FlushLocked", F_LOAD, F_BUCKETS, 1 },
	{ "runtime.profilealloc", F_LOAD, F_PROFILE_RATE, 1 },
	{ "runtime.allocmcache", F_LOAD, F_PROFILE_RATE, 1 },
	{ "runtime.waitReason.String", F_TAKE, F_WAIT_REASONS, 1 },
	{ "runtime.getempty.func1", F_TAKE, F_HEAP, 1 },
	{ "runtime.gcMarkDone", F_TAKE, F_CONTROLLER, 1 },
	{ "runtime.gcBgMarkWorker", F_TAKE, F_CONTROLLER, 1 },
	{ "runtime.gcStart", F_TAKE, F_CONTROLLER, 1 },
	{ "runtime.gcMark", F_TAKE, F_CONTROLLER, 1 },
	{ "runtime.mallocgc", 0, 0, 0 },
	{ "time.startTimer", 0, 0, 0 },
	{ "runtime.mapassign", 0, 0, 0 },
	{ "runtime/debug.SetMemoryLimit", 0, 0, 0 },
	{ NULL, 0, 0, 0 },
};

static inline void forge_word(uint8_t *image, size_t at, uint64_t value)
{
	memcpy(image + at, &value, sizeof(value));
}

static inline void forge_half(uint8_t *image, size_t at, uint32_t value)
{
	memcpy(image + at, &value, sizeof(value));
}

static inline void forge_slice(uint8_t *image, size_t at, uint64_t offset, uint64_t n)
{
	forge_word(image, at, FORGED_BASE + offset);
	forge_word(image, at + 8, n);
	forge_word(image, at + 16, n);
}

static inline void forge_file(uint8_t *image)
{
	Elf64_Ehdr header = { .e_ident = ELFMAG,
			      .e_machine = EM_X86_64,
			      .e_entry = FORGED_BASE + F_TEXT,
			      .e_phoff = sizeof(header),
			      .e_phentsize = sizeof(Elf64_Phdr),
			      .e_phnum = 2 };
	Elf64_Phdr parts[] = {
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = FORGED_BASE },
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = FORGED_BASE + F_TEXT },
	};
	static const char info[] = "\xff Go buildinf:\x08\x02";
	static const char version[] = "\x08go1.22.1";

	header.e_ident[EI_CLASS] = ELFCLASS64;
	parts[0].p_filesz = parts[0].p_memsz = F_TEXT;
	parts[1].p_offset = F_TEXT;
	parts[1].p_filesz = parts[1].p_memsz = FORGED_BYTES - F_TEXT;
	memcpy(image, &header, sizeof(header));
	memcpy(image + sizeof(header), parts, sizeof(parts));
	memcpy(image + F_BUILDINFO, info, sizeof(info) - 1);
	memcpy(image + F_BUILDINFO + 32, version, sizeof(version) - 1);
}

/* Instructions of seven bytes that load, or take the address of, one word after the other. */
static inline void forge_code(uint8_t *image, size_t i)
{
	size_t at = F_TEXT + i * F_CODE;

	for (uint32_t w = 0; w < forged_functions[i].words; w++, at += 7) {
		image[at] = 0x48;
		image[at + 1] = forged_functions[i].opcode;
		image[at + 2] = 0x05;
		forge_half(image, at + 3,
			   (uint32_t)(forged_functions[i].target + 8 * w - (at + 7)));
	}
	image[at] = 0xc3;
}

/* Returns how many bytes their names take. */
static inline size_t forge_functions(uint8_t *image)
{
	static const uint8_t values[] = { 0, 2, 0x80, 2, 0 }; /* 0 for all of the 256 bytes */
	size_t name = 0;

	memcpy(image + F_VALUES, values, sizeof(values));
	memcpy(image + F_FILES, "main.go", 8);
	for (size_t i = 0; i < ARRAY_SIZE(forged_functions); i++) {
		size_t record = F_FUNCTIONS + i * F_RECORD;

		forge_half(image, F_INDEX + 8 * i, (uint32_t)(i * F_CODE));
		forge_half(image, F_INDEX + 8 * i + 4, (uint32_t)(i * F_RECORD));
		if (!forged_functions[i].name)
			break;
		forge_half(image, record, (uint32_t)(i * F_CODE));
		forge_half(image, record + 4, (uint32_t)name);
		for (size_t table = 16; table <= 24; table += 4)
			forge_half(image, record + table, 1);
		forge_half(image, record + 28, 3);
		image[record + 43] = 4;
		forge_code(image, i);
		strcpy((char *)image + F_NAMES + name, forged_functions[i].name);
		name += strlen(forged_functions[i].name) + 1;
	}
	assert(F_NAMES + name <= F_MODULE);
	return name;
}

static inline void forge_module(uint8_t *image, size_t names)
{
	const size_t n = ARRAY_SIZE(forged_functions);

	forge_half(image, F_TABLE, GO_TABLE_120);
	image[F_TABLE + 6] = 1;
	image[F_TABLE + 7] = 8;
	forge_word(image, F_MODULE, FORGED_BASE + F_TABLE);
	forge_slice(image, F_MODULE + 8, F_NAMES, names);
	forge_slice(image, F_MODULE + 32, F_UNITS, 16);
	forge_slice(image, F_MODULE + 56, F_FILES, 256);
	forge_slice(image, F_MODULE + 80, F_VALUES, 256);
	forge_slice(image, F_MODULE + 104, F_FUNCTIONS, F_VALUES - F_FUNCTIONS);
	forge_slice(image, F_MODULE + 128, F_INDEX, n);
	forge_word(image, F_MODULE + 176, FORGED_BASE + F_TEXT);
	forge_word(image, F_MODULE + 184, FORGED_BASE + F_TEXT + (n - 1) * F_CODE);
	forge_word(image, F_MODULE + 192, FORGED_BASE + F_ALLGS);
	forge_word(image, F_MODULE + 200, FORGED_BASE + F_LIST);
	forge_word(image, F_MODULE + 320, FORGED_BASE + F_VALUES);
}

static inline void forge_goroutine(uint8_t *image, const struct go_layout *l, size_t i)
{
	size_t at = F_GS + i * F_G_STRIDE, stack = F_STACKS + i * 256;

	forge_word(image, F_LIST + 8 * i, FORGED_BASE + at);
	forge_word(image, at, FORGED_BASE + stack);
	forge_word(image, at + 8, FORGED_BASE + stack + 256);
	forge_word(image, at + l->g_sp, FORGED_BASE + stack + 128);
	forge_word(image, at + l->g_bp, FORGED_BASE + stack + 160);
	forge_word(image, at + l->g_pc, FORGED_BASE + F_TEXT + F_CODE + 16);
	forge_half(image, at + l->g_status, 4);
	forge_word(image, at + l->g_goid, i + 1);
	image[at + l->g_wait_reason] = 14;
	forge_word(image, at + l->g_gopc, FORGED_BASE + F_TEXT + 32);
	forge_word(image, at + l->g_startpc, FORGED_BASE + F_TEXT + (i ? F_CODE : 0));
	forge_word(image, stack + 128, FORGED_BASE + F_TEXT + 48);
}

static inline void forge_timer(uint8_t *image, const struct go_layout *l, size_t i)
{
	size_t at = F_TIMERS + i * F_TIMER_STRIDE, words = l->timer_pairs ? 2 : 1;

	forge_word(image, F_TIMER_LIST + 8 * words * i, FORGED_BASE + at);
	forge_word(image, at + l->timer_when, 1ull << 50);
	forge_word(image, at + l->timer_callback, FORGED_BASE + F_FUNCTION_VALUES);
	forge_word(image, at + l->timer_argument, FORGED_BASE + F_FUNCTION_VALUES + 8);
	forge_half(image, at + l->timer_state, l->timer_pairs ? 0 : 1);
}

/* Each of one call, and of a size of its own. */
static inline void forge_bucket(uint8_t *image, size_t i)
{
	size_t at = F_BUCKET_LIST + i * F_BUCKET_BYTES;

	forge_word(image, at + 8, i ? FORGED_BASE + at - F_BUCKET_BYTES : 0);
	forge_word(image, at + 16, 1);
	forge_word(image, at + 32, 4096 << i);
	forge_word(image, at + 40, 1);
	forge_word(image, at + 48, FORGED_BASE + F_TEXT + F_CODE + 16);
	forge_word(image, at + 56, 8);
	forge_word(image, at + 64, 3);
	forge_word(image, F_BUCKETS, FORGED_BASE + at);
}

static inline void forge_runtime(uint8_t *image, const struct go_layout *l)
{
	forge_slice(image, F_ALLGS, F_LIST, F_GOROUTINES);
	for (size_t i = 0; i < F_GOROUTINES; i++)
		forge_goroutine(image, l, i);
	forge_slice(image, F_ALLP, F_PROCESSORS, 1);
	forge_word(image, F_PROCESSORS, FORGED_BASE + F_P);
	forge_slice(image, F_P + l->p_timers, F_TIMER_LIST, F_TIMERS_N);
	for (size_t i = 0; i < F_TIMERS_N; i++)
		forge_timer(image, l, i);
	forge_word(image, F_FUNCTION_VALUES, FORGED_BASE + F_TEXT + 2 * F_CODE);
	forge_word(image, F_FUNCTION_VALUES + 8, FORGED_BASE + F_TEXT + F_CODE);
	forge_word(image, F_CONTROLLER, 100);
	forge_word(image, F_CONTROLLER + 8, INT64_MAX);
	forge_word(image, F_CONTROLLER + l->gc_mapped_ready, 1 << 22);
	forge_slice(image, F_WAIT_REASONS + 14 * 16, F_FILES, 7);
	forge_word(image, F_PROFILE_RATE, 512 << 10);
	for (size_t i = 0; i < F_BUCKETS_N; i++)
		forge_bucket(image, i);
}

/* The image as this version's runtime would have it. */
static inline void forge(uint8_t *image, uint32_t minor)
{
	struct go_layout layout;

	memset(image, 0, FORGED_BYTES);
	go_layout_of(minor, &layout);
	forge_file(image);
	forge_module(image, forge_functions(image));
	forge_runtime(image, &layout);
}
