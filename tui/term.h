/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * term.h - shows a grid and reads keys.
 *
 * term_curses.c is the only file that knows ncurses; term_text.c writes a grid
 * as text (plain, or with ANSI colours), term_svg.c as a picture. Tui thread
 * only. One term at a time, owned by who opened it and closed on every way out:
 * term_close() gives the terminal back as it was, and is safe to call twice.
 *
 * Painters may use box drawing, blocks and arrows freely: where only ASCII may
 * be shown, the term translates.
 */
#ifndef TUI_TERM_H
#define TUI_TERM_H

#include <stdbool.h>
#include <stdio.h>

#include "collector/err.h"
#include "tui/grid.h"

enum color_depth {
	COLOR_DEPTH_MONO, /* no colour: glyphs carry the value */
	COLOR_DEPTH_16,	  /* the terminal's own 16, and glyphs: no half blocks */
	COLOR_DEPTH_256,
	COLOR_DEPTH_TRUE,
};

/* What the user asked for. */
enum color_mode { COLOR_MODE_AUTO, COLOR_MODE_NEVER, COLOR_MODE_16, COLOR_MODE_256, COLOR_MODE_TRUE };

/* How things may be drawn: everything that paints gets it. */
struct look {
	enum color_depth depth;
	bool ascii; /* only ASCII characters */
};

enum term_key {
	/* below 0x110000: the code point of a character, control characters included */
	TERM_KEY_UP = 0x110000,
	TERM_KEY_DOWN,
	TERM_KEY_LEFT,
	TERM_KEY_RIGHT,
	TERM_KEY_HOME,
	TERM_KEY_END,
	TERM_KEY_PAGE_UP,
	TERM_KEY_PAGE_DOWN,
	TERM_KEY_BACKSPACE,
	TERM_KEY_DELETE,
	TERM_KEY_INSERT,
	TERM_KEY_BACKTAB,
	TERM_KEY_RESIZE, /* never from term_read(): for an app that feeds it to itself */
	TERM_KEY_MOUSE,	 /* see term_event */
	TERM_KEY_F0,	 /* F1 is TERM_KEY_F0 + 1, to F12 */
	TERM_KEY_LAST = TERM_KEY_F0 + 13,
};
#define TERM_KEY_TAB	'\t'
#define TERM_KEY_ENTER	'\n'
#define TERM_KEY_ESCAPE 27

struct term_event {
	uint32_t key; /* a code point or enum term_key */
	int row, col; /* TERM_KEY_MOUSE: where */
	int button;   /* TERM_KEY_MOUSE: 1 left, 4 wheel up, 5 wheel down */
};

struct term;

/*
 * Sets LC_CTYPE from the environment; once, at the start of main. True: UTF-8 may be shown. Where not, LC_CTYPE is
 * C.UTF-8 all the same, so that text has the same width everywhere, and the caller asks for ascii.
 */
bool term_locale_init(void);

/*
 * The terminal on stdin and stdout, by ncurses. look is what it can do, within what mode and ascii ask for.
 * -ENOTTY: stdin or stdout is not a terminal; -EINVAL: TERM is unset, unknown or cannot place the cursor; the message
 * says what would help, and the terminal is untouched. Installs no signal handler.
 */
int term_curses_open(struct term **term, enum color_mode mode, bool ascii, bool mouse, struct look *look,
		     struct err *err);

/*
 * For SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT: a handler that gives the terminal back and lets the signal do what
 * it did before. It holds for as long as the term is open, also while suspended. These signals must not be blocked.
 */
void term_install_crash_restore(struct term *term);

/* How many colours the environment (TERM, COLORTERM, NO_COLOR) promises; pure. Any of them may be NULL.
 * terminfo_colors: what TERM's entry says, 0: none, -1: not known. */
enum color_depth term_depth_of_env(enum color_mode mode, const char *term, const char *colorterm, const char *no_color,
				   bool is_tty, int terminfo_colors);

/* The fd to poll for keys. After it is ready, term_read() until false. */
int term_fd(const struct term *term);
/* The terminal's size now (asked of the kernel: call it after SIGWINCH); at least 1 x 1. */
void term_size(struct term *term, int *rows, int *cols);
/* Shows the grid; only what differs from the last one is sent. A grid of another size is cut or padded. */
void term_show(struct term *term, const struct grid *grid);
/* The next term_show() sends everything: something else has written to the terminal. */
void term_redraw(struct term *term);
/* The next key that waits; false: none. Never blocks longer than a lone escape needs to be told apart: 25 ms. */
bool term_read(struct term *term, struct term_event *event);
/* SIGTSTP and SIGCONT: give the terminal back for a while, and take it again. */
void term_suspend(struct term *term);
void term_resume(struct term *term);
/* Gives the terminal back, frees, and sets *term to NULL. */
void term_close(struct term **term);

/* A key's name as it is written in help and in --keys: "a", "space", "tab", "left", "f1", "ctrl-l". Returns dst. */
const char *term_key_name(char dst[16], uint32_t key);
/* The next key of a --keys string: a character, or <name>; '<' itself is <lt>. Returns what follows, or NULL with err.
 */
const char *term_key_parse(const char *keys, uint32_t *key, struct err *err);

/*
 * term_text.c: the grid as text, a line a row, without trailing blanks; with_colors: as ANSI sequences in the look's
 * depth, each line ending in the default style. Flushes. 0 or -errno (EPIPE, ENOSPC).
 */
int term_text_write(FILE *out, const struct grid *grid, const struct look *look, bool with_colors);
/* term_svg.c: the grid as a standalone SVG picture; fg and bg are RGB, for the terminal's own colours. 0 or -errno. */
int term_svg_write(FILE *out, const struct grid *grid, const char *title, uint32_t fg, uint32_t bg);

/* What stands for a character where only ASCII may be shown, '?' for one that nothing stands for. */
char term_ascii_of(uint32_t ch);
/* Writes ch (a code point) as UTF-8. Returns its length. */
size_t term_utf8_encode(char dst[4], uint32_t ch);

#endif
