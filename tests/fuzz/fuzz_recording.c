/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_recording: any bytes as a recording of any format: JSON, compressed JSON, perf script's text. Snapshots that
 * come out have to be in order, and what is read has to survive being recorded and read again.
 */
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/record_json.h"
#include "collector/recording.h"

#define MAX_SNAPSHOTS 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct snapshot *s)
{
	struct text_buf b = { 0 };

	for (size_t i = 0; i < s->nr_regions; i++) {
		const struct snap_region *r = &s->regions[i];

		if (r->start >= r->end || (i && r->start < r[-1].end) || !isfinite(r->heat) || r->heat < 0)
			abort();
	}
	for (size_t i = 0; i < s->nr_codes; i++)
		if (snapshot_code(s, i).region >= s->nr_regions)
			abort();
	if (!s->maps || !s->source)
		abort();
	record_json_snapshot(&b, s, &s->attrs, true);
	text_buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct attrs attrs = attrs_default();
	struct recording *recording;
	struct err err = { 0 };
	char path[64];
	int fd = memfd_create("recording", MFD_CLOEXEC);

	if (fd < 0)
		return 0;
	if (write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!recording_open(&recording, path, size & 1 ? 0 : 7, &attrs, &err)) {
		struct snapshot *s;

		for (int i = 0; i < MAX_SNAPSHOTS && recording_next(recording, &s, &err) > 0; i++) {
			check(s);
			snapshot_free(s);
		}
		recording_close(recording);
	} else if (!err.code) {
		abort();
	}
	close(fd);
	return 0;
}
