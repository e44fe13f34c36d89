// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/runtime/go/image.h"

#define SECTIONS_MAX   512u
#define NAMES_MAX      32768u
#define BUILDINFO_SCAN 65536u /* bytes of the data segment, as Go's own debug/buildinfo looks */
#define BUILDINFO_MAX  65536u
#define AUXV_MAX       64
#define PAGE	       4096u

/* debug/buildinfo: a header of 32 bytes, then two strings with their lengths as varints. */
static const char buildinfo_magic[] = "\xff Go buildinf:";
#define BUILDINFO_HEADER 32
#define BUILDINFO_ALIGN	 16
#define BUILDINFO_FLAGS	 15
#define BUILDINFO_INLINE 2 /* flag: the strings follow; before Go 1.18 there were pointers */

/* What is looked for in the section headers, in addresses of the file. */
struct sections {
	Elf64_Shdr buildinfo, table;
	bool go;
};

static int read_file(int fd, uint64_t offset, void *dst, size_t size)
{
	ssize_t n;

	if (offset > INT64_MAX - size)
		return -ENOEXEC;
	n = pread(fd, dst, size, (off_t)offset);
	if (n < 0)
		return -errno;
	return n == (ssize_t)size ? 0 : -ENOEXEC;
}

static int read_header(int fd, Elf64_Ehdr *ret)
{
	int r = read_file(fd, 0, ret, sizeof(*ret));

	if (r < 0)
		return r;
	if (memcmp(ret->e_ident, ELFMAG, SELFMAG) != 0 || ret->e_ident[EI_CLASS] != ELFCLASS64 ||
	    ret->e_machine != EM_X86_64 || ret->e_phentsize != sizeof(Elf64_Phdr))
		return -ENOEXEC;
	return 0;
}

static int read_segments(int fd, const Elf64_Ehdr *header, struct go_image *i)
{
	Elf64_Phdr p;
	int r = 0;

	for (unsigned int k = 0; k < header->e_phnum && i->n_segments < GO_SEGMENTS; k++) {
		r = read_file(fd, header->e_phoff + k * sizeof(p), &p, sizeof(p));
		if (r < 0)
			return r;
		if (p.p_type != PT_LOAD)
			continue;
		i->segments[i->n_segments++] = (struct go_segment){ .address = p.p_vaddr,
								    .size = p.p_memsz,
								    .offset = p.p_offset,
								    .file_size = p.p_filesz,
								    .executable = p.p_flags & PF_X,
								    .writable = p.p_flags & PF_W };
	}
	return i->n_segments ? 0 : -ENOEXEC;
}

static void take_section(const char *name, const Elf64_Shdr *s, struct sections *ret)
{
	static const char *const tables[] = { ".gopclntab", ".data.rel.ro.gopclntab",
					      ".lrodata.gopclntab" };

	if (strcmp(name, ".go.buildinfo") == 0)
		ret->buildinfo = *s;
	if (strncmp(name, ".go.", 4) == 0 || strcmp(name, ".note.go.buildid") == 0)
		ret->go = true;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (strcmp(name, tables[i]) == 0)
			ret->table = *s;
}

