// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a Go program that is not Go's: of C code, or mapped by the program. Who takes it is
 * asked by --resource heap, whose probes cost; that it grows is seen beside, and told; on
 * stderr too, since people are shown only what comes first.
 */
#include <errno.h>
#include <stdio.h>

#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/explain/go/source.h"

int go_findings_outside(const struct go_source *s, struct findings *ret)
{
	double grown = gocollector_outside_grown(&s->collector);
	char bytes[32];
	struct finding *f;

	if (grown == 0)
		return 0;
	f = findings_add(ret);
	if (!f)
		return -ENOMEM;
	f->resource = "heap";
	f->live_bytes = (uint64_t)gocollector_outside(&s->collector.last);
	f->reason = "outside of what the Go runtime uses";
	f->growth_bytes_per_hour = grown / gocollector_seconds(&s->collector) * 3600;
	text_format_bytes(grown, bytes, sizeof(bytes));
	snprintf(f->evidence, sizeof(f->evidence),
		 "%s more in %.0f s, of C code or of mappings; --resource heap tells who takes it",
		 bytes, gocollector_seconds(&s->collector));
	log_info("explain: memory %s: %s", f->reason, f->evidence);
	return 0;
}
