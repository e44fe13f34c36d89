/* SPDX-License-Identifier: GPL-2.0-only */
/* The known mistakes, that findings name as their pattern, in a sentence for people. */
#pragma once

/* What the mistake is, and by that what to do: "a context whose cancel function is never called".
 * Static; NULL for a pattern that is not known. */
const char *mistake_text(const char *pattern);
