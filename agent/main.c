// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/base/log.h"
#include "agent/commands.h"
#include "agent/probe/libbpf_log.h"

static const struct command *const commands[] = { &command_agent, &command_top, &command_explain,
						  &command_check, &command_replay };

static int usage(FILE *to)
{
	fprintf(to, "usage: seep COMMAND [options]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(to, "\nseep COMMAND --help shows its options.\n");
	return to == stdout ? EXIT_DONE : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return usage(stdout);
	if (strcmp(argv[1], "--version") == 0) {
		printf("seep %s\n", SEEP_VERSION);
		return EXIT_DONE;
	}
	libbpf_log_setup();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i]->name) == 0)
			return commands[i]->run(commands[i], argc - 1, argv + 1);
	log_error(0, "'%s' is no command; see 'seep --help'", argv[1]);
	return EXIT_USAGE;
}
