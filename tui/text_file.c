/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- whole files ---- */

/* Reads fd to its end, at most size bytes. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int check_file(int fd, const char *path, const char *what, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, errno, "%s %s: %s", what, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s %s: not a regular file; a text file is wanted", what, path);
	return 0;
}

static int read_fd(int fd, const char *path, const char *what, char **text, size_t *len, struct err *err)
{
	ssize_t n;

	*text = malloc(TEXT_FILE_MAX_BYTES + 1);
	if (!*text)
		return err_set(err, ENOMEM, "%s %s: out of memory", what, path);
	n = read_all(fd, *text, TEXT_FILE_MAX_BYTES + 1);
	if (n >= 0 && n <= (ssize_t)TEXT_FILE_MAX_BYTES) {
		*len = (size_t)n;
		return 0;
	}
	free(*text);
	*text = NULL;
	if (n < 0)
		return err_set(err, (int)-n, "%s %s: %s", what, path, strerror((int)-n));
	return err_set(err, EFBIG, "%s %s: larger than %u KiB, so it is none", what, path, TEXT_FILE_MAX_BYTES >> 10);
}

int text_file_read(const char *path, const char *what, char **text, size_t *len, struct err *err)
{
	/* O_NONBLOCK: a FIFO must not hang us before fstat() has told what it is. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	*text = NULL;
	if (fd < 0)
		return err_set(err, errno, "%s %s: %s", what, path, strerror(errno));
	rc = check_file(fd, path, what, err);
	if (!rc)
		rc = read_fd(fd, path, what, text, len, err);
	close(fd);
	return rc;
}

int text_file_begin(const char *path, char tmp[TEXT_FILE_PATH_SIZE], FILE **out, struct err *err)
{
	int fd;

	if (snprintf(tmp, TEXT_FILE_PATH_SIZE, "%s.tmp", path) >= TEXT_FILE_PATH_SIZE)
		return err_set(err, ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	*out = fd < 0 ? NULL : fdopen(fd, "w");
	return *out ? 0 : err_set(err, errno, "cannot write %s: %s", tmp, strerror(errno));
}

int text_file_end(const char *path, const char *tmp, FILE *out, struct err *err)
{
	int failed = fflush(out) || ferror(out) ? errno : 0;

	if (fclose(out) && !failed)
		failed = errno;
	if (!failed && rename(tmp, path))
		failed = errno;
	if (!failed)
		return 0;
	unlink(tmp);
	return err_set(err, failed, "writing %s: %s", path, strerror(failed));
}

void text_file_abandon(const char *tmp, FILE *out)
{
	fclose(out);
	unlink(tmp);
}

/* ---- lines ---- */

bool piece_is(struct piece piece, const char *s)
{
	return piece.len == strlen(s) && memcmp(piece.s, s, piece.len) == 0;
}

int piece_shown(struct piece piece)
{
	return piece.len < 40 ? (int)piece.len : 40;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool piece_next_word(struct piece *rest, struct piece *word)
{
	while (rest->len && (is_blank(rest->s[0]) || rest->s[0] == ',')) {
		rest->s++;
		rest->len--;
	}
	*word = (struct piece){ rest->s, 0 };
	while (rest->len && !is_blank(rest->s[0]) && rest->s[0] != ',') {
		rest->s++;
		rest->len--;
		word->len++;
	}
	return word->len > 0;
}

static struct piece trim(struct piece piece)
{
	while (piece.len && is_blank(piece.s[0])) {
		piece.s++;
		piece.len--;
	}
	while (piece.len && is_blank(piece.s[piece.len - 1]))
		piece.len--;
	return piece;
}

/* Takes the next line off the rest, without its end. */
static struct piece take_line(struct text_lines *lines)
{
	const char *newline = memchr(lines->rest.s, '\n', lines->rest.len);
	struct piece line = { lines->rest.s, newline ? (size_t)(newline - lines->rest.s) : lines->rest.len };
	size_t used = line.len + (newline != NULL);

	lines->rest.s += used;
	lines->rest.len -= used;
	lines->line++;
	return line;
}

int text_lines_next(struct text_lines *lines, struct piece *name, struct piece *value, struct err *err)
{
	while (lines->rest.len) {
		struct piece line = take_line(lines);
		const char *equals;

		if (memchr(line.s, '\0', line.len))
			return err_set(err, EINVAL, "%s %s:%u: a NUL byte; this is not a text file", lines->what,
				       lines->origin, lines->line);
		line = trim(line);
		if (!line.len || line.s[0] == '#')
			continue;
		equals = memchr(line.s, '=', line.len);
		if (!equals)
			return err_set(err, EINVAL, "%s %s:%u: no \"=\" in \"%.*s\"; a line is: key = value",
				       lines->what, lines->origin, lines->line, piece_shown(line), line.s);
		*name = trim((struct piece){ line.s, (size_t)(equals - line.s) });
		*value = trim((struct piece){ equals + 1, (size_t)(line.s + line.len - equals - 1) });
		return 1;
	}
	return 0;
}
