/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes, threads, address spaces: the census of bpf/task.bpf.c, into the model. */
#pragma once

#include "agent/model/model.h"

struct task_census;

/* Loads and attaches. 0; -ENOENT without BTF, -EPERM and the like from the kernel. */
int task_census_new(struct task_census **ret);
void task_census_free(struct task_census *c);

/* One sweep between model_begin() and model_end(); the first of the topics, since it is the one
 * that creates processes. */
int task_census_run(struct task_census *c, struct model *m);
