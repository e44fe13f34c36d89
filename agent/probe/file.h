/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptors and sockets: the census of bpf/file.bpf.c, into the model. */
#pragma once

#include "agent/model/model.h"
#include "agent/probe/connections.h"

struct file_census;

/* Loads, attaches and learns the kinds of descriptors that only their operations tell. only_pid
 * limits the sweep to one process, 0 for all. */
int file_census_new(pid_t only_pid, struct file_census **ret);
void file_census_free(struct file_census *c);

/* Note the sockets that c wants in every sweep; NULL: none. */
void file_census_note(struct file_census *f, struct connections *c);

/* One sweep, after the task census of the same model census. */
int file_census_run(struct file_census *c, struct model *m);

/* The kinds that this kernel does not have, as words parted by a space; "" when it has all. */
const char *file_census_missing(const struct file_census *c);
