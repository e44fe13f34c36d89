// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/model/escape.h"
#include "agent/probe/identity.h"

char *identity_program(pid_t pid)
{
	char name[64], path[PATH_MAX + 1];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%d/exe", pid);
	n = readlink(name, path, sizeof(path) - 1);
	if (n < 0)
		return NULL;
	path[n] = '\0';
	return escape_strdup(path);
}

/*
 * The path in the unified hierarchy if that is where the host keeps its services, else in systemd's
 * own. Lines are ID:CONTROLLERS:PATH (cgroups(7)); the unified one is "0::PATH".
 */
static char *read_cgroup(pid_t pid)
{
	char name[64], line[PATH_MAX + 64];
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *unified = NULL, *named = NULL;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	f = fopen(name, "re");
	while (f && fgets(line, sizeof(line), f)) {
		char *controllers = strchr(line, ':'),
		     *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		if (controllers[1] == '\0' && !unified)
			unified = escape_strdup(path);
		else if (strcmp(controllers + 1, "name=systemd") == 0 && !named)
			named = escape_strdup(path);
	}
	if (unified && (strcmp(unified, "/") != 0 || !named))
		return TAKE_PTR(unified);
	return TAKE_PTR(named);
}

void identity_update(struct model *m, struct model_process *p, bool fresh, uint64_t cgroups)
{
	if (!fresh && p->cgroups == cgroups && p->group)
		return;
	free(p->exe);
	free(p->cgroup);
	p->exe = p->kernel_thread ? NULL : identity_program(p->pid);
	p->cgroup = p->kernel_thread ? NULL : read_cgroup(p->pid);
	p->cgroups = cgroups;
	if (model_set_group(m, p) < 0)
		m->lost[LOSS_MODEL][LOSS_NO_MEMORY]++;
}