/* Section headers may have been cut off; then segments are searched. */
static int read_sections(int fd, const Elf64_Ehdr *header, struct sections *ret)
{
	_cleanup_free_ Elf64_Shdr *sections = NULL;
	_cleanup_free_ char *names = NULL;
	size_t n = header->e_shnum, size;
	int r;

	if (n == 0 || n > SECTIONS_MAX || header->e_shentsize != sizeof(*sections) ||
	    header->e_shstrndx >= n)
		return 0;
	sections = calloc(n, sizeof(*sections));
	names = calloc(1, NAMES_MAX + 1);
	if (!sections || !names)
		return -ENOMEM;
	r = read_file(fd, header->e_shoff, sections, n * sizeof(*sections));
	if (r < 0)
		return r == -ENOEXEC ? 0 : r;
	size = sections[header->e_shstrndx].sh_size;
	size = size < NAMES_MAX ? size : NAMES_MAX;
	if (read_file(fd, sections[header->e_shstrndx].sh_offset, names, size) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (sections[i].sh_name < size)
			take_section(names + sections[i].sh_name, &sections[i], ret);
	return 0;
}

/* The address by which the whole program was moved: a program that is not linked to run at one
 * place finds its entry point in the auxiliary vector. */
static int read_bias(const struct source *source, uint64_t entry, uint64_t *ret)
{
	struct wire_ask ask = { .kind = WIRE_AUXV };
	_cleanup_close_ int fd = -1;
	Elf64_auxv_t auxv[AUXV_MAX];
	int r = source->open(source->context, &ask, &fd);
	ssize_t n;

	if (r < 0)
		return r;
	n = pread(fd, auxv, sizeof(auxv), 0);
	if (n < 0)
		return -errno;
	for (size_t i = 0; i < (size_t)n / sizeof(auxv[0]); i++) {
		if (auxv[i].a_type == AT_ENTRY) {
			*ret = auxv[i].a_un.a_val - entry;
			return 0;
		}
	}
	return -ESRCH;
}

/* A string with its length before it; *at moves behind it. Its length, or -1. */
static ssize_t read_string(const uint8_t *bytes, size_t size, size_t *at, const char **ret)
{
	uint64_t length = 0;

	for (unsigned int shift = 0; shift < 35; shift += 7) {
		uint8_t byte;

		if (*at >= size)
			return -1;
		byte = bytes[(*at)++];
		length |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	if (length > size - *at)
		return -1;
	*ret = (const char *)bytes + *at;
	*at += length;
	return (ssize_t)length;
}

/* 0: before 1.23 dropped timers stay, from 1.27 on they never do, between them it is a setting. */
static void take_settings(struct go_image *i, const char *settings, size_t length)
{
	static const char key[] = "DefaultGODEBUG=";
	const char *line = memmem(settings, length, key, strlen(key)), *end;

	i->async_timers = i->minor != 0 && i->minor < 23;
	i->async_timers_open = i->minor >= 23 && i->minor < 27;
	if (!line || !i->async_timers_open)
		return;
	end = memchr(line, '\n', length - (size_t)(line - settings));
	if (end)
		i->async_timers = memmem(line, (size_t)(end - line), "asynctimerchan=1", 16);
}

static int take_buildinfo(struct go_image *i, const uint8_t *bytes, size_t size)
{
	const char *version, *settings;
	size_t at = BUILDINFO_HEADER;
	ssize_t n;

	if (size < BUILDINFO_HEADER || !(bytes[BUILDINFO_FLAGS] & BUILDINFO_INLINE))
		return -EPROTO;
	n = read_string(bytes, size, &at, &version);
	if (n < 0)
		return -EPROTO;
	snprintf(i->version, sizeof(i->version), "%.*s", (int)n, version);
	if (sscanf(i->version, "go1.%u", &i->minor) != 1)
		i->minor = 0;
	n = read_string(bytes, size, &at, &settings);
	take_settings(i, settings, n < 0 ? 0 : (size_t)n);
	return 0;
}

static const uint8_t *find_buildinfo(const uint8_t *bytes, size_t size)
{
	size_t n = sizeof(buildinfo_magic) - 1;

	for (size_t at = 0; at + n <= size; at += BUILDINFO_ALIGN)
		if (memcmp(bytes + at, buildinfo_magic, n) == 0)
			return bytes + at;
	return NULL;
}

/* In its section, or at the begin of the data. */
static int read_buildinfo(int fd, const struct sections *s, struct go_image *i)
{
	_cleanup_free_ uint8_t *bytes = malloc(BUILDINFO_SCAN + BUILDINFO_MAX);
	uint64_t offset = s->buildinfo.sh_offset;
	const uint8_t *found;
	ssize_t n;

	if (!bytes)
		return -ENOMEM;
	for (size_t k = 0; !offset && k < i->n_segments; k++)
		if (i->segments[k].writable)
			offset = i->segments[k].offset;
	n = pread(fd, bytes, BUILDINFO_SCAN + BUILDINFO_MAX, (off_t)offset);
	if (n < 0)
		return -errno;
	found = find_buildinfo(bytes, (size_t)n < BUILDINFO_SCAN ? (size_t)n : BUILDINFO_SCAN);
	if (!found)
		return s->go ? 0 : -ENOEXEC;
	return take_buildinfo(i, found, (size_t)(bytes + n - found));
}

static int read_image(int fd, Elf64_Ehdr *header, struct go_image *i)
{
	struct sections sections = { 0 };
	int r = read_header(fd, header);

	if (r == 0)
		r = read_segments(fd, header, i);
	if (r == 0)
		r = read_sections(fd, header, &sections);
	if (r == 0)
		r = read_buildinfo(fd, &sections, i);
	i->table = sections.table.sh_addr;
	i->table_size = sections.table.sh_size;
	return r;
}

int go_image_read(const struct source *source, struct go_image *ret)
{
	struct wire_ask ask = { .kind = WIRE_EXE };
	struct go_image i = { 0 };
	_cleanup_close_ int fd = -1;
	Elf64_Ehdr header;
	uint64_t bias = 0;
	int r = source->open(source->context, &ask, &fd);

	if (r == 0)
		r = read_image(fd, &header, &i);
	if (r == 0)
		r = read_bias(source, header.e_entry, &bias);
	if (r < 0)
		return r;
	for (size_t k = 0; k < i.n_segments; k++)
		i.segments[k].address += bias;
	if (i.table)
		i.table += bias;
	*ret = i;
	return 0;
}

uint64_t go_image_offset(const struct go_image *i, uint64_t address)
{
	for (size_t k = 0; k < i->n_segments; k++) {
		const struct go_segment *s = &i->segments[k];

		if (address >= s->address && address - s->address < s->file_size)
			return address - s->address + s->offset;
	}
	return 0;
}

uint64_t go_image_page(const struct go_image *i, uint64_t page)
{
	for (size_t k = 0; k < i->n_segments; k++) {
		const struct go_segment *s = &i->segments[k];
		uint64_t lead = s->address % PAGE, start = s->address - lead;

		if (page >= start && page - start < lead + s->file_size && s->offset >= lead)
			return page - start + s->offset - lead;
	}
	return GO_IMAGE_NOWHERE;
}
