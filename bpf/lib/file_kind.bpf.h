/* SPDX-License-Identifier: GPL-2.0-only */
/* What a descriptor is, told from the type of its inode and from its file operations. */
#pragma once

#include "bpf/file.h"
#include "bpf/vmlinux.h"
#include <bpf/bpf_helpers.h>

#define S_IFMT	 0170000
#define S_IFSOCK 0140000
#define S_IFREG	 0100000
#define S_IFBLK	 0060000
#define S_IFDIR	 0040000
#define S_IFCHR	 0020000
#define S_IFIFO	 0010000

/* The operations of the kinds that the inode does not tell, learned by the user side. */
__u64 learned[FILE_KIND_LEARNED];

/* Learned kinds go first: since 6.17 the anonymous inode calls itself a regular file. */
static __always_inline u32 file_kind(u64 operations, u32 mode)
{
	u32 type = mode & S_IFMT;

	if (type == S_IFSOCK)
		return FILE_KIND_SOCKET;
	if (type == S_IFIFO)
		return FILE_KIND_PIPE;
	for (u32 kind = 1; kind < FILE_KIND_LEARNED; kind++)
		if (learned[kind] == operations)
			return kind;
	return type == S_IFREG || type == S_IFDIR || type == S_IFCHR || type == S_IFBLK
		       ? FILE_KIND_FILE
		       : FILE_KIND_OTHER;
}
