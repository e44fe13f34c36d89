// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/cleanup.h"
#include "agent/state/folder.h"
#include "agent/state/snapshot.h"

#define CHUNK (64 * 1024) /* bytes that are written at once, about */

static const struct snapshot_header ours = { "seep-st", .format = 1 };

struct writer {
	int fd, error;
	uint32_t number, crc;
	uint64_t written;
	struct bytes out, *values;
};

static void flush(struct writer *w)
{
	if (!w->error)
		w->error = w->out.failed ? -ENOMEM : folder_write(w->fd, w->out.data, w->out.n);
	w->crc = bytes_crc(w->crc, w->out.data, w->out.n);
	w->written += w->out.n;
	w->out.n = 0;
}

static void put_name(struct bytes *b, enum seep_slot slot)
{
	const struct slot_info *info = slot_info(slot);
	char name[64];
	int n = snprintf(name, sizeof(name), "%s%s%s", info->resource, info->kind ? "/" : "",
			 info->kind ? info->kind : "");

	bytes_put_byte(b, (uint8_t)n);
	bytes_put(b, name, (size_t)n);
}

static void put_header(struct writer *w, const struct model *m, uint64_t generation,
		       const char *boot_id)
{
	struct snapshot_header h = ours;

	h.layout = series_layout();
	h.generation = generation;
	h.now = m->now;
	h.window = m->window;
	snprintf(h.boot_id, sizeof(h.boot_id), "%s", boot_id);
	bytes_put(&w->out, &h, sizeof(h));
	bytes_put_byte(&w->out, SLOT_MAX);
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		put_name(&w->out, s);
}

static void put_series(struct writer *w, enum seep_slot slot, struct series *s)
{
	float value = series_take_added(s);
	uint8_t *at;

	series_set_number(s, ++w->number);
	bytes_put(w->values, &value, sizeof(value));
	bytes_put_byte(&w->out, (uint8_t)slot);
	bytes_put(&w->out, &value, sizeof(value));
	at = bytes_room(&w->out, SERIES_SAVED_MAX);
	if (at)
		w->out.n += series_save(s, at);
}

static void put_owner(void *context, const struct owner *o, struct model_cell *cells)
{
	struct writer *w = context;
	uint8_t n = 0;

	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		n += cells[s].series != NULL;
	if (!n || w->error)
		return;
	owner_put(&w->out, o);
	bytes_put_byte(&w->out, n);
	for (enum seep_slot s = 0; s < SLOT_MAX; s++)
		if (cells[s].series)
			put_series(w, s, cells[s].series);
	if (w->out.n >= CHUNK)
		flush(w);
}

int snapshot_write(int fd, struct model *m, uint64_t generation, const char *boot_id,
		   struct bytes *values, uint64_t *ret_size)
{
	struct writer w = { .fd = fd, .values = values };

	values->n = 0;
	put_header(&w, m, generation, boot_id);
	owners_visit(m, put_owner, &w);
	bytes_put_byte(&w.out, OWNER_END);
	flush(&w);
	bytes_put(&w.out, &w.crc, sizeof(w.crc));
	flush(&w);
	bytes_free(&w.out);
	if (values->failed)
		return -ENOMEM;
	*ret_size = w.written;
	return w.error;
}

/* Which of our slots the file's are. */
static void get_slots(struct cursor *c, struct saved *s)
{
	uint8_t n = cursor_get_byte(c);

	memset(s->slots, SLOT_MAX, sizeof(s->slots));
	for (uint8_t i = 0; i < n && !c->bad; i++) {
		char name[UINT8_MAX + 1] = "", *kind;

		cursor_get(c, name, cursor_get_byte(c));
		kind = strchr(name, '/');
		if (kind)
			*kind++ = '\0';
		s->slots[i] = (uint8_t)slot_find(name, kind);
	}
}

static int get_series(struct cursor *c, struct saved *s, enum owner_kind whose)
{
	struct series *series;
	uint8_t slot = cursor_get_byte(c);
	float value;
	size_t used;
	int r;

	cursor_get(c, &value, sizeof(value));
	if (isinf(value))
		return -EBADMSG;
	r = series_load(c->at, (size_t)(c->end - c->at), &series, &used);
	if (r < 0)
		return r;
	c->at += used;
	return saved_add_series(s, slot, series, value);
}

static const char *check(const uint8_t *data, size_t size, struct snapshot_header *ret)
{
	uint32_t crc;

	if (size < sizeof(*ret) + sizeof(crc) || memcmp(data, ours.magic, sizeof(ours.magic)) != 0)
		return "is no state of seep";
	memcpy(ret, data, sizeof(*ret));
	if (ret->format != ours.format || ret->layout != series_layout())
		return "is of another version";
	memcpy(&crc, data + size - sizeof(crc), sizeof(crc));
	if (crc != bytes_crc(0, data, size - sizeof(crc)) || !isfinite(ret->now) ||
	    !isfinite(ret->window) || ret->window <= 0 || ret->boot_id[BOOT_ID_SIZE - 1])
		return "is corrupt";
	return NULL;
}

int snapshot_read(const uint8_t *data, size_t size, struct saved **ret, const char **ret_why)
{
	struct snapshot_header h;
	struct cursor c = { data + sizeof(h), data + size - sizeof(uint32_t), false };
	struct saved *s;
	int r;

	*ret_why = check(data, size, &h);
	if (*ret_why)
		return -EBADMSG;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->now = h.now;
	s->window = h.window;
	s->generation = h.generation;
	memcpy(s->boot_id, h.boot_id, sizeof(h.boot_id));
	get_slots(&c, s);
	r = saved_get_owners(&c, s, get_series);
	if (r == 0 && (c.bad || c.at != c.end))
		r = -EBADMSG;
	if (r < 0) {
		*ret_why = "is corrupt";
		saved_free(s);
		return r;
	}
	*ret = s;
	return 0;
}
