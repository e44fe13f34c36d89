// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/explain/cost.h"

static double usage_seconds(int who)
{
	struct rusage u;

	if (getrusage(who, &u) < 0)
		return 0;
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* A child's nanoseconds on a CPU: the first number of schedstat
 * (Documentation/scheduler/sched-stats.rst). */
static double child_seconds(int pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned long long ns = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		return 0;
	return (double)ns / 1e9;
}

double cost_own_seconds(void)
{
	_cleanup_fclose_ FILE *f = NULL;
	double seconds = usage_seconds(RUSAGE_SELF) + usage_seconds(RUSAGE_CHILDREN);
	char path[64];
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		seconds += child_seconds(pid);
	return seconds;
}
