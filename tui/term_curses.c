/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal by ncurses, the only file that knows it: settings, keys, and the screen where there are 16 colours or
 * none.
 *
 * With 256 colours or true ones, the screen is sent by frame.c instead. ncurses has true colours only by terminfo
 * entries that few terminals name and many systems lack, has fewer colour pairs than a heatmap has cells, and asks
 * terminfo for each colour of each cell. What is needed of ncurses between the first and the last byte is that it does
 * not write on its own: no refresh but one at the start, and keys read through a pad.
 */
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

/* terminfo's header has a struct term of its own. */
#define term terminfo_term
#include <term.h>
#undef term

#include "tui/color.h"
#include "tui/crash.h"
#include "tui/frame.h"
#include "tui/term.h"

#define ESCAPE_DELAY_MS 25

#define NR_ANSI 17 /* the 16, and the terminal's own */

struct term {
	SCREEN *screen;
	WINDOW *input;	/* a pad, so that reading a key does not refresh the screen */
	bool is_active; /* not suspended */
	bool is_mouse;
	struct look look;
	int rows, cols;
	struct frame frame; /* 256 and true colours */
	/* 16 colours: colour pairs, handed out as they are asked for. */
	int nr_colors;	/* ncurses' COLORS */
	int pair_limit; /* pairs are in [1, pair_limit); Linux' console has but 64 */
	int nr_pairs;
	short pairs[NR_ANSI][NR_ANSI]; /* [fg + 1][bg + 1], 0: none yet */
};

bool term_locale_init(void)
{
	bool is_utf8 = setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;

	if (!is_utf8)
		setlocale(LC_CTYPE, "C.UTF-8");
	return is_utf8;
}

/* ---- colours ---- */

/* 0-15, or -1: the terminal's own. */
static int curses_color(const struct term *term, color c)
{
	int index = color_index_16(c);

	/* The bright half where there are but 8: bold, see curses_attr(). */
	return index >= term->nr_colors ? index & 7 : index;
}

static void forget_pairs(struct term *term)
{
	memset(term->pairs, 0, sizeof(term->pairs));
	term->nr_pairs = 0;
}

/* The pair for two colours; -1: they have run out. Pair 0 is the terminal's own colours. */
static short pair_of(struct term *term, struct style style)
{
	int fg = curses_color(term, style.fg), bg = curses_color(term, style.bg);
	short *pair = &term->pairs[fg + 1][bg + 1];

	if (term->nr_colors == 0 || (fg == -1 && bg == -1))
		return 0;
	if (*pair)
		return *pair;
	if (term->nr_pairs + 1 >= term->pair_limit ||
	    init_pair((short)(term->nr_pairs + 1), (short)fg, (short)bg) == ERR)
		return -1;
	*pair = (short)++term->nr_pairs;
	return *pair;
}

static attr_t curses_attr(const struct term *term, struct style style)
{
	attr_t attr = A_NORMAL;

	if (style.attr & CELL_BOLD)
		attr |= A_BOLD;
	if (style.attr & CELL_DIM)
		attr |= A_DIM;
	if (style.attr & CELL_REVERSE)
		attr |= A_REVERSE;
	if (style.attr & CELL_UNDERLINE)
		attr |= A_UNDERLINE;
	if (term->nr_colors == 8 && style.fg != COLOR_DEFAULT && color_index_16(style.fg) >= 8)
		attr |= A_BOLD;
	return attr;
}

/* ---- opening ---- */

/* What a terminfo entry says. */
struct entry {
	int nr_colors;
	bool can_place_cursor;
};

/* False: there is no such entry. */
static bool find_entry(const char *name, struct entry *entry)
{
	const char *cup;
	int status;

	if (setupterm(name, STDOUT_FILENO, &status) != OK)
		return false;
	entry->nr_colors = tigetnum("colors") > 0 ? tigetnum("colors") : 0;
	cup = tigetstr("cup");
	entry->can_place_cursor = cup && cup != (const char *)-1;
	del_curterm(cur_term);
	return true;
}

static int check_terminal(const char *name, struct entry *entry, struct err *err)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(err, ENOTTY,
			       "%s is not a terminal; run damontop in one, or take the batch form: damontop -b -n 5",
			       isatty(STDIN_FILENO) ? "standard output" : "standard input");
	if (!name || !*name)
		return err_set(err, EINVAL,
			       "TERM is not set; set it to what the terminal is, such as xterm-256color, "
			       "or take the batch form: damontop -b");
	if (!find_entry(name, entry))
		return err_set(err, EINVAL,
			       "TERM=%.40s is not known here; install its terminfo entry (Debian: ncurses-term), try "
			       "TERM=xterm-256color, or take the batch form: damontop -b",
			       name);
	if (!entry->can_place_cursor)
		return err_set(err, EINVAL,
			       "TERM=%.40s cannot place its cursor, so there is no screen on it; set TERM to what the "
			       "terminal is, or take the batch form: damontop -b",
			       name);
	return 0;
}

