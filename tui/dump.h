/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dump.h - the screen without a terminal: after so many snapshots and these
 * keys, as text or as a picture.
 *
 * For tests and documentation. With the demo source and a virtual clock the
 * same arguments give the same screen, to the byte. Tui thread only: it steps the
 * collector of a demo or a recording itself.
 */
#ifndef TUI_DUMP_H
#define TUI_DUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "collector/channel.h"
#include "collector/clock.h"
#include "collector/collector.h"
#include "collector/err.h"
#include "tui/app.h"

struct dump_options {
	uint64_t nr_snapshots;
	const char *keys; /* pressed after them; NULL: none */
	int rows, cols;
	bool svg;
	bool with_colors; /* ANSI sequences in the look's depth */
	const char *title;
	uint32_t fg, bg; /* RGB: what the terminal's own colours are in a picture */
};

/*
 * Steps the collector, on its virtual clock, until it has made the snapshots; collector NULL: waits for the messages of
 * the channel instead. Then keys, then the screen to out. 0 or -errno with err.
 */
int dump_run(struct app *app, const struct look *look, struct channel *channel, struct collector *collector,
	     struct clock_virtual *clock, const struct dump_options *options, FILE *out, struct err *err);

#endif
