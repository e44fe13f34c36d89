// SPDX-License-Identifier: GPL-2.0-only
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/sites/load_order.h"

#define AUXV_MAX     64
#define HEADERS_MAX  64
#define DYNAMICS_MAX 256

static int read_memory(int fd, uint64_t address, void *dst, size_t size)
{
	ssize_t n;

	if (address > INT64_MAX - size)
		return -EFAULT;
	n = pread(fd, dst, size, (off_t)address);
	if (n < 0)
		return errno == EIO ? -EFAULT : -errno;
	return n == (ssize_t)size ? 0 : -EFAULT;
}

static int open_file(const struct source *source, uint32_t kind, int *ret)
{
	struct wire_ask ask = { .kind = kind };

	return source->open(source->context, &ask, ret);
}

/* Where the program headers lie in memory, and how many. */
static int find_headers(const struct source *source, uint64_t *ret, size_t *ret_n)
{
	_cleanup_close_ int fd = -1;
	Elf64_auxv_t auxv[AUXV_MAX];
	int r = open_file(source, WIRE_AUXV, &fd);
	ssize_t n;

	if (r < 0)
		return r;
	n = pread(fd, auxv, sizeof(auxv), 0);
	*ret = 0;
	*ret_n = 0;
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(auxv[0]); i++) {
		if (auxv[i].a_type == AT_PHDR)
			*ret = auxv[i].a_un.a_val;
		if (auxv[i].a_type == AT_PHNUM)
			*ret_n = auxv[i].a_un.a_val;
	}
	return *ret && *ret_n && *ret_n <= HEADERS_MAX ? 0 : -ENODATA;
}

/* The dynamic section, of what runs and not of what is in the file: the linker wrote into it. */
static int find_dynamic(int mem, uint64_t at, size_t n, uint64_t *ret)
{
	Elf64_Phdr headers[HEADERS_MAX];
	uint64_t bias = 0;
	int r = read_memory(mem, at, headers, n * sizeof(headers[0]));

	*ret = 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (headers[i].p_type == PT_PHDR)
			bias = at - headers[i].p_vaddr;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (headers[i].p_type == PT_DYNAMIC)
			*ret = bias + headers[i].p_vaddr;
	return r == 0 && *ret == 0 ? -ENODATA : r;
}

static int find_debug(int mem, uint64_t dynamic, uint64_t *ret)
{
	Elf64_Dyn d;

	for (size_t i = 0; i < DYNAMICS_MAX; i++) {
		int r = read_memory(mem, dynamic + i * sizeof(d), &d, sizeof(d));

		if (r < 0)
			return r;
		if (d.d_tag == DT_NULL)
			break;
		*ret = d.d_un.d_ptr;
		if (d.d_tag == DT_DEBUG)
			return *ret ? 0 : -ENODATA;
	}
	return -ENODATA;
}

static int walk(int mem, uint64_t debug, uint64_t *ret, size_t max, size_t *ret_n)
{
	struct link_map map;
	struct r_debug head;
	size_t n = 0;
	int r = read_memory(mem, debug, &head, sizeof(head));

	for (uint64_t at = r == 0 ? (uint64_t)head.r_map : 0; at && n < max;
	     at = (uint64_t)map.l_next) {
		r = read_memory(mem, at, &map, sizeof(map));
		if (r < 0)
			break;
		ret[n++] = map.l_addr;
	}
	*ret_n = n;
	return r == 0 && n == 0 ? -ENODATA : r;
}

int load_order(const struct source *source, uint64_t *ret, size_t max, size_t *ret_n)
{
	_cleanup_close_ int mem = -1;
	uint64_t headers = 0, dynamic = 0, debug = 0;
	size_t n = 0;
	int r = find_headers(source, &headers, &n);

	if (r == 0)
		r = open_file(source, WIRE_MEM, &mem);
	if (r == 0)
		r = find_dynamic(mem, headers, n, &dynamic);
	if (r == 0)
		r = find_debug(mem, dynamic, &debug);
	return r < 0 ? r : walk(mem, debug, ret, max, ret_n);
}
