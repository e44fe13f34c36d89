// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "agent/probe/heap_known.h"
#include "agent/sites/reader.h"
#include "bpf/lib/walk.h"

int heap_known_init(struct heap_known *k, struct reader *reader, pid_t pid, int rules_fd)
{
	*k = (struct heap_known){ .reader = reader, .pid = pid, .rules_fd = rules_fd };
	k->slots = calloc(KNOWN_SLOTS, sizeof(*k->slots));
	return k->slots ? 0 : -ENOMEM;
}

void heap_known_clear(struct heap_known *k)
{
	for (size_t i = 0; k->slots && i < KNOWN_SLOTS; i++)
		free(k->slots[i].pcs);
	free(k->slots);
	*k = (struct heap_known){ 0 };
}

/* The key's slot, or the free one where it would be. Keys are hashes already. */
static struct known_site *slot_of(const struct heap_known *k, uint64_t key)
{
	size_t i = (key >> 8) % KNOWN_SLOTS;

	while (k->slots[i].key != 0 && k->slots[i].key != key)
		i = (i + 1) % KNOWN_SLOTS;
	return &k->slots[i];
}

const struct known_site *heap_known_find(const struct heap_known *k, uint64_t key)
{
	const struct known_site *site = slot_of(k, key);

	return site->key == key ? site : NULL;
}

static int remember(struct heap_known *k, uint64_t key, const __u64 *pcs, size_t n)
{
	struct known_site *site = slot_of(k, key);

	if (site->key == key)
		return 0;
	if (k->n >= KNOWN_SLOTS / 2)
		return -ENOSPC;
	site->pcs = malloc(n * sizeof(*pcs));
	if (!site->pcs)
		return -ENOMEM;
	memcpy(site->pcs, pcs, n * sizeof(*pcs));
	site->n = n;
	site->key = key;
	k->n++;
	return 0;
}

int heap_known_site(struct heap_known *k, const struct heap_site_event *event)
{
	return remember(k, event->key, event->pcs, event->frames % (HEAP_FRAMES + 1));
}

static inline __u64 walk_word(const struct walk *w, __u64 address)
{
	const struct stack_copy *s = w->memory;
	uint64_t at = address - s->regs[STACK_RSP], word;

	if (s->size < sizeof(word) || at > s->size - sizeof(word))
		return 0;
	memcpy(&word, s->bytes + at, sizeof(word));
	return word;
}

/* The rule of an address, told to the kernel too. An address that nobody answers for ends walks. */
static struct frame_rule rule_of(struct heap_known *k, uint64_t pc)
{
	struct frame_rule rule = { 0 };

	if (bpf_map_lookup_elem(k->rules_fd, &pc, &rule) == 0)
		return rule;
	if (reader_rules(k->reader, k->pid, &pc, 1, &rule) < 0)
		k->unanswered++;
	bpf_map_update_elem(k->rules_fd, &pc, &rule, BPF_ANY);
	return rule;
}

int heap_known_stack(struct heap_known *k, const struct heap_stack_event *event)
{
	struct walk w = {
		.pc = event->stack.regs[STACK_RIP],
		.sp = event->stack.regs[STACK_RSP],
		.bp = event->stack.regs[STACK_RBP],
		.memory = &event->stack,
	};
	__u64 pcs[HEAP_FRAMES];
	size_t n = 0;

	while (n < HEAP_FRAMES) {
		struct frame_rule rule = rule_of(k, w.pc);

		pcs[n++] = w.pc;
		if (!walk_leave(&w, &rule))
			break;
	}
	return remember(k, event->key, pcs, n);
}
