/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a process of this host keeps the lock of its memory and does not let go.
 *
 * To set or take out a user probe the kernel takes that lock, for writing, of every process that
 * has the probed file mapped, whomever the probe is for; it cannot be interrupted in that, and no
 * process of the host can fork meanwhile (register_for_each_vma in kernel/events/uprobes.c holds
 * dup_mmap_sem). One process whose page fault waits for a dead file server, and a probe on the C
 * library stops the host. So who sets probes looks before.
 */
#pragma once

#include <sys/types.h>

/*
 * Looks until each lock that matters was seen free, or in other hands than before: at once, mostly.
 * 0 then; -EBUSY when one was in the same hands for a second, and *ret_holder is the
 * process, 0 for one that is not visible here. Those matter that may have the file mapped: all
 * processes, but where the file with this inode number is the program of pid itself, only those
 * that run it too. Where the kernel cannot be asked nothing is known, and 0 is returned.
 * From one thread only: what the first question loads is kept for the next.
 */
int memlock_wait(pid_t pid, ino_t file, pid_t *ret_holder);
