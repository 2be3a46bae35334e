/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/clock.h"
#include "collector/recording_internal.h"
#include "collector/report.h"
#include "collector/text.h"
#include "collector/text_buf.h"

static const struct recording_ops *const formats[] = { &recording_json, &recording_perf, &recording_script };

/* ---- bytes ---- */

ssize_t recording_read(void *ctx, void *buf, size_t size, struct err *err)
{
	struct recording *r = ctx;
	size_t n = r->nr_head - r->pos_head < size ? r->nr_head - r->pos_head : size;

	if (!n)
		return inflate_in_read(r->in, buf, size, err);
	memcpy(buf, r->head + r->pos_head, n);
	r->pos_head += n;
	return (ssize_t)n;
}

/* A damaged beginning is no error yet: the format says what it misses. */
static int read_head(struct recording *r, struct err *err)
{
	while (r->nr_head < sizeof(r->head)) {
		ssize_t n = inflate_in_read(r->in, r->head + r->nr_head, sizeof(r->head) - r->nr_head, err);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		r->nr_head += (size_t)n;
	}
	return 0;
}

/* ---- opening ---- */

/* perf record --threads makes a folder with a file for each. */
static bool is_perf_folder(const char *path)
{
	char data[RECORDING_SZ_PATH];

	return snprintf(data, sizeof(data), "%s/data", path) < (int)sizeof(data) && access(data, F_OK) == 0;
}

/* Fifos are fine; a folder is not. */
static int open_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return err_set(err, errno, "cannot open %s: %s", path, strerror(errno));
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode)) {
		close(fd);
		return err_set(err, EISDIR, "%s is a folder, not a recording%s", path,
			       is_perf_folder(path) ? ": perf record --threads has made it; record without that" : "");
	}
	return fd;
}

static int choose_format(struct recording *r, const char *path, struct err *err)
{
	if (!r->nr_head)
		return err_set(err, ENODATA, "%s is empty: nothing was recorded", path);
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!formats[i]->accepts(r->head, r->nr_head))
			continue;
		if (r->ops && r->ops != formats[i])
			return err_set(err, EBADMSG, "%s is changing while it is read", path);
		r->ops = formats[i];
		return formats[i]->open(r, err);
	}
	return err_set(err, EBADMSG,
		       "%s is no recording: at its beginning there is neither damo's JSON (compressed or not) nor "
		       "perf.data nor the text of perf script",
		       path);
}

/* survey: from what was opened before, with its ops; or NULL. Taken over. */
static int open_once(struct recording **recording, const char *path, pid_t pid, const struct attrs *attrs,
		     const struct recording_ops *ops, void *survey, struct err *err)
{
	struct recording *r = calloc(1, sizeof(*r));
	const char *slash = strrchr(path, '/');
	int rc;

	*recording = NULL;
	if (!r) {
		if (survey)
			ops->free_survey(survey);
		return err_set(err, ENOMEM, "no memory");
	}
	r->ops = ops;
	r->survey = survey;
	r->path = strdup(path);
	r->pid = pid;
	r->attrs = *attrs;
	text_clean_str(r->comm, sizeof(r->comm), slash ? slash + 1 : path);
	rc = r->path ? open_file(path, err) : err_set(err, ENOMEM, "no memory");
	if (rc >= 0)
		rc = inflate_in_open(&r->in, rc, err);
	if (!rc)
		rc = read_head(r, err);
	if (!rc)
		rc = choose_format(r, path, err);
	if (rc) {
		recording_close(r);
		return rc;
	}
	*recording = r;
	return 0;
}

int recording_open(struct recording **recording, const char *path, pid_t pid, const struct attrs *attrs,
		   struct err *err)
{
	int rc = open_once(recording, path, pid, attrs, NULL, NULL, err);
	struct recording *r = *recording;
	const struct recording_ops *ops;
	struct stat st;
	void *survey;

	if (rc || !r->ops->survey || stat(path, &st) || !S_ISREG(st.st_mode))
		return rc;
	ops = r->ops;
	survey = ops->survey(r);
	recording_close(r);
	return open_once(recording, path, pid, attrs, ops, survey, err);
}

void recording_close(struct recording *r)
{
	if (!r)
		return;
	if (r->ops)
		r->ops->close(r);
	if (r->survey)
		r->ops->free_survey(r->survey);
	inflate_in_close(r->in);
	mappings_put(r->run_maps);
	free(r->run_text);
	free(r->path);
	recording_close(r->follower);
	free(r);
}

