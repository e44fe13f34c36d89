/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options are rows: one table feeds the parser, --help and the manual page. Values land in the
 * command's own struct by offset; what is not given keeps the default that the struct held.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum option_type {
	OPT_FLAG,     /* bool */
	OPT_STRING,   /* const char *, points into argv */
	OPT_PID,      /* int, positive */
	OPT_COUNT,    /* int, not negative */
	OPT_DURATION, /* double, seconds; "250ms", "30s", "5m", "1h", "2d", a bare number is seconds
		       */
	OPT_PERCENT,  /* double, share of 1; "2%" or "0.02" */
};

struct option_row {
	const char *name; /* long name, as in --name */
	char letter;	  /* short form or 0 */
	enum option_type type;
	size_t offset;
	const char *value; /* what help calls the value; NULL for a flag */
	const char *help;
};

struct command {
	const char *name;
	const char *usage;		  /* what follows the options, "" for nothing */
	const char *summary;		  /* one line */
	const struct option_row *options; /* ended by a row without name */
	int (*run)(const struct command *self, int argc, char **argv); /* an exit status */
};

enum { EXIT_DONE = 0, EXIT_VERDICT = 1, EXIT_USAGE = 2, EXIT_IMPOSSIBLE = 3 };

/*
 * Parse argv[1..] into *values. Returns the index of the first operand, or -1 when one clear line
 * was written to stderr (the caller exits with EXIT_USAGE), or 0 when --help was asked and shown.
 */
int options_parse(const struct command *c, int argc, char **argv, void *values);

/* The part of the manual page or of --help that the rows give. */
void options_help(const struct command *c);

/* -EINVAL for what is no duration; seconds. */
int parse_duration(const char *word, double *ret_seconds);
