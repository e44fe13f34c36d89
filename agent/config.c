// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/config.h"

#define MOST_LINES 256

/* Turn a line into the word that the command line would have: "--" and the line, without blanks. */
static char *option_word(char *line)
{
	char *begin = line + strspn(line, " \t"), *end = begin + strlen(begin), *word = NULL;

	while (end > begin && strchr(" \t\r\n", end[-1]))
		*--end = '\0';
	if (!*begin || *begin == '#')
		return NULL;
	return asprintf(&word, "--%s", begin) < 0 ? NULL : word;
}

/* The words of the file, after argv[0]. 0 or negative errno. */
static int read_words(const char *path, char **words, int *n)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[4096];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		char *word = option_word(line);

		if (!word)
			continue;
		if (*n >= MOST_LINES) {
			free(word);
			return -E2BIG;
		}
		words[(*n)++] = word;
	}
	return ferror(f) ? -EIO : 0;
}

int config_parse(const struct command *c, int argc, char **argv, void *values, size_t file_offset)
{
	static char *words[MOST_LINES + 1]; /* the values point into them */
	int n = 0, r = options_parse(c, argc, argv, values);
	const char *path = *(const char **)((char *)values + file_offset);

	if (r <= 0 || !path)
		return r;
	words[n++] = argv[0];
	r = read_words(path, words, &n);
	if (r < 0) {
		log_error(r, "%s: cannot read '%s'", c->name, path);
		return -1;
	}
	r = options_parse(c, n, words, values);
	if (r < 0)
		return r;
	return options_parse(c, argc, argv, values);
}
