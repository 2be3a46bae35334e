/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recording_target.h - any bytes as a recording of one format. Snapshots that
 * come out have to be in order and have to survive being recorded again; what
 * is refused has to say why, and where.
 */
#ifndef TESTS_FUZZ_RECORDING_TARGET_H
#define TESTS_FUZZ_RECORDING_TARGET_H

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

static void check_snapshot(const struct snapshot *s)
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

static void check_message(const struct err *err)
{
	if (!err->code || !*err->text)
		abort();
	for (const char *p = err->text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
}

static void read_snapshots(struct recording *r)
{
	struct err err = ERR_NONE;
	struct snapshot *s;
	int rc = 1;

	for (int i = 0; i < MAX_SNAPSHOTS && rc > 0; i++) {
		rc = recording_next(r, &s, &err);
		if (rc > 0)
			check_snapshot(s);
		else if (rc < 0)
			check_message(&err);
		snapshot_free(s);
	}
}

/* -1: it is of another format, and of no use in this corpus. */
static int read_recording(const uint8_t *data, size_t size, const char *format)
{
	struct attrs attrs = attrs_default();
	struct recording *recording;
	struct err err = ERR_NONE;
	char path[64];
	int fd = memfd_create("recording", MFD_CLOEXEC), rc = 0;

	if (fd < 0)
		return 0;
	if (write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!recording_open(&recording, path, size % 8 ? 0 : 7, &attrs, &err)) {
		rc = strcmp(recording_format(recording), format) == 0 ? 0 : -1;
		read_snapshots(recording);
		recording_close(recording);
	} else {
		check_message(&err);
		rc = strstr(err.text, "is no recording") ? -1 : 0;
	}
	close(fd);
	return rc;
}

#endif