/*
 * tmux calls itself screen where it is not told better, and shows any colour all the same, in what its own terminal
 * has. GNU screen, which sets STY, does not.
 */
static enum color_depth find_depth(enum color_mode mode, const char *name, const struct entry *entry)
{
	const char *tmux = getenv("TMUX"), *screen = getenv("STY");
	int nr_colors = entry->nr_colors;

	if (tmux && *tmux && !(screen && *screen) && strncmp(name, "screen", 6) == 0) {
		name = "tmux-256color";
		nr_colors = 256;
	}
	return term_depth_of_env(mode, name, getenv("COLORTERM"), getenv("NO_COLOR"), true, nr_colors);
}

/* ncurses takes SIGINT, SIGTERM, SIGTSTP and SIGWINCH; the program reads them from its signalfd instead. */
static SCREEN *newterm_without_handlers(const char *name)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGTSTP, SIGWINCH };
	struct sigaction old[sizeof(taken) / sizeof(*taken)];
	SCREEN *screen;

	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		sigaction(taken[i], NULL, &old[i]);
	screen = newterm(name, stdout, stdin);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		sigaction(taken[i], &old[i], NULL);
	return screen;
}

static bool is_sent_by_frame(const struct term *term)
{
	return term->look.depth >= COLOR_DEPTH_256;
}

static void start_colors(struct term *term)
{
	if (term->look.depth != COLOR_DEPTH_16)
		return;
	if (!has_colors() || start_color() == ERR) {
		term->look.depth = COLOR_DEPTH_MONO;
		return;
	}
	use_default_colors();
	/* An entry with direct colours takes 8 and more for RGB. */
	term->nr_colors = COLORS >= 1 << 24 ? 8 : COLORS < 16 ? COLORS : 16;
	term->pair_limit = COLOR_PAIRS < 1024 ? COLOR_PAIRS : 1024;
}

static void set_modes(struct term *term)
{
	cbreak();
	noecho();
	nonl();
	set_escdelay(ESCAPE_DELAY_MS);
	leaveok(stdscr, FALSE);
	keypad(term->input, TRUE);
	meta(term->input, TRUE);
	nodelay(term->input, TRUE);
	curs_set(0);
	if (term->is_mouse) {
		mouseinterval(0);
		mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	}
}

static void prepare_crash(const struct term *term, const struct termios *termios)
{
	static const char *const caps[] = { "sgr0", "op", "cnorm", "rmkx", "rmcup" };

	crash_begin(termios);
	if (term->is_mouse)
		crash_add("\033[?1006l\033[?1002l\033[?1000l");
	for (size_t i = 0; i < sizeof(caps) / sizeof(*caps); i++) {
		const char *cap = tigetstr(caps[i]);

		if (cap && cap != (const char *)-1)
			crash_add(cap);
	}
	crash_arm();
}

void term_install_crash_restore(struct term *term)
{
	(void)term;
	crash_install();
}

/* ---- open, close ---- */

static void free_term(struct term *term)
{
	if (term->input)
		delwin(term->input);
	if (term->screen)
		delscreen(term->screen);
	frame_free(&term->frame);
	free(term);
}

static int open_screen(struct term *term, const char *name, struct err *err)
{
	term->screen = newterm_without_handlers(name);
	if (!term->screen)
		return err_set(err, EINVAL,
			       "the terminal (TERM=%.40s) could not be set up; try TERM=xterm-256color, or the "
			       "batch form: damontop -b",
			       name);
	term->input = newpad(1, 1);
	if (term->input)
		return 0;
	endwin();
	return err_set(err, ENOMEM, "out of memory for the screen");
}

int term_curses_open(struct term **out, enum color_mode mode, bool ascii, bool mouse, struct look *look,
		     struct err *err)
{
	const char *name = getenv("TERM");
	struct termios termios;
	struct term *term;
	struct entry entry = { 0 };
	int ret;

	*out = NULL;
	ret = check_terminal(name, &entry, err);
	if (ret)
		return ret;
	if (tcgetattr(STDIN_FILENO, &termios) < 0)
		return err_set(err, errno, "the terminal's settings: %s", strerror(errno));
	term = calloc(1, sizeof(*term));
	if (!term)
		return err_set(err, ENOMEM, "out of memory for the screen");
	*term = (struct term){ .look.ascii = ascii, .is_mouse = mouse, .frame = FRAME_EMPTY };
	term->look.depth = find_depth(mode, name, &entry);
	/* What has no colour at all does not have them for the asking. */
	if (entry.nr_colors == 0)
		term->look.depth = COLOR_DEPTH_MONO;
	ret = open_screen(term, name, err);
	if (ret) {
		free_term(term);
		return ret;
	}
	prepare_crash(term, &termios);
	start_colors(term);
	set_modes(term);
	term->is_active = true;
	term_size(term, &term->rows, &term->cols);
	refresh();
	*look = term->look;
	*out = term;
	return 0;
}

