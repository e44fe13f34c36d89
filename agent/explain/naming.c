// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "agent/explain/naming.h"
#include "agent/probe/identity.h"
#include "agent/runtime/go/objects.h"
#include "agent/sites/reader.h"

void naming_init(struct naming *n, struct reader *reader, pid_t pid)
{
	*n = (struct naming){ .reader = reader, .pid = pid, .program = identity_program(pid) };
}

void naming_clear(struct naming *n)
{
	free(n->program);
	n->program = NULL;
}

static bool is_named(const struct site_frame *frames, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (*frames[i].function)
			return true;
	return false;
}

/* What Go's table does not know is C code. A frame that cannot be named stays. */
static void name_rest(struct naming *n, struct site_frame *frames, size_t n_frames)
{
	for (size_t i = 0; i < n_frames; i++) {
		uint64_t pc = frames[i].pc - 1; /* the first is taken for the place itself */
		struct site_frame *named, kept = frames[i];
		size_t found;

		if (*frames[i].function ||
		    reader_symbolize(n->reader, n->pid, &pc, 1, &named, &found) < 0)
			continue;
		if (found) {
			frames[i] = named[0];
			named[0] = kept;
		}
		site_frames_free(named, found);
	}
}

int naming_stack(struct naming *n, const uint64_t *pcs, size_t n_pcs, struct site_frame **ret,
		 size_t *ret_n)
{
	int r = n->program && !n->no_go
			? go_names_ask(n->reader, n->pid, n->program, pcs, n_pcs, ret, ret_n)
			: -ENOEXEC;

	n->no_go = r == -ENOEXEC;
	if (r == 0) {
		if (is_named(*ret, *ret_n)) {
			name_rest(n, *ret, *ret_n);
			return 0;
		}
		site_frames_free(*ret, *ret_n);
	}
	return reader_symbolize(n->reader, n->pid, pcs, n_pcs, ret, ret_n);
}
