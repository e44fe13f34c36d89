// SPDX-License-Identifier: GPL-2.0-only
#include "agent/probe/watchpoint.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <asm/perf_regs.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/base/cleanup.h"

#define THREADS_MAX 256
#define PAGE	    4096u
#define RING_BYTES  (2 * PAGE) /* a page of positions, and one for the one sample */
#define GENERAL                                                                                    \
	((1ull << (PERF_REG_X86_SP + 1)) - 1) /* ax bx cx dx si di bp sp: the first eight bits */
#define EXTENDED (0xffull << PERF_REG_X86_R8)

struct watchpoint {
	int fds[THREADS_MAX];
	void *rings[THREADS_MAX];
	size_t n;
};

static int open_event(pid_t thread, uint64_t address)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = address,
		.bp_len = WATCHPOINT_BYTES,
		.sample_period = 1,
		.sample_type =
			PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
		.sample_regs_user = GENERAL | EXTENDED,
		.sample_stack_user = sizeof(uint64_t),
		.sample_max_stack = WATCHPOINT_FRAMES,
		.exclude_callchain_kernel = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.disabled = 1,
	};
	int fd = (int)syscall(__NR_perf_event_open, &attr, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* From then on, for one write. */
static int add_thread(struct watchpoint *w, pid_t thread, uint64_t address)
{
	_cleanup_close_ int fd = open_event(thread, address);
	void *ring;

	if (fd < 0)
		return fd;
	ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		return -errno;
	w->rings[w->n] = ring;
	if (ioctl(fd, PERF_EVENT_IOC_REFRESH, 1) < 0) {
		munmap(ring, RING_BYTES);
		return -errno;
	}
	w->fds[w->n++] = TAKE_FD(fd);
	return 0;
}

/* A thread that ends meanwhile is none. */
static int add_threads(struct watchpoint *w, pid_t pid, uint64_t address)
{
	_cleanup_closedir_ DIR *folder = NULL;
	const struct dirent *entry;
	char path[32];
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	folder = opendir(path);
	if (!folder)
		return errno == ENOENT ? -ESRCH : -errno;
	while ((entry = readdir(folder)) && w->n < THREADS_MAX && (r == 0 || r == -ESRCH))
		if (entry->d_name[0] != '.')
			r = add_thread(w, atoi(entry->d_name), address);
	if (r == 0 || r == -ESRCH)
		r = w->n ? 0 : -ESRCH;
	return r;
}

int watchpoint_new(pid_t pid, uint64_t address, struct watchpoint **ret)
{
	struct watchpoint *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	r = add_threads(w, pid, address);
	if (r < 0) {
		watchpoint_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void watchpoint_free(struct watchpoint *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++) {
		munmap(w->rings[i], RING_BYTES);
		close(w->fds[i]);
	}
	free(w);
}

/* What is left of a record. */
struct rest {
	const uint64_t *words;
	size_t n;
};

static uint64_t next(struct rest *rest)
{
	if (rest->n == 0)
		return 0;
	rest->n--;
	return *rest->words++;
}

/* In the order that perf_event_open(2) gives for the sample_type above. Marks among the addresses
 * say whose they are (PERF_CONTEXT_USER). */
static void read_sample(struct rest *rest, struct watchpoint_hit *ret)
{
	*ret = (struct watchpoint_hit){ 0 };
	for (uint64_t left = next(rest); left > 0 && rest->n; left--) {
		uint64_t pc = next(rest);

		if (pc < PERF_CONTEXT_MAX && ret->n < WATCHPOINT_FRAMES)
			ret->pcs[ret->n++] = pc;
	}
	if (next(rest) != PERF_SAMPLE_REGS_ABI_64)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ret->registers); i++)
		ret->registers[i] = next(rest);
	if (next(rest) >= sizeof(uint64_t))
		ret->top = next(rest);
}

static bool take_one(const struct perf_event_mmap_page *page, struct watchpoint_hit *ret)
{
	const uint8_t *data = (const uint8_t *)page + PAGE;
	const struct perf_event_header *header = (const struct perf_event_header *)data;
	uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
	struct rest rest;

	if (head < sizeof(*header) || header->type != PERF_RECORD_SAMPLE || header->size > head ||
	    header->size > PAGE || header->size < sizeof(*header))
		return false;
	rest = (struct rest){ (const uint64_t *)(data + sizeof(*header)),
			      (header->size - sizeof(*header)) / sizeof(uint64_t) };
	read_sample(&rest, ret);
	return ret->n > 0;
}

bool watchpoint_take(const struct watchpoint *w, struct watchpoint_hit *ret)
{
	for (size_t i = 0; i < w->n; i++)
		if (take_one(w->rings[i], ret))
			return true;
	return false;
}
