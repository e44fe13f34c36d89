// SPDX-License-Identifier: GPL-2.0-only
#include "agent/base/log.h"
#include "agent/commands.h"

static const struct option_row options[] = { { 0 } };

static int run_check(const struct command *self, int argc, char **argv)
{
	(void)options_parse;
	log_error(0, "%s: not built yet", self->name);
	return EXIT_IMPOSSIBLE;
}

const struct command command_check = { "check", "", "under construction", options, run_check };
