/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/inflate_in.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define SZ_FILE_BUF 65536
/* A recording of an idle target shrinks to a 100th; deflate cannot do better than 1 to 1032. */
#define BOMB_RATIO     400
#define BOMB_MIN_BYTES (UINT64_C(256) << 20)
/* What is left of an older end where the last write was cut short, see record.c. */
#define SZ_STALE_END 64

struct inflate_in {
	int fd;
	bool compressed, ended, cut_off, at_eof;
	z_stream stream;
	uint64_t nr_read, nr_out;
	size_t pos, len; /* of buf */
	unsigned char buf[SZ_FILE_BUF];
};

static int fill(struct inflate_in *in, struct err *err)
{
	ssize_t n;

	in->pos = in->len = 0;
	do
		n = read(in->fd, in->buf, sizeof(in->buf));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, errno, "reading the recording: %s", strerror(errno));
	in->at_eof = n == 0;
	in->len = (size_t)n;
	in->nr_read += (uint64_t)n;
	return 0;
}

/* RFC 1950's header, or gzip's. */
static bool is_compressed(const struct inflate_in *in)
{
	const unsigned char *p = in->buf;

	return in->len >= 2 &&
	       ((p[0] == 0x78 && ((unsigned)p[0] << 8 | p[1]) % 31 == 0) || (p[0] == 0x1f && p[1] == 0x8b));
}

int inflate_in_open(struct inflate_in **in_p, int fd, struct err *err)
{
	struct inflate_in *in = calloc(1, sizeof(*in));
	int rc;

	*in_p = NULL;
	if (!in) {
		close(fd);
		return err_set(err, ENOMEM, "no memory");
	}
	in->fd = fd;
	rc = fill(in, err);
	if (!rc && is_compressed(in)) {
		if (inflateInit2(&in->stream, 15 + 32) != Z_OK)
			rc = err_set(err, ENOMEM, "no memory to decompress");
		else
			in->compressed = true;
	}
	if (rc) {
		inflate_in_close(in);
		return rc;
	}
	*in_p = in;
	return 0;
}

void inflate_in_close(struct inflate_in *in)
{
	if (!in)
		return;
	if (in->compressed)
		inflateEnd(&in->stream);
	close(in->fd);
	free(in);
}

static ssize_t read_plain(struct inflate_in *in, void *buf, size_t size, struct err *err)
{
	size_t n;

	if (in->pos == in->len && !in->at_eof) {
		int rc = fill(in, err);

		if (rc)
			return rc;
	}
	n = in->len - in->pos < size ? in->len - in->pos : size;
	memcpy(buf, in->buf + in->pos, n);
	in->pos += n;
	return (ssize_t)n;
}

static int damaged(struct inflate_in *in, struct err *err)
{
	off_t size = lseek(in->fd, 0, SEEK_END);

	if (size > 0 && (uint64_t)size - inflate_in_offset(in) <= SZ_STALE_END) {
		in->cut_off = in->ended = true;
		return 0;
	}
	return err_set(err, EBADMSG, "the compressed data is damaged at byte %" PRIu64 " of the file (%s)",
		       inflate_in_offset(in), in->stream.msg ? in->stream.msg : "no zlib data");
}

static ssize_t read_compressed(struct inflate_in *in, void *buf, size_t size, struct err *err)
{
	in->stream.next_out = buf;
	in->stream.avail_out = (unsigned)size;
	while (in->stream.avail_out == size && !in->ended) {
		int rc = 0;

		if (in->pos == in->len && (rc = fill(in, err)))
			return rc;
		if (in->at_eof) {
			in->cut_off = in->ended = true;
			break;
		}
		in->stream.next_in = in->buf + in->pos;
		in->stream.avail_in = (unsigned)(in->len - in->pos);
		rc = inflate(&in->stream, Z_NO_FLUSH);
		in->pos = in->len - in->stream.avail_in;
		if (rc == Z_STREAM_END)
			in->ended = true;
		else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			/* what it made before the damage counts; the damage is met again at the next call */
			if (in->stream.avail_out < size)
				break;
			rc = damaged(in, err);
			if (rc)
				return rc;
		}
	}
	size -= in->stream.avail_out;
	in->nr_out += size;
	if (in->nr_out > BOMB_MIN_BYTES && in->nr_out / BOMB_RATIO > inflate_in_offset(in))
		return err_set(err, EFBIG,
			       "refused: %" PRIu64 " bytes of the file have become %" PRIu64
			       " when decompressed; no recording does that",
			       inflate_in_offset(in), in->nr_out);
	return (ssize_t)size;
}

ssize_t inflate_in_read(struct inflate_in *in, void *buf, size_t size, struct err *err)
{
	return in->compressed ? read_compressed(in, buf, size, err) : read_plain(in, buf, size, err);
}

bool inflate_in_cut_off(const struct inflate_in *in)
{
	return in->cut_off;
}

uint64_t inflate_in_offset(const struct inflate_in *in)
{
	return in->nr_read - (in->len - in->pos);
}
