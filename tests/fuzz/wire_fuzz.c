// SPDX-License-Identifier: GPL-2.0-only
/* An answer of a child that was taken over: the root process reads its frames. */
#include "agent/sites/frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct site_frame *frames;

	if (size > 0 && frames_read(data + 1, size - 1, data[0], &frames) == 0)
		site_frames_free(frames, data[0]);
	return 0;
}
