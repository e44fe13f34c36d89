// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/process.h"

static uint32_t hash_bytes(const char *text, size_t n)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (uint8_t)text[i]) * 16777619u;
	return hash;
}

uint32_t go_builder_string(struct go_builder *b, const char *text)
{
	struct go_report *r = b->report;
	size_t n = strlen(text), slots = ARRAY_SIZE(b->string_slots);
	size_t at = hash_bytes(text, n) % slots;

	if (n == 0)
		return 0;
	for (size_t probes = 0; b->string_slots[at]; at = (at + 1) % slots) {
		uint32_t offset = b->string_slots[at] - 1;

		if (strcmp(r->strings + offset, text) == 0)
			return offset;
		if (++probes == slots / 2)
			return 0;
	}
	if (n + 1 > GO_STRINGS - r->n_strings)
		return 0;
	b->string_slots[at] = r->n_strings + 1;
	memcpy(r->strings + r->n_strings, text, n + 1);
	r->n_strings += (uint32_t)n + 1;
	return b->string_slots[at] - 1;
}

static void add_places(struct go_builder *b, uint64_t pc, bool call, struct go_code *ret)
{
	static struct go_source_place places[GO_INLINE_MAX]; /* the child has one thread */
	struct go_report *r = b->report;
	int n = go_table_places(&b->process->module.table, pc, call, places, GO_INLINE_MAX);

	ret->first = (uint16_t)r->n_places;
	for (int i = 0; i < n && r->n_places < GO_PLACES; i++) {
		struct go_place *place = &r->places[r->n_places++];

		place->function = go_builder_string(b, places[i].function);
		place->file = go_builder_string(b, places[i].file);
		place->line = places[i].line;
		ret->n++;
	}
}

uint16_t go_builder_code(struct go_builder *b, uint64_t pc, bool call)
{
	struct go_report *r = b->report;
	size_t slots = ARRAY_SIZE(b->code_slots);
	size_t at = (pc ^ pc >> 11) % slots;
	struct go_code *code;

	for (; b->code_slots[at]; at = (at + 1) % slots)
		if (r->codes[b->code_slots[at] - 1].pc == pc)
			return (uint16_t)(b->code_slots[at] - 1);
	if (pc == 0 || r->n_codes == GO_CODES)
		return GO_CODES;
	code = &r->codes[r->n_codes++];
	b->code_slots[at] = (uint16_t)r->n_codes;
	*code = (struct go_code){ .pc = pc,
				  .offset = go_image_offset(&b->process->image, pc - call) };
	add_places(b, pc, call, code);
	return (uint16_t)(r->n_codes - 1);
}
