// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/probe/watches.h"

void watches_count(struct model_process *p, uint32_t thread, uint32_t fd)
{
	char name[96], line[256];
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(name, sizeof(name), "/proc/%d/task/%u/fdinfo/%u", p->pid, thread, fd);
	f = fopen(name, "re");
	if (!f)
		return; /* closed since: not there, so no watches */
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, "inotify ", 8) == 0)
			model_cell_add(p->cells, SLOT_WATCH, 1);
}
