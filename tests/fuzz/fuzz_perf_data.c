/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_perf_data: perf.data, of either byte order, as a file or from a pipe. */
#include "tests/fuzz/recording_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return read_recording(data, size, "perf.data");
}
