// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent/base/cleanup.h"
#include "agent/sites/debug.h"
#include "agent/sites/module.h"
#include "agent/sites/symbols.h"

#define FILE_MAX_BYTES (512ll << 20)
#define VDSO_MAX_BYTES (1ul << 20)

void image_close(struct image *i)
{
	if (i->elf)
		elf_end(i->elf);
	if (i->mapped)
		munmap(i->bytes, i->size);
	else
		free(i->bytes);
	*i = (struct image){ 0 };
}

static int image_parse(struct image *i)
{
	GElf_Ehdr header;

	elf_version(EV_CURRENT);
	i->elf = elf_memory(i->bytes, i->size);
	if (!i->elf || elf_kind(i->elf) != ELF_K_ELF || gelf_getclass(i->elf) != ELFCLASS64 ||
	    !gelf_getehdr(i->elf, &header) || header.e_machine != EM_X86_64)
		return -ENOEXEC;
	return 0;
}

int image_load(int fd, struct image *ret)
{
	struct image i = { .mapped = true };
	struct stat st;
	int r;

	/* glibc's fstat is newfstatat, which takes a path and is therefore refused here */
	if (syscall(SYS_fstat, fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(Elf64_Ehdr))
		return -ENOEXEC;
	if (st.st_size > FILE_MAX_BYTES)
		return -EFBIG;
	i.size = (size_t)st.st_size;
	i.bytes = mmap(NULL, i.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (i.bytes == MAP_FAILED)
		return -errno;
	r = image_parse(&i);
	if (r < 0) {
		image_close(&i);
		return r;
	}
	*ret = i;
	return 0;
}

static int read_segments(struct module *m)
{
	size_t n;

	if (elf_getphdrnum(m->image.elf, &n) < 0)
		return -ENOEXEC;
	for (size_t i = 0; i < n && i < 65536 && m->n_segments < MODULE_SEGMENTS; i++) {
		GElf_Phdr p;

		if (!gelf_getphdr(m->image.elf, (int)i, &p) || p.p_type != PT_LOAD)
			continue;
		m->segments[m->n_segments++] = (struct segment){ .offset = p.p_offset,
								 .file_size = p.p_filesz,
								 .address = p.p_vaddr,
								 .memory_size = p.p_memsz,
								 .executable = p.p_flags & PF_X };
	}
	return m->n_segments > 0 ? 0 : -ENOEXEC;
}

static int add_module(struct modules *all, struct module *fresh, struct module **ret)
{
	int r = read_segments(fresh);
	struct module *m = r == 0 ? malloc(sizeof(*m)) : NULL;

	if (!m) {
		image_close(&fresh->image);
		return r < 0 ? r : -ENOMEM;
	}
	*m = *fresh;
	m->id = ++all->last_id;
	m->references = 1;
	m->next = all->first;
	all->first = m;
	*ret = m;
	return 0;
}

int modules_get(struct modules *all, int fd, struct module **ret)
{
	struct module fresh = { 0 };
	struct stat st;
	int r;

	if (syscall(SYS_fstat, fd, &st) < 0)
		return -errno;
	/* The mapping that is held keeps the inode's number from being used again. */
	fresh.device = st.st_dev;
	fresh.inode = st.st_ino;
	fresh.modified = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
	for (struct module *m = all->first; m; m = m->next) {
		if (m != all->vdso && m->device == fresh.device && m->inode == fresh.inode &&
		    m->modified == fresh.modified) {
			m->references++;
			*ret = m;
			return 0;
		}
	}
	r = image_load(fd, &fresh.image);
	return r < 0 ? r : add_module(all, &fresh, ret);
}

int modules_get_vdso(struct modules *all, struct module **ret)
{
	const Elf64_Ehdr *own = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
	struct module fresh = { 0 };
	int r;

	if (all->vdso) {
		all->vdso->references++;
		*ret = all->vdso;
		return 0;
	}
	if (!own)
		return -ENOENT;
	/* Its section headers come last. */
	fresh.image.size = own->e_shoff + (size_t)own->e_shnum * own->e_shentsize;
	if (fresh.image.size > VDSO_MAX_BYTES)
		return -ENOEXEC;
	fresh.image.bytes = malloc(fresh.image.size);
	if (!fresh.image.bytes)
		return -ENOMEM;
	memcpy(fresh.image.bytes, own, fresh.image.size);
	r = image_parse(&fresh.image);
	if (r < 0) {
		image_close(&fresh.image);
		return r;
	}
	r = add_module(all, &fresh, &all->vdso);
	if (r == 0)
		*ret = all->vdso;
	return r;
}

static void shrink(struct module *m)
{
	debug_free(m->debug);
	symbols_free(m->symbols);
	m->debug = NULL;
	m->symbols = NULL;
	m->debug_looked = false;
}

void modules_shrink(struct modules *all)
{
	for (struct module *m = all->first; m; m = m->next)
		shrink(m);
}

void module_release(struct modules *all, struct module *module)
{
	struct module **at = &all->first;

	if (!module || --module->references > 0)
		return;
	while (*at != module)
		at = &(*at)->next;
	*at = module->next;
	if (all->vdso == module)
		all->vdso = NULL;
	shrink(module);
	if (module->cfi)
		dwarf_cfi_end(module->cfi);
	if (module->frames)
		dwarf_end(module->frames);
	image_close(&module->image);
	free(module);
}

int module_address(const struct module *m, uint64_t offset, uint64_t *ret_address)
{
	for (int executable = 1; executable >= 0; executable--) {
		for (size_t i = 0; i < m->n_segments; i++) {
			const struct segment *s = &m->segments[i];

			if (s->executable == (executable == 1) && offset >= s->offset &&
			    offset - s->offset < s->file_size) {
				*ret_address = offset - s->offset + s->address;
				return 0;
			}
		}
	}
	return -ENOENT;
}

int module_offset(const struct module *m, uint64_t address, uint64_t *ret_offset)
{
	for (size_t i = 0; i < m->n_segments; i++) {
		const struct segment *s = &m->segments[i];

		if (address >= s->address && address - s->address < s->file_size) {
			*ret_offset = address - s->address + s->offset;
			return 0;
		}
	}
	return -ENOENT;
}

bool module_has_section(const struct module *m, const char *name)
{
	Elf *elf = m->image.elf;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return false;
	while ((section = elf_nextscn(elf, section))) {
		const char *found = gelf_getshdr(section, &header)
					    ? elf_strptr(elf, names, header.sh_name)
					    : NULL;

		if (found && strcmp(found, name) == 0)
			return true;
	}
	return false;
}
