/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tui thread's loop: it blocks in one poll() and nowhere else.
 *
 * A key is answered at once. Snapshots may come faster than anybody can look
 * (1 ms aggregations, a recording): frames on their account are at least
 * FRAME_NS apart, and none is drawn where nothing has changed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "collector/clock.h"
#include "tui/app.h"

#define FRAME_NS (33 * NSEC_PER_MSEC)

enum { FD_KEYS, FD_SIGNALS, FD_MESSAGES, NR_FDS };

struct loop {
	struct app *app;
	struct term *term;
	struct channel *channel;
	struct pollfd fds[NR_FDS];
	struct grid grid;
	bool dirty;  /* the state has changed since the last frame */
	bool urgent; /* ... by a key: no waiting */
	bool quit;
	int signal; /* that ended it */
	uint64_t drawn_ns;
	uint64_t tick_ns; /* when app_tick() is due; 0: not at all */
};

static int open_signals(struct err *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGCONT);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd >= 0 ? fd : err_set(err, errno, "signalfd: %s", strerror(errno));
}

static void apply(struct loop *loop, unsigned flags, bool urgent)
{
	if (flags & APP_QUIT)
		loop->quit = true;
	if (flags & APP_REFRESH)
		term_redraw(loop->term);
	if (flags & APP_REDRAW) {
		loop->dirty = true;
		loop->urgent |= urgent;
	}
}

static void take_keys(struct loop *loop)
{
	struct term_event event;

	while (!loop->quit && term_read(loop->term, &event))
		apply(loop, app_key(loop->app, &event), true);
	/* the terminal has gone: nobody is there to look or to type */
	if (loop->fds[FD_KEYS].revents & (POLLHUP | POLLERR | POLLNVAL))
		loop->quit = true;
}

static void take_messages(struct loop *loop)
{
	struct message message;

	while (channel_receive(loop->channel, &message))
		apply(loop, app_message(loop->app, &message), false);
}

static void take_signal(struct loop *loop, int signal)
{
	switch (signal) {
	case SIGWINCH:
		loop->dirty = loop->urgent = true;
		break;
	case SIGTSTP:
		term_suspend(loop->term);
		kill(getpid(), SIGSTOP);
		break;
	case SIGCONT:
		term_resume(loop->term);
		loop->dirty = loop->urgent = true;
		break;
	default:
		loop->signal = signal;
		loop->quit = true;
	}
}

static void take_signals(struct loop *loop)
{
	struct signalfd_siginfo info;

	while (read(loop->fds[FD_SIGNALS].fd, &info, sizeof(info)) == sizeof(info))
		take_signal(loop, (int)info.ssi_signo);
}

static int draw(struct loop *loop, struct err *err)
{
	int rows, cols;

	term_size(loop->term, &rows, &cols);
	if ((rows != loop->grid.rows || cols != loop->grid.cols) && grid_resize(&loop->grid, rows, cols))
		return err_set(err, ENOMEM, "no memory for a screen of %d x %d", cols, rows);
	app_paint(loop->app, &loop->grid);
	term_show(loop->term, &loop->grid);
	loop->dirty = loop->urgent = false;
	loop->drawn_ns = clock_now_ns(&clock_system);
	return 0;
}

/* Milliseconds until then, rounded up; 0: it is past. */
static int ms_until(uint64_t then_ns, uint64_t now_ns)
{
	return then_ns > now_ns ? (int)((then_ns - now_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC) : 0;
}

static int timeout_ms(struct loop *loop, uint64_t now_ns)
{
	int tick_ms = app_tick_ms(loop->app), timeout = -1;

	if (tick_ms < 0)
		loop->tick_ns = 0;
	else if (!loop->tick_ns)
		loop->tick_ns = now_ns + (uint64_t)tick_ms * NSEC_PER_MSEC;
	if (loop->tick_ns)
		timeout = ms_until(loop->tick_ns, now_ns);
	if (loop->dirty) {
		int frame_ms = ms_until(loop->drawn_ns + FRAME_NS, now_ns);

		timeout = timeout < 0 || frame_ms < timeout ? frame_ms : timeout;
	}
	return timeout;
}

static void take_tick(struct loop *loop, uint64_t now_ns)
{
	if (!loop->tick_ns || now_ns < loop->tick_ns)
		return;
	loop->tick_ns = 0;
	apply(loop, app_tick(loop->app), false);
}

static int run(struct loop *loop, struct err *err)
{
	loop->dirty = loop->urgent = true;
	while (!loop->quit) {
		uint64_t now_ns = clock_now_ns(&clock_system);

		take_tick(loop, now_ns);
		if (loop->dirty && (loop->urgent || now_ns - loop->drawn_ns >= FRAME_NS)) {
			int ret = draw(loop, err);

			if (ret)
				return ret;
		}
		if (poll(loop->fds, NR_FDS, timeout_ms(loop, now_ns)) < 0 && errno != EINTR)
			return err_set(err, errno, "poll: %s", strerror(errno));
		take_signals(loop);
		if (loop->fds[FD_KEYS].revents)
			take_keys(loop);
		if (loop->channel && loop->fds[FD_MESSAGES].revents)
			take_messages(loop);
	}
	return loop->signal;
}

int app_run(struct app *app, struct term *term, struct channel *channel, struct err *err)
{
	struct loop loop = { .app = app, .term = term, .channel = channel, .grid = GRID_EMPTY };
	int ret, signals = open_signals(err);

	if (signals < 0)
		return signals;
	loop.fds[FD_KEYS] = (struct pollfd){ .fd = term_fd(term), .events = POLLIN };
	loop.fds[FD_SIGNALS] = (struct pollfd){ .fd = signals, .events = POLLIN };
	/* poll() leaves a negative fd alone */
	loop.fds[FD_MESSAGES] = (struct pollfd){ .fd = channel ? channel_message_fd(channel) : -1, .events = POLLIN };
	ret = run(&loop, err);
	close(signals);
	grid_free(&loop.grid);
	return ret;
}
