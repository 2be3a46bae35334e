/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "collector/record_json.h"

#define SZ_NAME	    4096
#define SZ_END	    64	 /* the end of the JSON and of the stream, compressed: 40 bytes and fewer */
#define SZ_PAGE	    4096 /* a write within one is not torn by a signal */
#define MAX_OLD	    1000
#define ZLIB_LEVEL  6
#define ZLIB_WINDOW 15
#define ZLIB_MEMORY 8

struct record {
	char name[SZ_NAME]; /* as asked for */
	char path[SZ_NAME]; /* of the file that is written to now */
	uint64_t max_bytes;
	unsigned nr_files;
	int fd;
	bool is_regular;
	bool has_stream;
	z_stream stream;
	uint64_t done_bytes; /* of the file, without its end */
	unsigned char end[SZ_END];
	size_t sz_end;
	struct text_buf text;
	unsigned char *out;
	size_t cap_out;
	uint64_t nr_snapshots; /* in this file */
	uint64_t set;	       /* what its files have in common: the time of the first snapshot */
	pid_t pid;	       /* of the target that the last record is of */
	struct attrs attrs;    /* of the first snapshot of that record */
	struct mappings *maps; /* as last written; one reference */
	struct err failure;
};

const char *record_path(const struct record *r)
{
	return r->path;
}

uint64_t record_bytes(const struct record *r)
{
	return r->done_bytes + r->sz_end;
}

static int fail(struct record *r, int code)
{
	return err_set(&r->failure, code, "recording to %s: %s%s", r->path, strerror(code),
		       r->nr_snapshots ? "; what was recorded before is kept" : "");
}

/* ---- compressing ---- */

/* Room for size bytes behind what is in out. 0 or -ENOMEM. */
static int reserve(struct record *r, size_t used, size_t size)
{
	size_t cap = r->cap_out ? r->cap_out * 2 : 65536;
	unsigned char *out;

	if (r->cap_out - used >= size)
		return 0;
	out = realloc(r->out, cap);
	if (!out)
		return -ENOMEM;
	r->out = out;
	r->cap_out = cap;
	return 0;
}

/* Compresses text to the end of what is in out. 0 or -ENOMEM. */
static int compress_text(struct record *r, z_stream *stream, const char *text, size_t len, int flush, size_t *used)
{
	stream->next_in = (unsigned char *)(uintptr_t)text;
	stream->avail_in = (unsigned)len;
	do {
		if (reserve(r, *used, 1024))
			return -ENOMEM;
		stream->next_out = r->out + *used;
		stream->avail_out = (unsigned)(r->cap_out - *used);
		if (deflate(stream, flush) == Z_STREAM_ERROR)
			return -ENOMEM;
		*used = (size_t)(stream->next_out - r->out);
	} while (!stream->avail_out);
	return 0;
}

/*
 * Empty blocks (RFC 1951, 3.2.4) until the end, which comes next, lies within one page of the file: what is written
 * over it next time is then there as a whole or not at all.
 */
static int pad_to_end(struct record *r, size_t *used)
{
	static const unsigned char empty[] = { 0, 0, 0, 0xff, 0xff };

	if (reserve(r, *used, SZ_END + sizeof(empty)))
		return -ENOMEM;
	while ((r->done_bytes + *used) % SZ_PAGE > SZ_PAGE - SZ_END) {
		memcpy(r->out + *used, empty, sizeof(empty));
		*used += sizeof(empty);
	}
	return 0;
}

/* The end that would complete the file now, behind what is in out. */
static int compress_end(struct record *r, size_t *used)
{
	const char *end = r->nr_snapshots ? RECORD_JSON_END "]\n" : "]\n";
	z_stream copy;
	int rc;

	if (deflateCopy(&copy, &r->stream) != Z_OK)
		return -ENOMEM;
	rc = compress_text(r, &copy, end, strlen(end), Z_FINISH, used);
	deflateEnd(&copy);
	return rc;
}