void term_close(struct term **out)
{
	struct term *term = *out;

	*out = NULL;
	if (!term)
		return;
	term_suspend(term);
	crash_remove();
	free_term(term);
}

/* Where there is no other screen to go back to (vt100, linux), the prompt comes to our last line: an empty one. */
static void clear_last_line(void)
{
	char *smcup = tigetstr("smcup"), *el = tigetstr("el");

	if ((smcup && smcup != (char *)-1) || !el || el == (char *)-1)
		return;
	putp(el);
	fflush(stdout);
}

void term_suspend(struct term *term)
{
	if (!term->is_active)
		return;
	if (term->is_mouse)
		mousemask(0, NULL);
	curs_set(1);
	endwin();
	clear_last_line();
	term->is_active = false;
}

void term_resume(struct term *term)
{
	if (term->is_active)
		return;
	term->is_active = true;
	reset_prog_mode();
	set_modes(term);
	term_redraw(term);
	refresh();
}

/* ---- size and picture ---- */

int term_fd(const struct term *term)
{
	(void)term;
	return STDIN_FILENO;
}

void term_size(struct term *term, int *rows, int *cols)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
		if (is_term_resized(size.ws_row, size.ws_col))
			resize_term(size.ws_row, size.ws_col);
	}
	getmaxyx(stdscr, *rows, *cols);
	*rows = *rows > 0 ? *rows : 1;
	*cols = *cols > 0 ? *cols : 1;
	if (*rows != term->rows || *cols != term->cols)
		term_redraw(term);
	term->rows = *rows;
	term->cols = *cols;
}

void term_redraw(struct term *term)
{
	frame_forget(&term->frame);
	if (!is_sent_by_frame(term))
		clearok(curscr, TRUE);
}

static uint32_t shown_char(const struct term *term, uint32_t ch)
{
	/* Whoever wrote the cell without grid_put(): no control character gets to ncurses. */
	if (ch < 0x20 || (ch >= 0x7f && ch < 0xa0) || ch > 0x10ffff)
		return '?';
	return term->look.ascii ? (uint32_t)term_ascii_of(ch) : ch;
}

/* Puts one cell on ncurses' screen; false: no colour pair was left. */
static bool put_cell(struct term *term, int row, int col, const struct grid_cell *cell)
{
	wchar_t text[2] = { (wchar_t)shown_char(term, cell->ch), 0 };
	short pair = pair_of(term, cell->style);
	cchar_t out;

	if (setcchar(&out, text, curses_attr(term, cell->style), pair < 0 ? 0 : pair, NULL) == OK)
		mvadd_wch(row, col, &out);
	return pair >= 0;
}

/* False: colour pairs ran out on the way. */
static bool put_grid(struct term *term, const struct grid *grid)
{
	int rows = grid->rows < term->rows ? grid->rows : term->rows;
	int cols = grid->cols < term->cols ? grid->cols : term->cols;
	bool is_complete = true;

	erase();
	for (int row = 0; row < rows; row++) {
		const struct grid_cell *cells = &grid->cells[(size_t)row * (size_t)grid->cols];

		for (int col = 0; col < cols; col++) {
			/* The right half of a wide one came with its left; in ASCII both halves are characters. */
			if (cells[col].ch == 0 && !term->look.ascii && col > 0)
				continue;
			is_complete &= put_cell(term, row, col, &cells[col]);
		}
	}
	return is_complete;
}

static bool is_cursor_shown(const struct term *term, const struct grid *grid)
{
	return grid->cursor_row >= 0 && grid->cursor_row < term->rows && grid->cursor_col >= 0 &&
	       grid->cursor_col < term->cols;
}

static void show_by_curses(struct term *term, const struct grid *grid)
{
	if (!put_grid(term, grid) && term->nr_pairs > 0) {
		/* Most pairs are of former screens: hand them out anew. If one screen needs more than there are, the
		 * cells that come last are without colour. */
		reset_color_pairs();
		forget_pairs(term);
		put_grid(term, grid);
	}
	if (is_cursor_shown(term, grid))
		move(grid->cursor_row, grid->cursor_col);
	refresh();
}

/* The terminal's fd may have been made non-blocking by whoever shares it. */
static void send_bytes(const char *bytes, size_t nr)
{
	while (nr > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes, nr);

		if (n < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = STDOUT_FILENO, .events = POLLOUT }, 1, -1);
		else if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			bytes += n;
			nr -= (size_t)n;
		}
	}
}

