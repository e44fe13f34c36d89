// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/model/frame.h"
#include "agent/sites/shapes.h"

#define BUCKETS 256
#define WAYS	4

struct shape {
	size_t n; /* addresses; 0 for a free place */
	uint64_t pcs[SITE_FRAMES];
	uint32_t places[SITE_FRAMES]; /* of all but the first, in bytes from the stack pointer */
};

struct shapes {
	struct shape *buckets[BUCKETS][WAYS];
	unsigned int next; /* whom to replace */
};

int shapes_new(struct shapes **ret)
{
	struct shapes *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*ret = s;
	return 0;
}

void shapes_clear(struct shapes *s)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (size_t way = 0; way < WAYS; way++) {
			free(s->buckets[i][way]);
			s->buckets[i][way] = NULL;
		}
	}
}

void shapes_free(struct shapes *s)
{
	if (!s)
		return;
	shapes_clear(s);
	free(s);
}

/* By where it is and how it was called: system calls of all kinds share few program counters. */
static size_t bucket_of(const struct stack_copy *stack)
{
	uint64_t first = 0, hash;

	if (stack->size >= sizeof(first))
		memcpy(&first, stack->bytes, sizeof(first));
	hash = (stack->regs[STACK_RIP] ^ first << 1) * 0x9e3779b97f4a7c15ULL; /* 2^64 / phi */
	return hash >> 56 & (BUCKETS - 1);
}

static bool holds(const struct stack_copy *stack, uint32_t place, uint64_t pc)
{
	uint64_t word;

	if (place + sizeof(word) > stack->size)
		return false;
	memcpy(&word, stack->bytes + place, sizeof(word));
	return word == pc;
}

static bool matches(const struct shape *shape, const struct stack_copy *stack)
{
	if (shape->pcs[0] != stack->regs[STACK_RIP])
		return false;
	for (size_t i = 1; i < shape->n; i++)
		if (!holds(stack, shape->places[i], shape->pcs[i]))
			return false;
	return true;
}

bool shapes_find(const struct shapes *s, const struct stack_copy *stack, const uint64_t **ret_pcs,
		 size_t *ret_n)
{
	struct shape *const *bucket = s->buckets[bucket_of(stack)];

	for (size_t way = 0; way < WAYS; way++) {
		if (!bucket[way] || !matches(bucket[way], stack))
			continue;
		*ret_pcs = bucket[way]->pcs;
		*ret_n = bucket[way]->n;
		return true;
	}
	return false;
}

/* Each address above the one before; false when one is not in the copy at all. */
static bool find_places(struct shape *shape, const struct stack_copy *stack)
{
	uint32_t place = 0;

	for (size_t i = 1; i < shape->n; i++, place += sizeof(uint64_t)) {
		while (place < stack->size && !holds(stack, place, shape->pcs[i]))
			place += sizeof(uint64_t);
		if (place >= stack->size)
			return false;
		shape->places[i] = place;
	}
	return true;
}

void shapes_learn(struct shapes *s, const struct stack_copy *stack, const uint64_t *pcs, size_t n)
{
	struct shape **bucket = s->buckets[bucket_of(stack)];
	_cleanup_free_ struct shape *shape = NULL;
	size_t way = 0;

	if (n < 2 || n > SITE_FRAMES)
		return;
	shape = calloc(1, sizeof(*shape));
	if (!shape)
		return;
	shape->n = n;
	memcpy(shape->pcs, pcs, n * sizeof(*pcs));
	if (!find_places(shape, stack))
		return;
	while (way < WAYS && bucket[way])
		way++;
	if (way == WAYS)
		way = s->next++ % WAYS;
	free(bucket[way]);
	bucket[way] = TAKE_PTR(shape);
}
