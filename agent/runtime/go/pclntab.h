/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The function table of a Go program (pclntab), read from its memory, where it is relocated: from a
 * code address to functions and lines, inlined calls among them. Go 1.18 and later. The layout is
 * that of Go's src/runtime/symtab.go and src/cmd/link/internal/ld/pcln.go.
 */
#pragma once

#include "agent/runtime/go/image.h"
#include "agent/runtime/go/memory.h"

#define GO_NAME_MAX   512
#define GO_INLINE_MAX 16

struct go_bytes {
	uint64_t address, size;
};

/* Filled from the module data, which knows where everything is (moduledata.c). */
struct go_table {
	struct go_memory *memory;
	bool old_inlining;  /* Go 1.18 and 1.19 */
	uint64_t text, end; /* of the code */
	uint64_t gofunc;    /* base of function data; 0 when not known: inlined calls stay hidden */
	uint64_t n_functions;
	struct go_bytes names, units, files, values, functions, index;
};

/* Magic numbers of the header, its first word. */
#define GO_TABLE_118	   0xfffffff0u
#define GO_TABLE_120	   0xfffffff1u
#define GO_TABLE_HEADER	   72
#define GO_TABLE_ALIGNMENT 8

struct go_function {
	uint64_t entry, end;
	uint64_t at; /* of its description */
	uint32_t name_offset, depth_values, file_values, line_values, n_values, unit;
	uint32_t n_data;
	bool start_line; /* the description is one word longer */
};

/* A place in the source, with its strings. */
struct go_source_place {
	char function[GO_NAME_MAX], file[GO_NAME_MAX];
	uint32_t line;
};

/* 0, -ENOENT when the address is in no function, or as go_memory_fixed. */
int go_table_find(struct go_table *t, uint64_t pc, struct go_function *ret);
/* The i-th by address. */
int go_table_function(struct go_table *t, uint64_t i, struct go_function *ret);
int go_table_name(struct go_table *t, const struct go_function *f, char *dst, size_t size);

/*
 * Every function with its name, which may be cut, by address, until take fails. A row that lies is
 * passed over, and what take says with -EPROTO is taken for one. What take failed with, or as
 * go_memory_fixed.
 */
int go_table_each(struct go_table *t,
		  int (*take)(void *context, const struct go_function *f, const char *name),
		  void *context);

/*
 * A table of values of a function (file_values, line_values; depth_values: how far the stack
 * pointer is below where it was at the entry): call take for each run of code that has one value,
 * until it fails. What take failed with, or -EPROTO, or as go_memory_fixed.
 */
typedef int (*go_take_value)(void *context, uint64_t start, uint64_t end, int32_t value);
int go_table_values(struct go_table *t, const struct go_function *f, uint32_t table,
		    go_take_value take, void *context);

/*
 * The places of a code address, innermost first; call: the address is one that a call returns to.
 * Returns how many, at most max, or negative errno.
 */
int go_table_places(struct go_table *t, uint64_t pc, bool call, struct go_source_place *ret,
		    size_t max);
