// SPDX-License-Identifier: GPL-2.0-only
/* Who calls a function, and with which constant. */
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/calls.h"
#include "agent/runtime/go/process.h"

#define LOAD_BYTES 10 /* of the longest instruction that loads a constant */
#define TARGETS	   4  /* a function may be in the table twice: its body, and what adapts to it */

/* What is called, and what the compiler makes of it where it cannot be inlined: no caller. */
static const struct {
	const char *function, *wrapper;
} callees[GO_CALLEE_MAX] = {
	[GO_CALLEE_MEMORY_LIMIT] = { "runtime/debug.setMemoryLimit",
				     "runtime/debug.SetMemoryLimit" },
};

struct targets {
	enum go_callee callee;
	struct go_function rows[TARGETS];
	size_t n;
	struct go_callers *callers;
};

/* The wrapper's callers are callers too, and it is none itself. */
static int take_target(void *context, const struct go_function *f, const char *name)
{
	struct targets *t = context;

	if (t->n < TARGETS && (strcmp(name, callees[t->callee].function) == 0 ||
			       strcmp(name, callees[t->callee].wrapper) == 0))
		t->rows[t->n++] = *f;
	return 0;
}

static bool is_target(const struct targets *t, uint64_t address)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].entry == address)
			return true;
	return false;
}

static bool is_inside(const struct targets *t, uint64_t address)
{
	for (size_t i = 0; i < t->n; i++)
		if (address >= t->rows[i].entry && address < t->rows[i].end)
			return true;
	return false;
}

/* A constant that the instruction right before the call puts into rax (Go's first argument). */
static void find_argument(const uint8_t *call, struct go_caller *ret)
{
	ret->known = 1;
	if (call[-10] == 0x48 && call[-9] == 0xb8)
		ret->argument = (int64_t)go_u64(call - 8);
	else if (call[-7] == 0x48 && call[-6] == 0xc7 && call[-5] == 0xc0)
		ret->argument = (int32_t)go_u32(call - 4);
	else if (call[-5] == 0xb8)
		ret->argument = go_u32(call - 4);
	else
		ret->known = 0;
}

static int take_call(void *context, const struct go_call *call)
{
	const struct targets *t = context;
	struct go_callers *callers = t->callers;

	if (callers->n == GO_CALLERS_MAX || !is_target(t, call->to) || is_inside(t, call->back))
		return 0;
	callers->rows[callers->n].pc = call->back;
	if (call->before >= LOAD_BYTES)
		find_argument(call->code, &callers->rows[callers->n]);
	callers->n++;
	return 0;
}

int go_callers_answer(struct go_process *p, const void *request, size_t size, void *answer,
		      size_t *ret_size)
{
	const struct go_callers_request *q = request;
	struct go_callers *callers = answer;
	struct targets targets = { .callee = (enum go_callee)q->callee, .callers = callers };
	int r;

	if (size != sizeof(*q) || q->callee >= GO_CALLEE_MAX || *ret_size < sizeof(*callers))
		return -EINVAL;
	memset(callers, 0, sizeof(*callers));
	r = go_table_each(&p->module.table, take_target, &targets);
	if (r == 0 && targets.n == 0)
		r = -ENOENT;
	if (r == 0)
		r = go_calls_each(p, take_call, &targets);
	*ret_size = sizeof(*callers);
	return r;
}
