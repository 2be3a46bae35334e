/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/dump.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

/* Hands messages that wait to the app, up to snapshot number wanted. 1: go on; 0: the collector has ended; -errno. */
static int take_messages(struct app *app, struct channel *channel, uint64_t wanted, uint64_t *nr_snapshots,
			 struct err *err)
{
	struct message message;

	while (*nr_snapshots < wanted && channel_receive(channel, &message)) {
		if (message.type == MESSAGE_SNAPSHOT && !(message.snapshot->flags & SNAP_MORE))
			++*nr_snapshots;
		if (message.type == MESSAGE_ENDED && message.err.code)
			return err_set(err, message.err.code, "%s", message.err.text);
		app_message(app, &message);
		if (message.type == MESSAGE_ENDED)
			return 0;
	}
	return 1;
}

static void step_to_next(struct collector *collector, struct clock_virtual *clock)
{
	clock_virtual_advance(clock, collector_deadline_ns(collector));
	collector_step(collector);
}

static int wait_for_message(struct channel *channel, struct err *err)
{
	struct pollfd pfd = { .fd = channel_message_fd(channel), .events = POLLIN };

	if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
		return err_set(err, errno, "waiting for snapshots: %s", strerror(errno));
	return 0;
}

/* Painted after each, as on a terminal: what is on the screen is what most keys go by. */
static int press_keys(struct app *app, const char *keys, struct grid *grid, struct err *err)
{
	app_paint(app, grid);
	while (keys && *keys) {
		struct term_event event = { 0 };

		keys = term_key_parse(keys, &event.key, err);
		if (!keys)
			return -EINVAL;
		app_key(app, &event);
		app_paint(app, grid);
	}
	return 0;
}

static int print_screen(struct app *app, const struct look *look, const struct dump_options *o, FILE *out,
			struct err *err)
{
	struct grid grid = { 0 };
	int rc = grid_resize(&grid, o->rows, o->cols);

	if (rc)
		return err_set(err, -rc, "no memory for a screen of %d x %d", o->cols, o->rows);
	rc = press_keys(app, o->keys, &grid, err);
	if (!rc) {
		rc = o->svg ? term_svg_write(out, &grid, o->title, o->fg, o->bg)
			    : term_text_write(out, &grid, look, o->with_colors);
		if (rc)
			err_set(err, -rc, "writing the screen: %s", strerror(-rc));
	}
	grid_free(&grid);
	return rc;
}

int dump_run(struct app *app, const struct look *look, struct channel *channel, struct collector *collector,
	     struct clock_virtual *clock, const struct dump_options *o, FILE *out, struct err *err)
{
	uint64_t nr_snapshots = 0;
	int rc = 1;

	while (rc > 0 && nr_snapshots < o->nr_snapshots) {
		if (collector)
			step_to_next(collector, clock);
		else
			rc = wait_for_message(channel, err) ? -EIO : 1;
		if (rc > 0)
			rc = take_messages(app, channel, o->nr_snapshots, &nr_snapshots, err);
	}
	return rc < 0 ? rc : print_screen(app, look, o, out, err);
}
