/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose a Go function is, by its full name ("net/http.(*Transport).getConn"). */
#pragma once

#include <stdbool.h>

/* Of the runtime itself: what allocates, grows a map or a stack for the program. */
bool go_function_is_runtime(const char *function);

/* The runtime's one way into the kernel, for itself and for package syscall. */
bool go_function_is_syscall(const char *function);

/* Of the standard library, the runtime included. By the first part of its package's path, of which
 * the standard library has these only, and none with a dot. */
bool go_function_is_standard(const char *function);

/* Of what programs start their goroutines through, whatever these do: golang.org/x/sync and the
 * like. A go statement there says nothing of who wants the goroutine. */
bool go_function_is_spawner(const char *function);

/* Of what programs reach their database through: database/sql, and drivers and mappers that are
 * widely used. */
bool go_function_is_database(const char *function);
