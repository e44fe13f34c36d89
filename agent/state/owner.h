/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose series they are, in a model and in a file. */
#pragma once

#include "agent/model/model.h"
#include "agent/state/bytes.h"

enum owner_kind { OWNER_END, OWNER_PROCESS, OWNER_GROUP, OWNER_NETNS, OWNER_MAX };

/* A process and a network namespace are known by this within one boot, a group for ever. */
struct owner {
	enum owner_kind kind;
	uint64_t pid, start, exec_id; /* of a process */
	struct taken_base base;	      /* of a process */
	uint64_t inode;		      /* of a namespace */
	char *name;		      /* of a group */
};

/* Append it, as owner_get reads it. */
void owner_put(struct bytes *b, const struct owner *o);
/* The next owner, or the end of a list of them; a group's name is to be freed. 0, -EBADMSG or
 * -ENOMEM. */
int owner_get(struct cursor *c, struct owner *ret);

/* Each of a model with its cells, in the order of its lists; the name is the model's. */
typedef void owner_visit(void *context, const struct owner *o, struct model_cell *cells);
void owners_visit(struct model *m, owner_visit *visit, void *context);

/*
 * The cells of an owner in a model that had its first census, and what taken_of() needs for them; a
 * process goes on from its base, a group is made when it is not there. NULL for none.
 */
struct model_cell *owner_resume(struct model *m, const struct owner *o,
				const struct taken **ret_taken);