/* ---- a recording in several files ---- */

/*
 * The first snapshot of file number part, which becomes the follower. 1; 0: there is no such file, or it is none of
 * this set; -errno.
 */
static int open_part(struct recording *r, unsigned part, struct snapshot **snap, struct err *err)
{
	char path[RECORDING_SZ_PATH];
	struct recording *next;
	struct stat st;
	int rc;

	if (snprintf(path, sizeof(path), "%s.%u", r->path, part) >= (int)sizeof(path) || stat(path, &st))
		return 0;
	rc = open_once(&next, path, r->pid ? r->pid : r->chosen_pid, &r->attrs, NULL, NULL, err);
	if (rc)
		return rc;
	next->nr_snapshots = r->nr_snapshots;
	rc = next->ops->next(next, snap, err);
	if (next->set != r->set || next->part != part) { /* of another recording of that name */
		*err = ERR_NONE;
		snapshot_free(*snap);
		*snap = NULL;
		recording_close(next);
		return 0;
	}
	next->done = rc <= 0;
	recording_close(r->follower);
	r->follower = next;
	return rc;
}

/* The first file has ended: FILE.1, FILE.2 ... follow, as far as they belong to it. Only the first leads on. */
static int follow(struct recording *r, struct snapshot **snap, struct err *err)
{
	int rc = 0;

	if (!r->set || r->part)
		return 0;
	if (r->follower && !r->follower->done)
		rc = r->follower->ops->next(r->follower, snap, err);
	while (rc == 0) {
		unsigned part = r->follower ? r->follower->part : 0;

		if (r->follower && *r->follower->note)
			memcpy(r->note, r->follower->note, sizeof(r->note));
		rc = open_part(r, part + 1, snap, err);
		if (rc == -ENOENT && r->follower && r->follower->part == part + 1) { /* nothing of this target in it */
			*err = ERR_NONE;
			rc = 0;
		} else if (!rc && (!r->follower || r->follower->part == part)) {
			return 0;
		}
	}
	return rc;
}

static int next_of_all(struct recording *r, struct snapshot **snap, struct err *err)
{
	int rc = r->follower ? 0 : r->ops->next(r, snap, err), next_rc;
	struct err inner = ERR_NONE;

	if (rc == -ENOENT && !r->part) { /* nothing of this target in the first file */
		next_rc = follow(r, snap, &inner);
		if (next_rc < 0)
			*err = inner;
		rc = next_rc ? next_rc : rc;
	} else if (!rc) {
		rc = follow(r, snap, err);
	}
	if (rc > 0 && r->follower)
		r->follower->nr_snapshots++;
	return rc;
}

/* A clock that began when the machine did says nothing to anybody: the time since the recording's begin does. */
static void set_own_time(struct recording *r, struct snapshot *snap)
{
	if (!r->nr_snapshots)
		r->origin_ns = snap->time_ns > snap->duration_ns ? snap->time_ns - snap->duration_ns : 0;
	if (snap->flags & SNAP_ACCESSES_ALONE)
		snap->wall_ns = snap->time_ns > r->origin_ns ? snap->time_ns - r->origin_ns : 0;
}

int recording_next(struct recording *r, struct snapshot **snap, struct err *err)
{
	int rc;

	*snap = NULL;
	if (r->done)
		return 0;
	rc = next_of_all(r, snap, err);
	if (rc <= 0) {
		r->done = true;
		return rc;
	}
	set_own_time(r, *snap);
	r->nr_snapshots++;
	return rc;
}

const char *recording_note(const struct recording *r)
{
	return r->note;
}

const char *recording_format(const struct recording *r)
{
	return r->ops->name;
}

/* ---- snapshots of files that have regions and not much else ---- */

int recording_check_region(const struct snap_region *v, size_t i, const char *where, struct err *err)
{
	if (v[i].start >= v[i].end)
		return err_set(err, EBADMSG,
			       "region %zu, %" PRIx64 "-%" PRIx64 ", is none: its end is not above its start, %s", i,
			       v[i].start, v[i].end, where);
	if (i && v[i].start < v[i - 1].end)
		return err_set(err, EBADMSG,
			       "region %zu, %" PRIx64 "-%" PRIx64 ", lies in or before the one before it, %s", i,
			       v[i].start, v[i].end, where);
	return 0;
}

