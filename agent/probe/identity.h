/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who a process is: the path of its program, its cgroup, and so its group. Read from /proc once an
 * exec generation, and the cgroup again when the process was moved. Neither waits for the process.
 */
#pragma once

#include "agent/model/model.h"

/* The path of a process's program, escaped, freed by the caller; NULL when it has none or is gone.
 */
char *identity_program(pid_t pid);

/* cgroups names the combination of cgroups that the process is in. */
void identity_update(struct model *m, struct model_process *p, bool fresh, uint64_t cgroups);
