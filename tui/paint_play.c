/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines that say which time is on the screen: of a recording that is played, and of what is kept while it goes on. */
#include <stdio.h>

#include "collector/clock.h"
#include "collector/text.h"
#include "tui/paint.h"
#include "tui/when.h"

#define MIN_BAR_COLS 8

/* "1:02:03", "2:03", and tenths where the whole is short. */
static const char *place_text(char dst[32], uint64_t ns, uint64_t total_ns)
{
	uint64_t s = ns / NSEC_PER_SEC;

	if (s >= 3600)
		snprintf(dst, 32, "%llu:%02llu:%02llu", (unsigned long long)(s / 3600),
			 (unsigned long long)(s / 60 % 60), (unsigned long long)(s % 60));
	else if (total_ns && total_ns < 60 * NSEC_PER_SEC)
		snprintf(dst, 32, "%llu:%04.1f", (unsigned long long)(s / 60), (double)(ns / 100000000 % 600) / 10);
	else
		snprintf(dst, 32, "%llu:%02llu", (unsigned long long)(s / 60), (unsigned long long)(s % 60));
	return dst;
}

/* What is on the screen: paused, that may be older than what was handed over last. */
static uint64_t shown_at_ns(const struct app *app)
{
	const struct snapshot *shown = app_shown(app), *newest = history_last(app->history);
	uint64_t back_ns = shown && newest && newest->time_ns > shown->time_ns ? newest->time_ns - shown->time_ns : 0;

	return app->play.at_ns > back_ns ? app->play.at_ns - back_ns : 0;
}

static void paint_track(const struct paint *p, int row, int col, int cols, double share)
{
	int knob = (int)(share * (cols - 1) + 0.5);

	for (int i = 0; i < cols; i++)
		grid_put(p->grid, row, col + i, i == knob ? 0x25cf : 0x2500,
			 p->roles[i <= knob ? THEME_BAR_KEY : THEME_DIM]);
}

/* Whether of that moment not every aggregation is kept any more. */
static bool is_thinned_at(const struct history *history, uint64_t time_ns)
{
	size_t nr = history_nr(history), i = history_find(history, time_ns);

	/* one that stands for more than itself stands for what was before it */
	i += i < nr && history_at(history, i)->time_ns < time_ns;
	return i < nr && history_span(history, i) > 1;
}

void paint_rewind(const struct paint *p, struct rect where)
{
	const struct history *history = p->app->history;
	const struct snapshot *shown = app_shown(p->app), *oldest, *newest;
	int col = where.col + 1, end = where.col + where.cols - 1, cols, knob;
	char from[WHEN_SIZE], to[WHEN_SIZE], at[WHEN_SIZE], back[TEXT_NUMBER_SIZE], tail[112];
	uint64_t all_ns, at_ns, back_s;

	if (!shown)
		return;
	oldest = history_at(history, 0);
	newest = history_last(history);
	all_ns = newest->time_ns > oldest->time_ns ? newest->time_ns - oldest->time_ns : 1;
	at_ns = shown->time_ns > oldest->time_ns ? shown->time_ns - oldest->time_ns : 0;
	back_s = (all_ns > at_ns ? all_ns - at_ns + NSEC_PER_SEC / 2 : 0) / NSEC_PER_SEC;
	snprintf(tail, sizeof(tail), " %s now · at %s, %s back", when_text(to, newest, 0), when_text(at, shown, 0),
		 back_s ? text_duration_us(back, back_s * USEC_PER_SEC) : "0s");
	paint_at(p, where.row, &col, end, THEME_DIM, "%s ", when_text(from, oldest, 0));
	cols = end - col - grid_text_width(tail);
	knob = (int)((double)at_ns / (double)all_ns * (cols - 1) + 0.5);
	for (int i = 0; i < cols; i++) {
		uint64_t ns = (uint64_t)((double)all_ns * i / (cols > 1 ? cols - 1 : 1));
		uint32_t line = is_thinned_at(history, oldest->time_ns + ns) ? 0x2504 : 0x2500;

		grid_put(p->grid, where.row, col + i, i == knob ? 0x25cf : line,
			 p->roles[i <= knob ? THEME_BAR_KEY : THEME_DIM]);
	}
	col += cols > 0 ? cols : 0;
	paint_at(p, where.row, &col, end, THEME_TEXT, "%s", tail);
}

void paint_scrubber(const struct paint *p, struct rect where)
{
	const struct play_state *play = &p->app->play;
	int col = where.col + 1, end = where.col + where.cols - 1, bar;
	char at[32], total[32] = "?", tail[160], count[48];
	uint64_t at_ns = shown_at_ns(p->app);

	snprintf(count, sizeof(count), play->total_nr ? "  %llu of %llu" : "  %llu", (unsigned long long)play->nr,
		 (unsigned long long)play->total_nr);
	if (play->total_ns)
		place_text(total, play->total_ns, play->total_ns);
	snprintf(tail, sizeof(tail), " %s  %gx%s%s", total, play->speed, play->loop ? "  loop" : "", count);
	paint_at(p, where.row, &col, end, THEME_STRONG, "%s %s ", p->app->frozen ? "paused" : "replay",
		 place_text(at, at_ns, play->total_ns));
	bar = end - col - grid_text_width(tail);
	if (bar >= MIN_BAR_COLS && play->total_ns) {
		paint_track(p, where.row, col, bar, (double)at_ns / (double)play->total_ns);
		col += bar;
	} else {
		paint_at(p, where.row, &col, end, THEME_DIM, "of");
	}
	paint_at(p, where.row, &col, end, THEME_TEXT, "%s", tail);
}
