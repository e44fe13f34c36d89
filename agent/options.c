// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/options.h"

#define MAX_OPTIONS 32
#define OPTION_BASE 1000 /* above every short letter */
#define OPTION_HELP 999

int parse_duration(const char *word, double *ret_seconds)
{
	static const struct {
		const char *suffix;
		double seconds;
	} units[] = { { "", 1 },   { "ms", 1e-3 }, { "s", 1 },
		      { "m", 60 }, { "h", 3600 },  { "d", 86400 } };
	char *end;
	double value;

	errno = 0;
	value = strtod(word, &end);
	if (end == word || errno || !isfinite(value) || value < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].suffix) == 0) {
			*ret_seconds = value * units[i].seconds;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_percent(const char *word, double *ret_share)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(word, &end);
	if (end == word || errno || !isfinite(value) || value <= 0)
		return -EINVAL;
	if (strcmp(end, "%") == 0)
		value /= 100;
	else if (*end)
		return -EINVAL;
	if (value > 1)
		return -EINVAL;
	*ret_share = value;
	return 0;
}

static int parse_int(const char *word, long lowest, int *ret_value)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(word, &end, 10);
	if (end == word || *end || errno || value < lowest || value > INT_MAX)
		return -EINVAL;
	*ret_value = (int)value;
	return 0;
}

static int set_value(const struct option_row *o, const char *word, void *values)
{
	void *field = (char *)values + o->offset;

	switch (o->type) {
	case OPT_FLAG:
		*(bool *)field = true;
		return 0;
	case OPT_STRING:
		*(const char **)field = word;
		return 0;
	case OPT_PID:
		return parse_int(word, 1, field);
	case OPT_COUNT:
		return parse_int(word, 0, field);
	case OPT_DURATION:
		return parse_duration(word, field);
	case OPT_PERCENT:
		return parse_percent(word, field);
	}
	return -EINVAL;
}

/* getopt's own tables, from the rows. */
static void build_getopt(const struct command *c, struct option *longs, char *shorts)
{
	size_t n = 0;

	*shorts++ = '+';
	*shorts++ = ':';
	for (const struct option_row *o = c->options; o->name; o++, n++) {
		longs[n] = (struct option){ o->name, o->value ? required_argument : no_argument,
					    NULL, OPTION_BASE + (int)n };
		if (!o->letter)
			continue;
		*shorts++ = o->letter;
		if (o->value)
			*shorts++ = ':';
	}
	longs[n++] = (struct option){ "help", no_argument, NULL, OPTION_HELP };
	longs[n] = (struct option){ 0 };
	*shorts++ = 'h';
	*shorts = '\0';
}

static const struct option_row *find_row(const struct command *c, int code)
{
	if (code >= OPTION_BASE)
		return &c->options[code - OPTION_BASE];
	for (const struct option_row *o = c->options; o->name; o++)
		if (o->letter == code)
			return o;
	return NULL;
}

int options_parse(const struct command *c, int argc, char **argv, void *values)
{
	struct option longs[MAX_OPTIONS + 2];
	char shorts[2 * MAX_OPTIONS + 4];
	int code;

	build_getopt(c, longs, shorts);
	opterr = 0;
	optind = 1;
	while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct option_row *o;

		if (code == 'h' || code == OPTION_HELP) {
			options_help(c);
			return 0;
		}
		if (code == '?' || code == ':') {
			log_error(0, "%s: option '%s' %s; see 'seep %s --help'", c->name,
				  argv[optind - 1], code == ':' ? "needs a value" : "is unknown",
				  c->name);
			return -1;
		}
		o = find_row(c, code);
		if (set_value(o, optarg, values) < 0) {
			log_error(0, "%s: --%s does not take '%s'; it takes %s", c->name, o->name,
				  optarg, o->value);
			return -1;
		}
	}
	if (optind < argc && !*c->usage) {
		log_error(0, "%s: unexpected '%s'; see 'seep %s --help'", c->name, argv[optind],
			  c->name);
		return -1;
	}
	return optind;
}

void options_help(const struct command *c)
{
	printf("usage: seep %s [options]%s%s\n%s\n\n", c->name, *c->usage ? " " : "", c->usage,
	       c->summary);
	for (const struct option_row *o = c->options; o->name; o++) {
		char left[64];
		int n = o->letter ? snprintf(left, sizeof(left), "-%c, --%s", o->letter, o->name)
				  : snprintf(left, sizeof(left), "    --%s", o->name);

		if (o->value)
			snprintf(left + n, sizeof(left) - (size_t)n, "=%s", o->value);
		printf("  %-34s %s\n", left, o->help);
	}
	printf("  %-34s %s\n", "-h, --help", "show this");
}
