/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The web side as the agent drives it: bind, start the child, hand it each census, replace it when
 * it dies. Nothing here waits for a client.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/model/model.h"

struct web;

struct web_options {
	const char *listen_address; /* address.h */
	const char *telemetry_path; /* "/metrics" */
};

/*
 * Bind and start the child. What fails is logged in one line: -EINVAL for an option that makes no
 * sense, any other for what is not possible here (the port is taken).
 */
int web_new(const struct web_options *o, struct web **ret);
/* Ends the child. */
void web_free(struct web *w);

/* Where it listens, as text: with the port that the kernel chose for port 0. */
const char *web_address(const struct web *w);

/*
 * Render the model in each format and hand it to the child; once a census, after model_end. Counts
 * in the model what the caps kept out and how often the child crashed. A dead child is replaced.
 * 0, -ENOMEM, or what kept it from the child, which then serves the census before.
 */
int web_publish(struct web *w, struct model *m);

/* Readable when the child has died, for the agent's poll; -1 when there is no child. */
int web_fd(const struct web *w);
/* Replace a dead child, which gets the last census. To be called when web_fd is readable. */
void web_tend(struct web *w);
bool web_is_alive(const struct web *w);

static inline void web_freep(struct web **w)
{
	web_free(*w);
}
