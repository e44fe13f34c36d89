// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "exporters/self.h"

static double clock_seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* proc(5): num_threads, starttime, vsize, rss are fields 20 and 22 to 24; the second, the name,
 * may hold blanks and parentheses, so the count starts behind its last one. */
static void read_stat(struct self *s)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/stat", "re");
	double boot = clock_seconds(CLOCK_REALTIME) - clock_seconds(CLOCK_BOOTTIME);
	unsigned long long start;
	char line[1024];
	unsigned long size;
	long threads, pages;
	const char *p;

	if (!f || !fgets(line, sizeof(line), f) || !(p = strrchr(line, ')')))
		return;
	if (sscanf(p + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld"
		   " %*d %llu %lu %ld",
		   &threads, &start, &size, &pages) != 4)
		return;
	s->threads = (double)threads;
	/* To the tick: the two clocks are not read at the same instant. */
	s->start_time = round((boot + (double)start / (double)sysconf(_SC_CLK_TCK)) * 100) / 100;
	s->virtual = (double)size;
	s->resident = (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double count_fds(void)
{
	_cleanup_closedir_ DIR *d = opendir("/proc/self/fd");
	const struct dirent *entry;
	double n = -1; /* the descriptor that lists them */

	if (!d)
		return NAN;
	while ((entry = readdir(d)))
		n += entry->d_name[0] != '.';
	return n;
}

void self_read(struct self *ret)
{
	struct rlimit limit;
	struct self s = {
		.start_time = NAN, .resident = NAN, .virtual = NAN, .threads = NAN, .max_fds = NAN
	};

	read_stat(&s);
	s.cpu_seconds = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
	s.open_fds = count_fds();
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		s.max_fds = (double)limit.rlim_cur;
	*ret = s;
}
