// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/explain/go/profile_switch.h"

struct range {
	uint64_t start, end;
};

/* By the kernel, which follows the mapping to its file: a name in the list could be anyone's. */
static bool is_of_program(pid_t pid, const struct range *range)
{
	struct stat program, mapped;
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (stat(path, &program) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, range->start,
		 range->end);
	return stat(path, &mapped) == 0 && mapped.st_dev == program.st_dev &&
	       mapped.st_ino == program.st_ino;
}

/* Whether an address is of a variable: in a private, writable mapping of the program's file, or in
 * the zeros right after one, which no file holds (proc_pid_maps(5)). */
static int check_variable(pid_t pid, uint64_t address)
{
	_cleanup_fclose_ FILE *f = NULL;
	uint64_t variables_end = 0;
	char line[1024];

	snprintf(line, sizeof(line), "/proc/%d/maps", pid);
	f = fopen(line, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		unsigned long inode;
		struct range r;
		char flags[8];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*x %*x:%*x %lu", &r.start, &r.end,
			   flags, &inode) != 4 ||
		    strcmp(flags, "rw-p") != 0)
			continue;
		if (inode ? is_of_program(pid, &r) : r.start == variables_end)
			variables_end = r.end;
		if (address >= r.start && address + sizeof(uint64_t) <= r.end)
			return r.end == variables_end ? 0 : -EPERM;
	}
	return -EPERM;
}

/* Change a word that holds what it must. */
static int change(int memory, uint64_t address, uint64_t from, uint64_t to)
{
	uint64_t value;

	if (pread(memory, &value, sizeof(value), (off_t)address) != sizeof(value))
		return -EIO;
	if (value != from)
		return -EBUSY;
	return pwrite(memory, &to, sizeof(to), (off_t)address) == sizeof(to) ? 0 : -EIO;
}

int goprofile_switch_on(struct goprofile_switch *s, pid_t pid, uint64_t address)
{
	_cleanup_close_ int memory = -1;
	char path[64];
	int r = address && address % sizeof(uint64_t) == 0 ? check_variable(pid, address) : -EPERM;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	if (r == 0 && (memory = open(path, O_RDWR | O_CLOEXEC)) < 0)
		r = -errno;
	if (r == 0)
		r = change(memory, address, 0, GOPROFILE_RATE);
	if (r < 0)
		return log_error(r, "explain: the heap profile of process %d stays off", pid);
	log_info("explain: runtime.MemProfileRate of process %d was 0 and is %llu: its heap "
		 "profile is on until the end of this watch",
		 pid, GOPROFILE_RATE);
	*s = (struct goprofile_switch){ .memory = TAKE_FD(memory), .address = address, .pid = pid };
	return 0;
}

void goprofile_switch_off(struct goprofile_switch *s)
{
	int r;

	if (s->memory < 0)
		return;
	r = change(s->memory, s->address, GOPROFILE_RATE, 0);
	if (r < 0)
		log_warn(r, "explain: the heap profile of process %d was not switched off", s->pid);
	else
		log_info("explain: runtime.MemProfileRate of process %d is 0 again", s->pid);
	s->memory = safe_close(s->memory);
}
