// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "agent/runtime/go/work.h"

/* Times of proc_pid_stat(5), fields 14, 15 and 22; the name before them may hold anything. */
static int read_times(pid_t pid, double *ret_cpu, double *ret_age)
{
	double ticks = (double)sysconf(_SC_CLK_TCK);
	char path[64], line[1024];
	unsigned long long user, system, start;
	const char *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (text_read(path, line, sizeof(line)) < 0)
		return -1;
	end = strrchr(line, ')');
	if (!end || sscanf(end + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d "
			   "%*d %*d %llu",
			   &user, &system, &start) != 3)
		return -1;
	*ret_cpu = (double)(user + system) / ticks;
	*ret_age = clock_seconds(CLOCK_BOOTTIME) - (double)start / ticks;
	return 0;
}

/*
 * The fraction is of the time that all processors had from the start of the program to the end of
 * the last cycle (src/runtime/mgc.go, gcMarkTermination). That the process is some milliseconds
 * older than the program's clock falls out of a difference.
 */
static double collector_seconds(const struct go_collector *c, double age)
{
	double since = clock_seconds(CLOCK_MONOTONIC) - (double)c->last_cycle / NS_PER_S;

	if (!c->processors || since < 0 || since > age)
		return NAN;
	return c->last_cycle ? c->cpu_fraction * c->processors * (age - since) : 0;
}

struct go_work go_work_read(pid_t pid, const struct go_collector *c)
{
	struct go_work work = { NAN, NAN };
	double age;

	if (read_times(pid, &work.cpu, &age) == 0)
		work.gc = collector_seconds(c, age);
	return work;
}
