// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/probe/file_kinds.h"
#include "agent/probe/kernel_types.h"
#include "agent/probe/ladder.h"
#include "agent/probe/ledger.h"
#include "agent/probe/loss.h"
#include "bpf/ledger.h"
#include "bpf/ledger.skel.h"

#define TOPICS 3
#define BATCH  1024 /* entries read by one system call */

static const struct ladder ladders[TOPICS] = {
	{ "thread ledger",
	  { { "tp_btf", "newtask_tp" },
	    { "fentry", "newtask_fentry" },
	    { "kprobe", "newtask_kprobe" } } },
	{ "tcp ledger",
	  { { "tp_btf", "connect_tp" },
	    { "fentry", "connect_fentry" },
	    { "kprobe", "connect_kprobe" } } },
	{ "fd ledger", { { "fentry", "install_fentry" }, { "kprobe", "install_kprobe" } } },
};

static const enum loss_topic loss_topics[TOPICS] = { LOSS_PROCESS, LOSS_TCP, LOSS_FD };

struct ledger {
	struct ledger_bpf *skels[TOPICS]; /* NULL: no rung */
	struct stat own;		  /* seep's PID namespace */
	struct ledger_key keys[BATCH];
	uint64_t counts[BATCH];
};

struct attempt {
	struct ledger *ledger;
	int topic;
};

/* One object a topic, with one program on: what a kernel rejects fails alone. */
static int attempt_rung(const char *program, void *context)
{
	struct attempt *a = context;
	struct ledger_bpf *skel = ledger_bpf__open_opts(kernel_types());
	struct bpf_program *prog;
	int r;

	if (!skel)
		return -errno;
	skel->rodata->own_device = a->ledger->own.st_dev;
	skel->rodata->own_inode = (uint32_t)a->ledger->own.st_ino;
	prog = bpf_object__find_program_by_name(skel->obj, program);
	r = prog ? bpf_program__set_autoload(prog, true) : -ENOENT;
	if (r == 0)
		r = ledger_bpf__load(skel);
	if (r == 0)
		r = ledger_bpf__attach(skel);
	if (r == 0)
		r = file_kinds_copy(skel->bss->learned, sizeof(skel->bss->learned));
	if (r < 0) {
		ledger_bpf__destroy(skel);
		return r;
	}
	a->ledger->skels[a->topic] = skel;
	return 0;
}

int ledger_new(struct model *m, struct ledger **ret)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	if (stat("/proc/self/ns/pid", &l->own)) {
		free(l);
		return -errno;
	}
	for (int t = 0; t < TOPICS; t++) {
		struct attempt a = { l, t };
		struct ladder_hold h = ladder_climb(&ladders[t], attempt_rung, &a);

		ladder_record(&ladders[t], &h, m);
	}
	*ret = l;
	return 0;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	for (int t = 0; t < TOPICS; t++)
		ledger_bpf__destroy(l->skels[t]);
	free(l);
}

static enum seep_slot slot_of(uint32_t kind)
{
	switch (kind) {
	case LEDGER_PROCESS:
		return SLOT_PROCESS;
	case LEDGER_THREAD:
		return SLOT_THREAD;
	case LEDGER_CONNECT:
		return SLOT_TCP;
	default:
		return kind < LEDGER_MAX ? file_kinds_slot(kind - LEDGER_FD) : SLOT_MAX;
	}
}

static void take_count(struct model *m, int fd, const struct ledger_key *key, uint64_t count)
{
	struct model_process *p = model_find(m, (pid_t)key->pid);
	enum seep_slot slot = slot_of(key->kind);

	if (!p || p->seen != m->census || p->start != key->start || slot == SLOT_MAX) {
		bpf_map_delete_elem(fd, key);
		return;
	}
	p->cells[slot].created = count;
	if (!slot_is_total(slot))
		p->cells[slot_info(slot)->total].created += count;
}

/* In batches; the kernel answers ENOENT with the last of them. */
static void read_topic(struct ledger *l, struct model *m, struct ledger_bpf *skel)
{
	int fd = bpf_map__fd(skel->maps.created);
	uint64_t cursor = 0;
	bool more = true, first = true;

	while (more) {
		uint32_t n = BATCH;
		int r = bpf_map_lookup_batch(fd, first ? NULL : &cursor, &cursor, l->keys,
					     l->counts, &n, NULL);

		if (r < 0 && errno != ENOENT)
			return;
		for (uint32_t i = 0; i < n; i++)
			take_count(m, fd, &l->keys[i], l->counts[i]);
		more = r == 0;
		first = false;
	}
}

static void forget_counts(struct model *m)
{
	model_for_each_process (m, p)
		for (enum seep_slot s = 0; s < SLOT_MAX; s++)
			p->cells[s].created = 0;
}

static void read_losses(struct ledger_bpf *skel, uint64_t lost[LOSS_REASON_MAX])
{
	struct bpf_program *p;

	loss_read(bpf_map__fd(skel->maps.losses), lost);
	bpf_object__for_each_program(p, skel->obj) if (bpf_program__fd(p) >= 0)
		lost[LOSS_PROBE_MISSED] += loss_missed_runs(bpf_program__fd(p));
}

void ledger_read(struct ledger *l, struct model *m)
{
	forget_counts(m);
	for (int t = 0; t < TOPICS; t++) {
		if (!l->skels[t])
			continue;
		read_topic(l, m, l->skels[t]);
		read_losses(l->skels[t], m->lost[loss_topics[t]]);
	}
}
