/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_perf_script: the text of perf script. */
#include "tests/fuzz/recording_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return read_recording(data, size, "perf-script");
}
