/* SPDX-License-Identifier: GPL-2.0-only */
/* The agent's own figures, for the process_* metrics that every exporter has. */
#pragma once

struct self {
	double cpu_seconds;
	double start_time;	  /* seconds since the epoch */
	double resident, virtual; /* bytes */
	double threads, open_fds, max_fds;
};

/* What cannot be read is NAN. */
void self_read(struct self *ret);
