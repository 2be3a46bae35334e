/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * err.h - one message for one failure.
 *
 * A function that can fail returns 0 or a negative errno and takes a struct
 * err which it fills where the failure happened: what failed, why, and what
 * would help. The first message wins, so that a caller further up cannot
 * cover the cause with a vaguer one. Any thread; the caller owns the struct.
 */
#ifndef COLLECTOR_ERR_H
#define COLLECTOR_ERR_H

#define ERR_TEXT_SIZE 512

struct err {
	int code;		  /* positive errno, 0: no error */
	char text[ERR_TEXT_SIZE]; /* one line, no newline, printable, NUL terminated */
};

#define ERR_NONE ((struct err){ 0 })

/*
 * Records code (a positive errno) and a formatted message in err, unless err
 * is NULL or already holds one. Returns -code, so that "return err_set(...)"
 * is how a failing function ends. The message is made printable (text.h).
 */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
