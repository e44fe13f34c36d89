// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/probe/posix_timers.h"

/* One line "ID: N" a timer (proc(5)). */
void posix_timers_count(struct model *m, struct model_process *p)
{
	char name[64], line[256];
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(name, sizeof(name), "/proc/%d/timers", p->pid);
	f = fopen(name, "re");
	if (!f) {
		model_cells_unknown(p->cells, SLOT_TIMER);
		p->reason = "this kernel does not show POSIX timers (/proc/PID/timers)";
		return;
	}
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, "ID:", 3) == 0)
			model_cell_add(p->cells, SLOT_TIMER_POSIX, 1);
}
