/* SPDX-License-Identifier: GPL-2.0-only */
/* The families of the metrics table, in its order, by what they are of; for prometheus.c. */
#pragma once

#include "exporters/exposition.h"
#include "exporters/selection.h"

void prometheus_groups(struct exposition *e, const struct selection *chosen);
void prometheus_suspects(struct exposition *e, const struct selection *chosen);
