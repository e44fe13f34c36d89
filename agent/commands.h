/* SPDX-License-Identifier: GPL-2.0-only */
/* What main() can run: one file each. */
#pragma once

#include "agent/options.h"

extern const struct command command_agent;   /* agent/agent.c */
extern const struct command command_top;     /* agent/top/top.c */
extern const struct command command_explain; /* agent/explain/explain.c */
extern const struct command command_check;   /* agent/check.c */
extern const struct command command_replay;  /* agent/replay/replay.c */
