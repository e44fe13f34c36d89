/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the root process, the reader child and the opener child say to each other, over
 * base/message.h. Answers come from a process that a stranger may have taken over: the parent
 * checks each length, and escapes each string itself.
 *
 *   parent -> reader   wire_request and its payload
 *   reader -> parent   WIRE_ASK and a wire_ask, any number of times; the parent passes it on
 *   parent -> opener   wire_ask with a descriptor on /proc/PID
 *   opener -> parent   wire_reply with the opened descriptor
 *   parent -> reader   wire_reply with that descriptor
 *   reader -> parent   WIRE_ANSWER and its payload
 */
#pragma once

#include <stdint.h>

#include "agent/base/message.h"
#include "agent/sites/reader.h"

#define READER_NAME "seep-reader"
#define OPENER_NAME "seep-opener"

#define WIRE_BUILD_ID_MAX 64
#define WIRE_NAME_MAX	  1024 /* bytes kept of a function's, file's or module's name */
#define WIRE_ASKS_MAX	  4096 /* of one request; a process has so many executable mappings */

enum wire_request_type {
	WIRE_UNWIND,	/* a stack_copy, cut after its valid bytes -> wire_unwound, n addresses */
	WIRE_SYMBOLIZE, /* n addresses -> n frames, each a wire_frame and its strings */
	WIRE_NAME,	/* the same, by symbols alone: for whose DWARF an answer was lost */
	WIRE_FIND,	/* module and function, both terminated -> wire_place */
	WIRE_RULES,	/* n addresses -> n times frame_rule */
	WIRE_SECTION,	/* name of a section, terminated -> n is whether the executable has it */
	WIRE_FORGET,	/* no answer */
	WIRE_TITLE,	/* n bytes wanted -> the beginning of the command line, at most so many */
	WIRE_ORDER,	/* -> n load addresses (load_order.h) */
	WIRE_GO,	/* what service_go takes -> what it gives (service.h) */
};

enum wire_reply_type { WIRE_READY, WIRE_ANSWER, WIRE_ASK };

struct wire_request {
	uint32_t type;
	uint32_t n;	  /* addresses wanted or given */
	uint64_t process; /* names the process for the life of the reader; never used twice */
};

struct wire_reply {
	uint32_t type;
	int32_t status; /* 0 or -errno */
	uint32_t n;
	uint32_t pad;
};

enum wire_ask_kind {
	WIRE_MAPS,	 /* /proc/PID/maps */
	WIRE_MAPS_COPY,	 /* a copy of it in memory: reading takes the target's lock too */
	WIRE_EXE,	 /* /proc/PID/exe */
	WIRE_MAP_FILE,	 /* /proc/PID/map_files/START-END */
	WIRE_DEBUG_FILE, /* the debug file of that build-id below the agent's own /usr/lib/debug */
	WIRE_MEM,	 /* /proc/PID/mem, for reading */
	WIRE_PAGEMAP,	 /* /proc/PID/pagemap */
	WIRE_AUXV,	 /* /proc/PID/auxv */
	WIRE_ENVIRON,	 /* /proc/PID/environ */
	WIRE_CMDLINE,	 /* /proc/PID/cmdline */
};

struct wire_ask {
	uint32_t kind;
	uint32_t build_id_size;
	uint64_t start, end;
	uint8_t build_id[WIRE_BUILD_ID_MAX];
};

struct wire_unwound {
	uint32_t guessed; /* addresses that no table gave, but a frame pointer or the stack's top */
	uint32_t complete; /* the outermost function was reached */
};

struct wire_frame {
	uint64_t pc;
	uint64_t offset;
	uint32_t line;
	uint16_t function_size, file_size, module_size; /* bytes that follow, in this order */
	uint16_t pad[3];
};

struct wire_place {
	uint64_t offset;     /* of the function in the file */
	uint64_t start, end; /* a mapping of that file; both 0 for the executable */
	int32_t pass;	     /* probe_point.h: bytes to pass over, or -ENODATA */
	uint32_t pad;
};

_Static_assert(sizeof(struct wire_frame) == 32 && sizeof(struct wire_ask) == 24 + 64, "wire");
