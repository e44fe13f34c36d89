/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration file of a command: its long options, one NAME=VALUE a line; a flag is its name
 * alone; empty lines and lines that begin with # are passed over. The command line wins.
 */
#pragma once

#include <stddef.h>

#include "agent/options.h"

/*
 * Like options_parse, but what the file named by the string option at file_offset says is taken
 * first. The values may point into memory that is kept until the process ends.
 */
int config_parse(const struct command *c, int argc, char **argv, void *values, size_t file_offset);