/* ---- writing ---- */

static int write_at(const struct record *r, const unsigned char *v, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t n = r->is_regular ? pwrite(r->fd, v, size, (off_t)offset) : write(r->fd, v, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
		if (n > 0) {
			v += n;
			size -= (size_t)n;
			offset += (uint64_t)n;
		}
	}
	return 0;
}

/* Takes back what was written behind the last complete snapshot. The blocks for that are there: it needs no room. */
static void restore_end(struct record *r)
{
	if (!r->is_regular || write_at(r, r->end, r->sz_end, r->done_bytes))
		return;
	if (ftruncate(r->fd, (off_t)(r->done_bytes + r->sz_end)))
		return; /* the reader stops at the stream's end */
}

/* Compresses the text that has been made, and the file's end behind it. */
static int prepare(struct record *r, size_t *sz_new, size_t *used)
{
	int rc = r->text.failed ? -ENOMEM : compress_text(r, &r->stream, r->text.v, r->text.len, Z_SYNC_FLUSH, used);

	if (!rc)
		rc = pad_to_end(r, used);
	*sz_new = *used;
	if (!rc)
		rc = compress_end(r, used);
	return !rc && *used - *sz_new > SZ_END ? -EOVERFLOW : rc;
}

/*
 * What lies behind the present end first: until then the file is what it was. The rest goes over the end in one write
 * within one page. Killed at any moment the file is whole.
 */
static int write_new(struct record *r, size_t used)
{
	size_t over = used < SZ_END ? used : SZ_END;
	int rc = write_at(r, r->out + over, used - over, r->done_bytes + over);

	if (!rc)
		rc = write_at(r, r->out, over, r->done_bytes);
	if (rc)
		restore_end(r);
	return rc;
}

static int commit_prepared(struct record *r, size_t sz_new, size_t used)
{
	int rc = r->is_regular ? write_new(r, used) : write_at(r, r->out, sz_new, 0);

	if (rc)
		return rc;
	r->done_bytes += sz_new;
	r->sz_end = used - sz_new;
	memcpy(r->end, r->out + sz_new, r->sz_end);
	r->text.len = 0;
	return 0;
}

static int commit(struct record *r)
{
	size_t used = 0, sz_new = 0;
	int rc = prepare(r, &sz_new, &used);

	return rc ? rc : commit_prepared(r, sz_new, used);
}

/* ---- files ---- */

