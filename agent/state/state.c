// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/cleanup.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/state/folder.h"
#include "agent/state/journal.h"
#include "agent/state/snapshot.h"
#include "agent/state/state.h"

#define TRENDS	 "trends"
#define OLD	 "trends.old"
#define NEW	 "trends.new"
#define JOURNAL	 "journal"
#define A_WINDOW 8	      /* snapshots */
#define A_LITTLE (256 * 1024) /* bytes of journal that are no reason for a snapshot */
#define BOOT_ID	 "/proc/sys/kernel/random/boot_id"

struct state {
	int folder, journal; /* -1: a snapshot comes first */
	double window;
	char boot_id[BOOT_ID_SIZE];
	struct saved *saved; /* until the model took it */
	uint64_t generation; /* of the last snapshot */
	double due;	     /* the next, seconds since the epoch */
	uint64_t snapshot_bytes, journal_bytes;
	struct bytes values, entry;
	int failing; /* the errno that was said, or 0 */
	bool said;   /* that a file was wrong: once is enough */
};

/* One of each is kept. */
static void set_aside(struct state *s, const char *name, const char *why)
{
	char bad[32];
	int r;

	snprintf(bad, sizeof(bad), "%s.bad", name);
	r = folder_rename(s->folder, name, bad);
	if (!s->said)
		log_warn(r, "state: '%s' %s; %s %s", name, why,
			 r < 0 ? "it cannot be set aside as" : "set aside as", bad);
	s->said = true;
}

/* 0, or an error that was said, or -ENOENT. */
static int read_trends(struct state *s, const char *name)
{
	_cleanup_free_ uint8_t *data = NULL;
	const char *why = "is no file of seep";
	size_t size = 0;
	int r = folder_read(s->folder, name, &data, &size);

	if (r == 0)
		r = snapshot_read(data, size, &s->saved, &why);
	if (r == -EBADMSG)
		set_aside(s, name, why);
	else if (r < 0 && r != -ENOENT)
		log_warn(r, "state: cannot read '%s'", name);
	return r;
}

static void read_journal(struct state *s)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t size = 0;
	bool damaged = false;
	int r = folder_read(s->folder, JOURNAL, &data, &size);

	if (r == 0)
		journal_replay(data, size, s->saved, &damaged);
	if (r == -EBADMSG || damaged)
		set_aside(s, JOURNAL, damaged ? "is corrupt" : "is no file of seep");
	else if (r < 0 && r != -ENOENT)
		log_warn(r, "state: cannot read '" JOURNAL "'");
}

static void forget(struct state *s, const char *why)
{
	log_warn(0, "state: what is saved %s; trends begin anew", why);
	saved_free(s->saved);
	s->saved = NULL;
}

/* Without a snapshot the one before is taken; then the journal is not of it, unless the agent ended
 * between the two renames. */
static void load(struct state *s)
{
	int r = read_trends(s, TRENDS);

	if (r < 0)
		r = read_trends(s, OLD);
	if (r < 0)
		return;
	s->generation = s->saved->generation;
	if (s->saved->window != s->window)
		forget(s, "is of another --trend.window");
	else
		read_journal(s);
}

int state_new(const char *directory, double window, struct state **ret)
{
	_cleanup_free_ struct state *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = text_read_line(BOOT_ID, s->boot_id, sizeof(s->boot_id));
	if (r == 0)
		r = folder_open(directory, &s->folder);
	if (r < 0)
		return r;
	s->journal = -1;
	s->window = window;
	load(s);
	*ret = TAKE_PTR(s);
	return 0;
}

void state_free(struct state *s)
{
	if (!s)
		return;
	saved_free(s->saved);
	bytes_free(&s->values);
	bytes_free(&s->entry);
	safe_close(s->journal);
	safe_close(s->folder);
	free(s);
}

static void adopt(struct state *s, struct model *m)
{
	char span[32];
	size_t n;

	if (s->saved->now > m->now + m->window / A_WINDOW) {
		forget(s, "is of the future");
		return;
	}
	n = saved_adopt(s->saved, m, strcmp(s->saved->boot_id, s->boot_id) == 0);
	model_format_span(fmax(m->now - s->saved->now, 0), span, sizeof(span));
	log_info("state: %zu of %zu trends go on after %s", n, s->saved->n_series, span);
	saved_free(s->saved);
	s->saved = NULL;
}

static int begin_journal(struct state *s)
{
	struct journal_header h = journal_begin(s->generation);
	int r;

	s->journal = folder_create(s->folder, JOURNAL);
	if (s->journal < 0)
		return s->journal;
	s->journal_bytes = 0;
	r = folder_write(s->journal, &h, sizeof(h));
	if (r < 0)
		s->journal = safe_close(s->journal);
	return r;
}

static int save_all(struct state *s, struct model *m)
{
	_cleanup_close_ int fd = folder_create(s->folder, NEW);
	int r = fd;

	s->journal = safe_close(s->journal);
	s->due = m->now + m->window / A_WINDOW;
	if (r >= 0)
		r = snapshot_write(fd, m, s->generation + 1, s->boot_id, &s->values,
				   &s->snapshot_bytes);
	if (r < 0) {
		unlinkat(s->folder, NEW, 0);
		return r;
	}
	r = folder_rename(s->folder, TRENDS, OLD);
	if (r == 0)
		r = folder_rename(s->folder, NEW, TRENDS);
	if (r < 0)
		return r;
	s->generation++;
	return begin_journal(s);
}

static int save_changes(struct state *s, struct model *m)
{
	int r = journal_entry(m, &s->values, &s->entry);

	if (r == 0)
		r = folder_write(s->journal, s->entry.data, s->entry.n);
	s->journal_bytes += s->entry.n;
	if (s->entry.max > A_LITTLE)
		bytes_free(&s->entry);
	if (r < 0) /* it ends in a torn entry: the next comes after a snapshot */
		s->journal = safe_close(s->journal);
	return r;
}

static int save(struct state *s, struct model *m)
{
	bool due = m->now >= s->due || s->due > m->now + m->window; /* the clock was set back */

	if (s->journal >= 0 && !due &&
	    s->journal_bytes < (s->snapshot_bytes > A_LITTLE ? s->snapshot_bytes : A_LITTLE))
		return save_changes(s, m);
	return s->journal >= 0 || due ? save_all(s, m) : -s->failing;
}

void state_tend(struct state *s, struct model *m)
{
	int r;

	if (s->saved)
		adopt(s, m);
	r = save(s, m);
	if (r < 0) {
		m->lost[LOSS_STATE][LOSS_WRITE_FAILED]++;
		if (!s->failing)
			log_warn(r, "state: trends are not saved");
		s->failing = -r;
	} else if (s->failing) {
		s->failing = 0;
		log_info("state: trends are saved again");
	}
}
