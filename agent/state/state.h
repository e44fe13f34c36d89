/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent's trends outlive it (--state.directory): a restart, an upgrade, a kill -9 at any moment
 * lose at most the interval at hand.
 *
 * The directory holds
 *
 *   trends       a snapshot of all series (snapshot.h), written anew when an eighth of a window has
 *                passed, or when the journal has grown larger than it
 *   trends.old   the one before
 *   journal      what was added since, one write an interval, of the series whose value changed
 *                (journal.h). Snapshot and journal give the same series to the bit; what a
 *                process had at its first window (model/taken.h) is that of the snapshot
 *   *.bad        what could not be read and was set aside, the last one of each name
 *
 * Nothing waits for the disk. A process that is killed leaves what it wrote with the kernel; when
 * the host loses power, some thirty seconds that the kernel had not written yet are lost. Then
 * trends may be damaged, and trends.old is taken, which was written an eighth of a window before:
 * by default 7.5 minutes, a gap like another.
 *
 * Who is who: a process is the same by pid, start and exec generation within one boot and inherits
 * nothing otherwise; a network namespace by its inode within one boot; a group by its name, over
 * restarts of what it is and of the host. The time in between is a gap of the series (series.h). A
 * state of another --trend.window does not apply.
 *
 * The ages of objects (model/ages.h) are not kept: `oldest` begins anew with the agent, and what
 * the first census sees counts as old at once. So the series of old objects are ahead by what a
 * window brings, then wait a window until what came since is old: once, and neither longer nor more
 * than that. It cannot be taken for a leak, which must go on for a day of windows.
 */
#pragma once

#include "agent/model/model.h"

struct state;

/*
 * Read what the directory holds; what is wrong with it is said. -EPERM when others than this user
 * may write there, -EBUSY when another agent has it, or another negative errno.
 */
int state_new(const char *directory, double window, struct state **ret);
void state_free(struct state *s);

/*
 * After each census: the first time the model takes what was saved, then what the census told is
 * saved. A failure is said when it begins and when it ends, and counted in the model.
 */
void state_tend(struct state *s, struct model *m);
