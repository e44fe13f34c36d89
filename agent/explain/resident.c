// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/explain/resident.h"

uint64_t resident_private(pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned long resident = 0, shared = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%*s %lu %lu", &resident, &shared) != 2 || resident < shared)
		return 0;
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}
