// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <string.h>

#include <dwarf.h>

#include "agent/sites/scopes.h"

#define DEPTH_MAX 64
#define DIES_MAX  2000000 /* about a second */

struct search {
	struct scopes *scopes;
	uint64_t address;
	unsigned int dies, depth;
};

static bool descend(struct search *s, Dwarf_Die *parent);

static bool has_address(struct search *s, Dwarf_Die *die)
{
	return dwarf_haspc(die, s->address) > 0;
}

/* Whether the search ends here: the address was in this DIE, whatever was found below it. */
static bool enter(struct search *s, Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_subprogram:
	case DW_TAG_inlined_subroutine:
		if (!has_address(s, die))
			return false;
		if (s->scopes->n < SCOPES_MAX)
			s->scopes->dies[s->scopes->n++] = *die;
		descend(s, die);
		return true;
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
		return has_address(s, die) && (descend(s, die), true);
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		return descend(s, die);
	}
	return false;
}

static bool descend(struct search *s, Dwarf_Die *parent)
{
	Dwarf_Die die;
	bool found = false;

	if (s->depth >= DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return false;
	s->depth++;
	do
		found = enter(s, &die);
	while (!found && ++s->dies < DIES_MAX && dwarf_siblingof(&die, &die) == 0);
	s->depth--;
	return found;
}

void scopes_find(Dwarf_Die *unit, uint64_t address, struct scopes *ret)
{
	struct search s = { .scopes = ret, .address = address };

	ret->n = 0;
	descend(&s, unit);
}

static const char *name_attribute(Dwarf_Die *scope, unsigned int name)
{
	Dwarf_Attribute attribute;

	return dwarf_formstring(dwarf_attr_integrate(scope, name, &attribute));
}

const char *scope_name(Dwarf_Die *scope)
{
	const char *name = name_attribute(scope, DW_AT_linkage_name);

	if (!name)
		name = name_attribute(scope, DW_AT_MIPS_linkage_name);
	/* no demangler of a host knows Rust's own form; the plain name is readable */
	if (!name || strncmp(name, "_R", 2) == 0)
		name = name_attribute(scope, DW_AT_name);
	return name;
}
