/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * term_sim.h - a terminal in memory, for app_run(): keys come from a pipe, frames are counted. Included by one file of
 * a program, which then is linked without term_curses.c.
 *
 * Each byte in the pipe is a key, and each is handed over alone: the loop turns once for every key, as it does when
 * somebody types.
 */
#ifndef TESTS_TERM_SIM_H
#define TESTS_TERM_SIM_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tui/term.h"

struct term {
	int keys[2]; /* pipe: [1] is written to */
	int rows, cols;
	bool has_handed_over;
	unsigned nr_read, nr_shown;
	void (*on_show)(struct term *term); /* NULL: nobody */
};

static inline void term_sim_open(struct term *term, int rows, int cols)
{
	*term = (struct term){ .rows = rows, .cols = cols };
	if (pipe2(term->keys, O_CLOEXEC | O_NONBLOCK))
		abort();
}

static inline void term_sim_close(struct term *term)
{
	close(term->keys[0]);
	close(term->keys[1]);
}

int term_fd(const struct term *term)
{
	return term->keys[0];
}

void term_size(struct term *term, int *rows, int *cols)
{
	*rows = term->rows;
	*cols = term->cols;
}

void term_show(struct term *term, const struct grid *grid)
{
	(void)grid;
	term->nr_shown++;
	if (term->on_show)
		term->on_show(term);
}

void term_redraw(struct term *term)
{
	(void)term;
}

bool term_read(struct term *term, struct term_event *event)
{
	unsigned char c;

	term->has_handed_over = !term->has_handed_over;
	if (!term->has_handed_over || read(term->keys[0], &c, 1) != 1)
		return false;
	term->nr_read++;
	*event = (struct term_event){ .key = c };
	return true;
}

void term_suspend(struct term *term)
{
	(void)term;
}

void term_resume(struct term *term)
{
	(void)term;
}

#endif
