// SPDX-License-Identifier: GPL-2.0-only
#include "agent/base/log.h"
#include "agent/sites/late_reader.h"

struct reader *late_reader_get(struct late_reader *l)
{
	int r;

	if (l->reader || l->refused)
		return l->reader;
	r = reader_new(&l->reader);
	l->refused = r < 0;
	if (r < 0)
		log_warn(r, "cannot start the reader: neither Go programs nor the titles of "
			    "database servers are looked into");
	return l->reader;
}

void late_reader_stop(struct late_reader *l)
{
	reader_free(l->reader);
	*l = (struct late_reader){ 0 };
}