/* Each run of regions without a gap as a line of /proc/PID/maps. */
static void runs_text(struct text_buf *b, const struct snap_region *v, size_t nr)
{
	const uint64_t mask = PAGE_BYTES - 1;

	for (size_t i = 0; i < nr;) {
		uint64_t start = v[i].start & ~mask, end = 0;

		do {
			end = v[i].end > UINT64_MAX - mask ? ~mask : (v[i].end + mask) & ~mask;
			i++;
		} while (i < nr && v[i].start <= end);
		if (start >= end)
			continue;
		text_buf_hex(b, start);
		text_buf_add(b, "-", 1);
		text_buf_hex(b, end);
		text_buf_str(b, " rw-p 0 0:0 0 [recorded]\n");
	}
	text_buf_add(b, "", 1);
}

/* The same table as long as the runs are the same. */
static struct mappings *maps_of_runs(struct recording *r, const struct snap_region *v, size_t nr, struct err *err)
{
	struct text_buf text = { 0 };

	runs_text(&text, v, nr);
	if (text.failed) {
		text_buf_free(&text);
		return NULL;
	}
	if (r->run_maps && text.len == r->sz_run_text && memcmp(text.v, r->run_text, text.len) == 0) {
		text_buf_free(&text);
		return r->run_maps;
	}
	mappings_put(r->run_maps);
	free(r->run_text);
	r->run_text = text.v;
	r->sz_run_text = text.len;
	r->run_maps = mappings_parse(text.v, text.len - 1, err);
	return r->run_maps;
}

static uint64_t clamp(uint64_t v, uint64_t lo, uint64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static void fill_attrs(struct attrs *attrs, const struct damo_intervals *i)
{
	if (i->aggr_us)
		attrs->aggregation_us = clamp(i->aggr_us, ATTRS_MIN_INTERVAL_US, ATTRS_MAX_INTERVAL_US);
	attrs->aging_us =
		clamp(i->sample_us ? i->sample_us : attrs->aging_us, ATTRS_MIN_INTERVAL_US, attrs->aggregation_us);
	if (i->update_us)
		attrs->update_us = clamp(i->update_us, ATTRS_MIN_INTERVAL_US, ATTRS_MAX_INTERVAL_US);
}

/* The most that a region can have: as the intervals say, or else as is seen. */
static uint32_t max_accesses(const struct snap_region *v, size_t nr, const struct damo_intervals *intervals)
{
	uint64_t max = intervals->sample_us ? intervals->aggr_us / intervals->sample_us : 0;

	for (size_t i = 0; i < nr; i++)
		if (v[i].nr_accesses > max)
			max = v[i].nr_accesses;
	return max > UINT32_MAX ? UINT32_MAX : (uint32_t)max;
}

struct snapshot *recording_damo_snapshot(struct recording *r, const struct snap_region *v, size_t nr,
					 const struct damo_intervals *intervals, uint64_t end_ns, uint64_t duration_ns,
					 struct err *err)
{
	struct mappings *maps = maps_of_runs(r, v, nr, err);
	struct snapshot *s = maps ? snapshot_new(nr, false, 0, mappings_get(maps)) : NULL;

	if (!s) {
		err_set(err, ENOMEM, "no memory for a snapshot of the recording");
		return NULL;
	}
	memcpy(s->regions, v, nr * sizeof(*v));
	s->seq = r->nr_snapshots;
	s->time_ns = end_ns;
	s->attrs = attrs_default();
	fill_attrs(&s->attrs, intervals);
	s->duration_ns = duration_ns ? duration_ns : s->attrs.aggregation_us * NSEC_PER_USEC;
	s->source = "damon";
	memcpy(s->comm, r->comm, sizeof(s->comm));
	s->heat_unit = HEAT_FRACTION;
	s->max_nr_accesses = max_accesses(v, nr, intervals);
	s->flags = SNAP_WSS_KNOWN | SNAP_ACCESSES_ALONE;
	for (size_t i = 0; i < nr; i++) {
		struct snap_region *region = &s->regions[i];

		region->heat = s->max_nr_accesses ? (float)region->nr_accesses / (float)s->max_nr_accesses : 0;
		region->nr_reports = s->max_nr_accesses;
		if (region->nr_accesses)
			s->wss_bytes += region->end - region->start;
	}
	return s;
}
