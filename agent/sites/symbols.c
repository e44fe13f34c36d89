// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sites/symbols.h"

#define SYMBOLS_MAX    (2u << 20)
#define VERSION_HIDDEN 0x8000 /* of a .gnu.version entry: not the default version */

struct symbol {
	uint64_t address;
	uint32_t size;
	uint32_t rank; /* lower is a better name for the same address */
	const char *name;
};

struct symbols {
	struct symbol *all; /* by address, one each */
	size_t n, room;
};

/* One symbol table section and what goes with it. */
struct table {
	Elf *elf;
	Elf_Data *data, *versions;
	GElf_Shdr header;
	size_t n;
};

static Elf_Scn *find_section(Elf *elf, uint32_t type, GElf_Shdr *ret_header)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, ret_header) && ret_header->sh_type == type)
			return section;
	return NULL;
}

static int open_table(Elf *elf, uint32_t type, struct table *ret)
{
	struct table t = { .elf = elf };
	Elf_Scn *section = find_section(elf, type, &t.header);
	GElf_Shdr header;

	t.data = section ? elf_getdata(section, NULL) : NULL;
	if (!t.data)
		return -ENOENT;
	t.n = t.data->d_size / sizeof(Elf64_Sym);
	section = type == SHT_DYNSYM ? find_section(elf, SHT_GNU_versym, &header) : NULL;
	t.versions = section ? elf_getdata(section, NULL) : NULL;
	*ret = t;
	return 0;
}

/* The name of a defined function, or NULL for any other symbol. */
static const char *function_name(const struct table *t, size_t i, GElf_Sym *ret)
{
	if (!gelf_getsym(t->data, (int)i, ret) || GELF_ST_TYPE(ret->st_info) != STT_FUNC ||
	    ret->st_shndx == SHN_UNDEF || ret->st_value == 0)
		return NULL;
	return elf_strptr(t->elf, t->header.sh_link, ret->st_name);
}

/* Of "malloc" and "__libc_malloc" at one address the former is what people know. */
static uint32_t rank(const GElf_Sym *symbol, const char *name)
{
	uint32_t binding = GELF_ST_BIND(symbol->st_info) == STB_LOCAL;

	return binding << 8 | (uint32_t)strspn(name, "_");
}

static int add(struct symbols *s, const GElf_Sym *symbol, const char *name)
{
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 256;
		struct symbol *more = reallocarray(s->all, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->all = more;
		s->room = room;
	}
	s->all[s->n++] = (struct symbol){
		.address = symbol->st_value,
		.size = symbol->st_size < UINT32_MAX ? (uint32_t)symbol->st_size : UINT32_MAX,
		.rank = rank(symbol, name),
		.name = name,
	};
	return 0;
}

static int add_table(struct symbols *s, Elf *elf, uint32_t type)
{
	struct table t;
	int r = open_table(elf, type, &t);

	for (size_t i = 0; r == 0 && i < t.n && s->n < SYMBOLS_MAX; i++) {
		GElf_Sym symbol;
		const char *name = function_name(&t, i, &symbol);

		if (name && name[0])
			r = add(s, &symbol, name);
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (!x->size != !y->size)
		return !x->size - !y->size;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void sort(struct symbols *s)
{
	size_t kept = 0;

	if (s->n > 1)
		qsort(s->all, s->n, sizeof(*s->all), compare);
	for (size_t i = 0; i < s->n; i++)
		if (kept == 0 || s->all[kept - 1].address != s->all[i].address)
			s->all[kept++] = s->all[i];
	s->n = kept;
}

struct symbols *symbols_get(struct module *m, Elf *extra)
{
	if (m->symbols)
		return m->symbols;
	m->symbols = calloc(1, sizeof(*m->symbols));
	if (!m->symbols)
		return NULL;
	/* A full table holds what the dynamic one does. */
	if (add_table(m->symbols, m->image.elf, SHT_SYMTAB) < 0 &&
	    (!extra || add_table(m->symbols, extra, SHT_SYMTAB) < 0))
		add_table(m->symbols, m->image.elf, SHT_DYNSYM);
	sort(m->symbols);
	return m->symbols;
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	free(s->all);
	free(s);
}

const char *symbols_name(const struct symbols *s, uint64_t address)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->all[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	/* hand-written assembly often gives no size: it reaches to the next symbol */
	if (s->all[low - 1].size > 0 && address - s->all[low - 1].address >= s->all[low - 1].size)
		return NULL;
	return s->all[low - 1].name;
}

static bool is_default(const struct table *t, size_t i)
{
	GElf_Versym version;

	return !t->versions || !gelf_getversym(t->versions, (int)i, &version) ||
	       !(version & VERSION_HIDDEN);
}

static int find_in(Elf *elf, uint32_t type, const char *wanted, uint64_t *ret)
{
	struct table t;
	bool found = false;

	if (open_table(elf, type, &t) < 0)
		return -ENOENT;
	for (size_t i = 0; i < t.n; i++) {
		GElf_Sym symbol;
		const char *name = function_name(&t, i, &symbol);

		if (!name || strcmp(name, wanted) != 0 || (found && !is_default(&t, i)))
			continue;
		*ret = symbol.st_value;
		found = true;
		if (is_default(&t, i))
			break;
	}
	return found ? 0 : -ENOENT;
}

int symbols_find(const struct module *m, const char *name, uint64_t *ret_address)
{
	if (find_in(m->image.elf, SHT_DYNSYM, name, ret_address) == 0)
		return 0;
	return find_in(m->image.elf, SHT_SYMTAB, name, ret_address);
}
