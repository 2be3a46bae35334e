/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text_file.h - small files of text that people write: themes, settings.
 *
 * Read whole and bounded, and written so that nobody ever finds half of one; and
 * their lines, which are "key = value". What is wrong is said with the file and
 * the line. No state of its own; any thread. Who reads a file frees its text.
 */
#ifndef TUI_TEXT_FILE_H
#define TUI_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "collector/err.h"

#define TEXT_FILE_MAX_BYTES (64u << 10)

/*
 * Reads a regular file of at most TEXT_FILE_MAX_BYTES, also through a link; what names its kind in messages ("theme").
 * *text is to be freed, and one byte longer than *len. 0, or -errno (-ENOENT, -EINVAL, -EFBIG ...) with err.
 */
int text_file_read(const char *path, const char *what, char **text, size_t *len, struct err *err);

#define TEXT_FILE_PATH_SIZE 4096

/*
 * A file that is replaced as a whole: *out is written to, then text_file_end() puts it in the place of path, or removes
 * it where that fails. tmp holds its name until then. 0 or -errno with err; after an error of end nothing is left.
 */
int text_file_begin(const char *path, char tmp[TEXT_FILE_PATH_SIZE], FILE **out, struct err *err);
int text_file_end(const char *path, const char *tmp, FILE *out, struct err *err);
/* Gives up what was begun: path stays as it was. */
void text_file_abandon(const char *tmp, FILE *out);

/* A piece of a text, not NUL terminated. */
struct piece {
	const char *s;
	size_t len;
};

/* Is it this text, all of it? */
bool piece_is(struct piece piece, const char *s);
/* Enough of a piece for a message, as the precision of %.*s. */
int piece_shown(struct piece piece);
/* Takes the next word off rest; words are parted by blanks and commas. False: none. */
bool piece_next_word(struct piece *rest, struct piece *word);

/* Where a reader of lines is. Begins as { .what, .origin, .rest }. */
struct text_lines {
	const char *what;   /* "theme" */
	const char *origin; /* the file's name, for messages */
	struct piece rest;
	unsigned line; /* the one at hand, from 1 */
};

/*
 * The next line that says something: blank lines and those that begin with # are left out, blanks at the ends too.
 * 1: name and value; 0: no more; -EINVAL with err, where a line has no "=" or a NUL byte.
 */
int text_lines_next(struct text_lines *lines, struct piece *name, struct piece *value, struct err *err);

#endif
