/* SPDX-License-Identifier: GPL-2.0-only */
/* libbpf's own messages go to the log: a refused rung is normal, so all of them are for debugging.
 */
#pragma once

void libbpf_log_setup(void);
