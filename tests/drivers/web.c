// SPDX-License-Identifier: GPL-2.0-only
/*
 * The web side without an agent: serves a model made by hand, for tests of clients.
 *
 *     web ADDRESS PATH GROUPS
 *
 * Prints the address, then obeys one word a line: "publish" takes a census of GROUPS groups, "tend"
 * replaces a dead child; each is answered by "ok" and the crashes counted so far. Ends with its
 * input.
 */
#include <errno.h>

#include "agent/options.h"
#include "exporters/http/web.h"
#include "tests/unit/model_fixture.h"

static struct model *busy_model(unsigned int groups)
{
	struct model *m = fixture_model();

	for (unsigned int i = 0; i < groups; i++)
		fixture_busy_group(m, i);
	return m;
}

static void obey(struct web *w, struct model *m, const char *word)
{
	if (strcmp(word, "publish\n") == 0) {
		m->now += m->interval;
		m->census++;
		web_publish(w, m);
	} else {
		web_tend(w);
	}
	printf("ok %lu\n", (unsigned long)m->lost[LOSS_WEB][LOSS_CRASHED]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct web_options options = { argv[1], argv[2] };
	struct web *w;
	struct model *m;
	char line[64];
	int r;

	r = web_new(&options, &w);
	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : EXIT_IMPOSSIBLE;
	m = busy_model((unsigned int)atoi(argv[3]));
	printf("%s\n", web_address(w));
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		obey(w, m, line);
	fixture_free(m);
	web_free(w);
	return EXIT_DONE;
}
