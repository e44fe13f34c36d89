/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the running kernel says of the types that seep reads, and no more of it.
 *
 * libbpf reads and searches the kernel's whole BTF, 100,000 types and more, anew for each object
 * that is loaded. So the few that bpf/vmlinux.h declares are copied out of it once, with all that
 * they hold by value, and each object is relocated against the copy.
 */
#pragma once

struct bpf_object_open_opts;

/*
 * Options to open an object with. The first call makes the copy, which is kept to the end of the
 * process. Where it cannot be made they name none, and libbpf looks for itself. From one thread
 * only.
 */
const struct bpf_object_open_opts *kernel_types(void);
