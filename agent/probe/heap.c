// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/base/message.h"
#include "agent/probe/heap_object.h"
#include "agent/probe/kernel_types.h"
#include "agent/probe/loss.h"

#define EXACT_BLOCKS (1U << 20) /* live blocks followed in exact mode */

/* Hash maps that allocate as they fill are safe in programs since bpf_mem_alloc (6.1). */
static bool has_map_allocator(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = btf && btf__find_by_name_kind(btf, "bpf_mem_alloc", BTF_KIND_STRUCT) > 0;

	btf__free(btf);
	return has;
}

/* Windows need room for survivors alone. Every live block is more than may be taken at once. */
static int size_blocks(struct heap *h, bool exact)
{
	struct bpf_map *blocks = h->object->maps.blocks;
	int r;

	if (!exact || !has_map_allocator())
		return 0;
	r = bpf_map__set_map_flags(blocks, BPF_F_NO_PREALLOC);
	return r == 0 ? bpf_map__set_max_entries(blocks, EXACT_BLOCKS) : r;
}

static int set_target(struct heap *h, pid_t pid)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) < 0)
		return -errno;
	h->object->rodata->target_pid = pid;
	h->object->rodata->target_pidns = (__u32)st.st_ino;
	return 0;
}

static int load_object(struct heap *h, const struct heap_options *o)
{
	int r;

	h->object = heap_bpf__open_opts(kernel_types());
	if (!h->object)
		return -errno;
	h->object->rodata->at_callers = o->at_callers;
	r = uprobe_prepare(h->object->progs.heap_enter, o->host.rung);
	if (r == 0)
		r = uprobe_prepare(h->object->progs.heap_leave, o->host.rung);
	if (r == 0)
		r = size_blocks(h, o->exact);
	if (r == 0)
		r = set_target(h, o->pid);
	return r == 0 ? heap_bpf__load(h->object) : r;
}

static bool has_return(const struct heap_function *f)
{
	return f->op != HEAP_FREE && f->op != HEAP_UNMAP;
}

/* Go's runtime maps its own heap by the C library where there is one. */
static bool is_wanted(const struct heap *h, const struct heap_function *f)
{
	return !h->returns || f->op == HEAP_ALLOC || f->op == HEAP_FREE;
}

static int add_probes(struct heap *h)
{
	int functions = bpf_map__fd(h->object->maps.functions);
	int enter = bpf_program__fd(h->object->progs.heap_enter);
	int leave = bpf_program__fd(h->object->progs.heap_leave);
	int r = 0;

	for (size_t i = 0; i < h->places.n && r == 0; i++) {
		const struct heap_place *p = &h->places.rows[i];
		unsigned int hot = i < HEAP_HOT ? UPROBE_HOT : 0;

		if (!is_wanted(h, &p->what))
			continue;
		if (bpf_map_update_elem(functions, &p->address, &p->what, BPF_ANY) < 0)
			return -errno;
		r = uprobe_set_add(h->probes, p->fd, p->offset, enter, hot);
		if (r == 0 && has_return(&p->what) && !h->returns)
			r = uprobe_set_add(h->probes, p->fd, p->offset, leave, UPROBE_RETURN | hot);
	}
	return r;
}

static int start_returns(struct heap *h, const struct heap_options *o)
{
	struct heap_returns_options options = {
		.set = h->probes,
		.program_fd = bpf_program__fd(h->object->progs.heap_leave),
		.map_fd = bpf_map__fd(h->object->maps.returns),
		.reader = o->reader,
		.pid = o->pid,
	};

	return heap_returns_new(&options, &h->returns);
}

static int set_up(struct heap *h, const struct heap_options *o)
{
	int r;

	r = heap_places_find(o->reader, o->pid, o->alloc_function, o->free_function, &h->places);
	if (r == 0)
		r = load_object(h, o);
	if (r == 0)
		r = heap_known_init(&h->known, o->reader, o->pid,
				    bpf_map__fd(h->object->maps.rules));
	if (r == 0)
		r = uprobe_set_new(o->pid, o->host.rung, &h->probes);
	if (r == 0 && o->at_callers)
		r = start_returns(h, o);
	if (r == 0)
		r = uprobe_hold_start(h->probes, o->reader,
				      bpf_program__fd(h->object->progs.heap_enter));
	if (r == 0)
		r = add_probes(h);
	if (r < 0)
		return r;
	h->ring = ring_buffer__new(bpf_map__fd(h->object->maps.events), heap_event, h, NULL);
	return h->ring ? 0 : -errno;
}

int heap_new(const struct heap_options *options, struct heap **ret)
{
	struct heap *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->host = options->host;
	r = set_up(h, options);
	if (r < 0) {
		heap_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

void heap_free(struct heap *h)
{
	if (!h)
		return;
	uprobe_set_free(h->probes);
	heap_returns_free(h->returns);
	ring_buffer__free(h->ring);
	heap_known_clear(&h->known);
	heap_mappings_clear(&h->mappings);
	heap_places_clear(&h->places);
	heap_bpf__destroy(h->object);
	free(h);
}

const char *heap_allocator(const struct heap *h)
{
	return h->places.allocator;
}

double heap_hit_seconds(const struct heap *h)
{
	const struct uprobe_host *host = &h->host;
	double pair = host->entry_seconds + (h->returns ? host->entry_seconds + host->step_seconds
							: host->return_seconds);

	for (size_t i = 0; i < h->places.n && i < HEAP_HOT; i++)
		if (h->places.rows[i].stepped)
			pair += host->step_seconds;
	return pair / 3;
}

int heap_attach(struct heap *h)
{
	int r = h->returns ? heap_returns_add(h->returns, &h->known) : 0;

	if (r == 0)
		r = uprobe_set_attach(h->probes);
	if (r < 0 && r != -EBUSY && h->returns && heap_returns_refused(h->returns))
		r = uprobe_set_attach(h->probes);
	if (r < 0)
		return r;
	if (h->window == 0)
		h->began = monotonic_ns();
	h->object->bss->window = ++h->window;
	h->object->bss->armed = 1;
	return 0;
}

pid_t heap_obstacle(const struct heap *h)
{
	return uprobe_set_obstacle(h->probes);
}

void heap_detach(struct heap *h)
{
	h->object->bss->armed = 0;
	h->ended = monotonic_ns();
	uprobe_set_detach(h->probes);
}

static void clear_map(const struct bpf_map *map)
{
	int fd = bpf_map__fd(map);
	uint64_t key;

	while (bpf_map_get_next_key(fd, NULL, &key) == 0)
		if (bpf_map_delete_elem(fd, &key) < 0)
			return;
}

int heap_reset(struct heap *h)
{
	int r = heap_poll(h);

	clear_map(h->object->maps.blocks);
	clear_map(h->object->maps.sums);
	heap_mappings_clear(&h->mappings);
	h->window = 0;
	return r;
}

int heap_poll(struct heap *h)
{
	int r = ring_buffer__consume(h->ring);

	return r < 0 ? r : 0;
}

int heap_counts(struct heap *h, struct heap_counts *ret)
{
	int counters = bpf_map__fd(h->object->maps.counters);
	int r = 0;

	*ret = (struct heap_counts){ 0 };
	for (uint32_t i = 0; i < HEAP_COUNTERS && r == 0; i++)
		r = percpu_read(counters, i, &ret->values[i]);
	if (r == 0)
		r = loss_read(bpf_map__fd(h->object->maps.losses), ret->lost);
	ret->lost[LOSS_NO_MEMORY] += h->no_memory;
	return r;
}