/* A regular file of that name is kept: what was recorded once is not written over. */
static int keep_old(const struct record *r)
{
	char old[SZ_NAME + 16];
	struct stat st;

	if (lstat(r->path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(st.st_mode) || !st.st_size)
		return 0;
	snprintf(old, sizeof(old), "%s.old", r->path);
	for (unsigned i = 2; i < MAX_OLD && !lstat(old, &st); i++)
		snprintf(old, sizeof(old), "%s.old.%u", r->path, i);
	return rename(r->path, old) ? -errno : 0;
}

static int open_file(struct record *r)
{
	size_t used = 0, sz_new = 0;
	struct stat st;
	int rc;

	r->done_bytes = 0;
	r->sz_end = 0;
	r->nr_snapshots = 0;
	memset(&r->stream, 0, sizeof(r->stream));
	if (deflateInit2(&r->stream, ZLIB_LEVEL, Z_DEFLATED, ZLIB_WINDOW, ZLIB_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	r->has_stream = true;
	r->text.len = 0;
	text_buf_str(&r->text, "[");
	rc = prepare(r, &sz_new, &used);
	if (!rc)
		rc = keep_old(r);
	if (rc)
		return rc;
	/* all is ready to be written: hardly a moment for it to be empty */
	r->fd = open(r->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	if (r->fd < 0 || fstat(r->fd, &st))
		return -errno;
	r->is_regular = S_ISREG(st.st_mode);
	return commit_prepared(r, sz_new, used);
}

static int close_file(struct record *r)
{
	size_t used = 0;
	int rc = 0;

	if (r->fd >= 0 && !r->failure.code && !r->is_regular) {
		rc = compress_end(r, &used);
		if (!rc)
			rc = write_at(r, r->out, used, 0);
	}
	if (r->has_stream)
		deflateEnd(&r->stream);
	r->has_stream = false;
	if (r->fd >= 0 && close(r->fd) && !rc)
		rc = -errno; /* some file systems say only here that there was no room */
	r->fd = -1;
	mappings_put(r->maps);
	r->maps = NULL;
	return rc;
}

static int next_file(struct record *r)
{
	int rc = close_file(r);

	if (!rc && snprintf(r->path, sizeof(r->path), "%s.%u", r->name, ++r->nr_files) >= (int)sizeof(r->path))
		rc = -ENAMETOOLONG;
	return rc ? rc : open_file(r);
}

/* ---- the interface ---- */

int record_open(struct record **record, const char *path, uint64_t max_bytes, struct err *err)
{
	struct record *r = calloc(1, sizeof(*r));
	int rc;

	*record = NULL;
	if (!r)
		return err_set(err, ENOMEM, "no memory to record");
	r->fd = -1;
	r->max_bytes = max_bytes;
	rc = snprintf(r->name, sizeof(r->name), "%s", path) >= (int)sizeof(r->name) ? -ENAMETOOLONG : 0;
	memcpy(r->path, r->name, sizeof(r->path));
	if (!rc)
		rc = open_file(r);
	if (rc) {
		fail(r, -rc);
		return record_close(r, err);
	}
	*record = r;
	return 0;
}

static bool maps_changed(const struct record *r, const struct snapshot *snap)
{
	return snap->maps && snap->maps != r->maps && (!r->maps || !mappings_equal(r->maps, snap->maps));
}

static int add(struct record *r, const struct snapshot *snap)
{
	bool with_maps;
	int rc;

	if (r->max_bytes && r->nr_snapshots && r->done_bytes + r->sz_end >= r->max_bytes && (rc = next_file(r)))
		return rc;
	with_maps = !r->nr_snapshots || snap->pid != r->pid || maps_changed(r, snap);
	if (!r->set) {
		uint64_t ns = snap->flags & SNAP_ACCESSES_ALONE ? snap->time_ns : snap->wall_ns;

		r->set = ns ? ns : 1;
	}
	if (!r->nr_snapshots || snap->pid != r->pid) {
		if (r->nr_snapshots) /* another target: a record of its own, as damo has them */
			text_buf_str(&r->text, RECORD_JSON_END ",");
		r->attrs = snap->attrs;
		r->pid = snap->pid;
		record_json_begin(&r->text, snap, r->set, r->nr_files);
	} else {
		text_buf_add(&r->text, ",", 1);
	}
	record_json_snapshot(&r->text, snap, &r->attrs, with_maps);
	r->nr_snapshots++;
	rc = commit(r);
	if (rc) {
		r->nr_snapshots--;
		return rc;
	}
	if (with_maps && snap->maps != r->maps) {
		mappings_put(r->maps);
		r->maps = mappings_get(snap->maps);
	}
	return 0;
}

int record_add(struct record *r, const struct snapshot *snap, struct err *err)
{
	int rc = r->failure.code ? 0 : add(r, snap);

	if (rc)
		fail(r, -rc);
	return r->failure.code ? err_set(err, r->failure.code, "%s", r->failure.text) : 0;
}

int record_close(struct record *r, struct err *err)
{
	int rc;

	if (!r)
		return 0;
	rc = close_file(r);
	if (rc)
		fail(r, -rc);
	rc = r->failure.code ? err_set(err, r->failure.code, "%s", r->failure.text) : 0;
	text_buf_free(&r->text);
	free(r->out);
	free(r);
	return rc;
}
