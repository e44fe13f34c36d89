/* SPDX-License-Identifier: GPL-2.0-only */
/* What seep itself spends, and its children. */
#pragma once

/* CPU seconds of this process and of its living and reaped children. */
double cost_own_seconds(void);
