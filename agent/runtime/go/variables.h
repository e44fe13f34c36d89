/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the runtime's variables are in a program without symbols: functions of the runtime that
 * every program links refer to them, relative to their own code.
 */
#pragma once

#include "agent/runtime/go/moduledata.h"

/* Addresses, 0 for what was not found. */
struct go_variables {
	uint64_t allgs; /* slice of every goroutine that ever was */
	uint64_t allp;	/* slice of processors */
	uint64_t memstats;
	uint64_t controller;   /* gcController */
	uint64_t buckets;      /* mbuckets: head of the heap profile's list */
	uint64_t profile_rate; /* MemProfileRate */
	uint64_t wait_reasons; /* array of strings */
	uint64_t heap;	       /* mheap_ */
	uint64_t main;	       /* entry of runtime.main */
};

/* buckhash_sys: offset of that field in memstats, whose address is found by it; 0 when unknown. */
int go_variables_find(struct go_module *m, uint32_t buckhash_sys, struct go_variables *ret);
