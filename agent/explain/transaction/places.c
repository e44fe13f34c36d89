// SPDX-License-Identifier: GPL-2.0-only
#include "agent/explain/transaction/places.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/cleanup.h"

static void place_free(struct place *p)
{
	site_frames_free(p->frames, p->n_frames);
	free(p->pcs);
	free(p);
}

void places_free(struct place *p)
{
	for (struct place *next; p; p = next) {
		next = p->next;
		place_free(p);
	}
}

bool places_same_server(const struct transaction_row *a, const struct transaction_row *b)
{
	return a->family == b->family && a->remote_port == b->remote_port &&
	       memcmp(a->remote_addr, b->remote_addr, sizeof(a->remote_addr)) == 0;
}

static struct place *place_new(struct place **list, const struct transaction_row *row,
			       const uint64_t *pcs, size_t n)
{
	struct place *p = calloc(1, sizeof(*p));

	if (p)
		p->pcs = calloc(n ? n : 1, sizeof(*pcs));
	if (!p || !p->pcs) {
		free(p);
		return NULL;
	}
	memcpy(p->pcs, pcs, n * sizeof(*pcs));
	p->n_pcs = n;
	p->server = *row;
	p->next = *list;
	*list = p;
	return p;
}

struct place *places_get(struct place **list, const struct transaction_row *row,
			 const uint64_t *pcs, size_t n)
{
	for (struct place *p = *list; p; p = p->next)
		if (p->n_pcs == n && memcmp(p->pcs, pcs, n * sizeof(*pcs)) == 0 &&
		    places_same_server(&p->server, row))
			return p;
	return place_new(list, row, pcs, n);
}

void places_name(struct place *p,
		 int (*f)(void *context, const uint64_t *pcs, size_t n, struct site_frame **ret,
			  size_t *ret_n),
		 void *context)
{
	for (; p; p = p->next)
		if (p->n_pcs && !p->frames &&
		    f(context, p->pcs, p->n_pcs, &p->frames, &p->n_frames) < 0)
			p->n_frames = 0;
}

static bool is_user(const struct place *user, const struct transaction_row *server)
{
	return user->n_frames && places_same_server(&user->server, server);
}

static bool has_function(const struct place *p, const char *function)
{
	for (size_t i = 0; i < p->n_frames; i++)
		if (strcmp(p->frames[i].function, function) == 0)
			return true;
	return false;
}

static bool have_all(const struct place *list, const struct transaction_row *server,
		     const char *function)
{
	for (const struct place *user = list; user; user = user->next)
		if (is_user(user, server) && !has_function(user, function))
			return false;
	return true;
}

/* Every stack has these. */
static bool is_common(const char *function)
{
	return !*function || strcmp(function, "main") == 0 || strcmp(function, "main.main") == 0 ||
	       strncmp(function, "runtime.", strlen("runtime.")) == 0 ||
	       strncmp(function, "net/", strlen("net/")) == 0;
}

const struct place *places_user(const struct place *list, const struct transaction_row *server,
				size_t *ret)
{
	const struct place *user = list;
	struct finding f = { .resource = "transaction" };

	while (user && !is_user(user, server))
		user = user->next;
	if (!user)
		return NULL;
	f.frames = user->frames;
	f.n_frames = user->n_frames;
	for (*ret = (size_t)(finding_frame(&f) - f.frames); *ret < f.n_frames; (*ret)++)
		if (!is_common(f.frames[*ret].function) &&
		    have_all(list, server, f.frames[*ret].function))
			return user;
	return NULL;
}
