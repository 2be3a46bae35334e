/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_damo_json: damo's JSON, and ours, as it is when it is not compressed. */
#include "tests/fuzz/recording_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return read_recording(data, size, "json");
}
