// SPDX-License-Identifier: GPL-2.0-only
/*
 * A state directory that root reads back: what is behind the checksums, which would keep a fuzzer
 * out. The first byte says whether the rest is a snapshot, or the entries of a journal over an
 * empty snapshot, each after a byte with its length.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/state/journal.h"
#include "agent/state/snapshot.h"

#define LARGEST 4096 /* each entry costs a sample of each series */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes make_snapshot(const uint8_t *data, size_t size)
{
	struct snapshot_header h = { "seep-st", .format = 1, .layout = series_layout(), .now = 1000,
				     .window = 60 };
	struct bytes b = { 0 };
	uint32_t crc;

	bytes_put(&b, &h, sizeof(h));
	bytes_put(&b, data, size);
	crc = bytes_crc(0, b.data, b.n);
	bytes_put(&b, &crc, sizeof(crc));
	return b;
}

static struct bytes make_journal(const uint8_t *data, size_t size)
{
	struct journal_header h = journal_begin(0);
	struct bytes b = { 0 };

	bytes_put(&b, &h, sizeof(h));
	while (size > 0) {
		uint32_t n = data[0] < size ? data[0] : (uint32_t)size - 1;
		uint32_t header[] = { n, bytes_crc(0, data + 1, n) };

		bytes_put(&b, header, sizeof(header));
		bytes_put(&b, data + 1, n);
		data += n + 1;
		size -= n + 1;
	}
	return b;
}

/* As the agent does at its first census. */
static void adopt(struct saved *s)
{
	struct model *m;
	bool fresh;

	if (model_new(60, 3, &m) < 0)
		return;
	model_begin(m, s->now + 3);
	for (int pid = 1; pid < 4; pid++)
		model_process(m, pid, 1, 1, &fresh)->cells[SLOT_FD].live = pid;
	model_netns(m, 1);
	model_end(m);
	saved_adopt(s, m, true);
	model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t nothing[] = { 1, 2, 'f', 'd', OWNER_END };
	struct bytes snapshot, journal = { 0 };
	struct saved *s;
	const char *why;
	bool damaged;

	if (size < 1 || size > LARGEST)
		return 0;
	if (data[0] & 1) {
		snapshot = make_snapshot(data + 1, size - 1);
	} else {
		snapshot = make_snapshot(nothing, sizeof(nothing));
		journal = make_journal(data + 1, size - 1);
	}
	if (snapshot_read(snapshot.data, snapshot.n, &s, &why) == 0) {
		if (journal.data)
			journal_replay(journal.data, journal.n, s, &damaged);
		adopt(s);
		saved_free(s);
	} else if (data[0] % 2 == 0) {
		abort(); /* it was ours */
	}
	bytes_free(&snapshot);
	bytes_free(&journal);
	return 0;
}
