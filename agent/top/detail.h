/* SPDX-License-Identifier: GPL-2.0-only */
/* All that is known of one process: resources and kinds, bounds with source and scope, peers. */
#pragma once

#include <stdio.h>

#include "agent/model/model.h"

/* As lines of text. The stream's error is the caller's to see. */
void detail_write(const struct model *m, const struct model_process *p, FILE *to);
