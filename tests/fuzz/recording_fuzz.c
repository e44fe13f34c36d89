// SPDX-License-Identifier: GPL-2.0-only
/* The two formats of `seep replay`, and the detector over whatever they let through. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/replay/recording.h"
#include "agent/trend/series.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const struct recorded_series *recorded)
{
	struct series *s = series_new(true);
	char words[EVIDENCE_MAX];

	for (size_t i = 0; s && i < recorded->n; i++) {
		struct trend t;
		struct evidence e;

		series_add(s, recorded->points[i].time, recorded->points[i].value, 60);
		t = series_trend(s);
		e = series_evidence(s);
		if (t.verdict >= VERDICT_MAX)
			abort();
		evidence_write(&t, &e, false, words, sizeof(words));
	}
	series_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording r = { 0 };
	char message[RECORDING_ERROR];

	if (recording_parse((const char *)data, size, &r, message) == 0)
		for (size_t i = 0; i < r.n; i++)
			replay(&r.series[i]);
	recording_free(&r);
	return 0;
}
