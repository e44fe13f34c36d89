/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The census from /proc alone, for a host without BTF or BPF: slower, without ages of descriptors,
 * TCP states and inotify watches, and it says so in each row that misses something.
 */
#pragma once

#include "agent/model/model.h"

struct procfs;

int procfs_new(pid_t only_pid, struct procfs **ret);
void procfs_free(struct procfs *f);

/* In the place of the task census and of the descriptor census. 0 or negative errno. */
int procfs_tasks(struct procfs *f, struct model *m);
int procfs_files(struct procfs *f, struct model *m);

/* One process only, for who asks about no other. */
void procfs_process(struct procfs *f, struct model *m, pid_t pid);
