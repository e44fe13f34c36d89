/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known, said to people: one sentence on one slot of one holder. The words and numbers are
 * the same in every output. Results are always terminated.
 */
#pragma once

#include "agent/model/holder.h"

/* "nginx.service/nginx (nginx, pid 812): 41 tcp CLOSE_WAIT/h to 10.0.0.5:5432, limit 1024
 * (RLIMIT_NOFILE) in 6 h". */
void sentence_growth(const struct holder *h, enum seep_slot slot, char *dst, size_t size);

/*
 * What birth times tell at the first look: "db.service/db (db, pid 7): 4,000 threads, a steady 27
 * an hour over 6 days, limit 4915 (pids.max) in 33 h". False, and nothing said, when births_telling
 * says no.
 */
bool sentence_births(const struct model_process *p, char *dst, size_t size);
/* Whether the threads that live were born steadily, by enough of them and over long enough to be
 * no chance; *ret_per_hour is their rate. */
bool births_telling(const struct model_process *p, double *ret_per_hour);

/* "redis.service/redis (redis, pid 3): 812 fd, 79 % of 1024 (RLIMIT_NOFILE)". */
void sentence_share(const struct holder *h, enum seep_slot slot, char *dst, size_t size);

/* "fd socket", "thread": a slot in words. */
void sentence_slot(enum seep_slot slot, char *dst, size_t size);

/* "10.0.0.5:5432", or without a port where the port says nothing. Empty when it has no form. */
void sentence_peer(const struct model_peer *peer, char *dst, size_t size);