static void show_by_frame(struct term *term, const struct grid *grid)
{
	char place[32];

	if (frame_update(&term->frame, grid, term->rows, term->cols, &term->look) < 0)
		return;
	send_bytes(term->frame.bytes, term->frame.nr_bytes);
	if (is_cursor_shown(term, grid))
		send_bytes(place, (size_t)snprintf(place, sizeof(place), "\033[%d;%dH", grid->cursor_row + 1,
						   grid->cursor_col + 1));
}

void term_show(struct term *term, const struct grid *grid)
{
	if (!term->is_active)
		return;
	if (is_sent_by_frame(term))
		show_by_frame(term, grid);
	else
		show_by_curses(term, grid);
	curs_set(is_cursor_shown(term, grid) ? 1 : 0);
}

/* ---- keys ---- */

static bool read_mouse(struct term_event *event)
{
	MEVENT mouse;

	if (getmouse(&mouse) != OK)
		return false;
	*event = (struct term_event){ .key = TERM_KEY_MOUSE, .row = mouse.y, .col = mouse.x };
	if (mouse.bstate & BUTTON1_PRESSED)
		event->button = 1;
	else if (mouse.bstate & BUTTON4_PRESSED)
		event->button = 4;
	else if (mouse.bstate & BUTTON5_PRESSED)
		event->button = 5;
	return event->button != 0;
}

static bool function_key(wint_t code, struct term_event *event)
{
	static const struct {
		wint_t code;
		uint32_t key;
	} keys[] = {
		{ KEY_UP, TERM_KEY_UP },
		{ KEY_DOWN, TERM_KEY_DOWN },
		{ KEY_LEFT, TERM_KEY_LEFT },
		{ KEY_RIGHT, TERM_KEY_RIGHT },
		{ KEY_HOME, TERM_KEY_HOME },
		{ KEY_END, TERM_KEY_END },
		{ KEY_FIND, TERM_KEY_HOME },
		{ KEY_SELECT, TERM_KEY_END },
		{ KEY_A1, TERM_KEY_HOME },
		{ KEY_C1, TERM_KEY_END },
		{ KEY_PPAGE, TERM_KEY_PAGE_UP },
		{ KEY_NPAGE, TERM_KEY_PAGE_DOWN },
		{ KEY_BACKSPACE, TERM_KEY_BACKSPACE },
		{ KEY_DC, TERM_KEY_DELETE },
		{ KEY_IC, TERM_KEY_INSERT },
		{ KEY_BTAB, TERM_KEY_BACKTAB },
		{ KEY_ENTER, TERM_KEY_ENTER },
	};

	if (code == KEY_MOUSE)
		return read_mouse(event);
	if (code > KEY_F(0) && code <= KEY_F(12)) {
		*event = (struct term_event){ .key = TERM_KEY_F0 + (code - KEY_F(0)) };
		return true;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (keys[i].code == code) {
			*event = (struct term_event){ .key = keys[i].key };
			return true;
		}
	}
	return false;
}

static uint32_t plain_key(wint_t ch)
{
	if (ch == '\r')
		return TERM_KEY_ENTER;
	/* Terminals disagree on what the key above Enter sends; both mean it. */
	return ch == 0x7f || ch == '\b' ? TERM_KEY_BACKSPACE : ch;
}

#define MAX_SEQUENCE 32

/*
 * After an escape: is it the beginning of a sequence that nobody here knows (a key with a modifier, a report of the
 * terminal)? Its bytes would be taken for keys. Skips it then.
 */
static bool skip_sequence(struct term *term)
{
	wint_t ch = 0;
	int kind = wget_wch(term->input, &ch);

	if (kind == ERR)
		return false;
	if (kind == KEY_CODE_YES || ch != '[') {
		if (kind == KEY_CODE_YES)
			ungetch((int)ch);
		else
			unget_wch((wchar_t)ch);
		return false;
	}
	for (int i = 0; i < MAX_SEQUENCE; i++)
		if (wget_wch(term->input, &ch) != OK || (ch >= 0x40 && ch <= 0x7e))
			break;
	return true;
}

bool term_read(struct term *term, struct term_event *event)
{
	wint_t ch;
	int kind;

	if (!term->is_active)
		return false;
	/* Keys that nothing stands for are skipped, not taken for the end. */
	while ((kind = wget_wch(term->input, &ch)) != ERR) {
		if (kind == OK && ch == TERM_KEY_ESCAPE && skip_sequence(term))
			continue;
		if (kind == KEY_CODE_YES ? function_key(ch, event) : ch <= 0x10ffff) {
			if (kind != KEY_CODE_YES)
				*event = (struct term_event){ .key = plain_key(ch) };
			return true;
		}
	}
	return false;
}
