/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The panel of the source: what it reported, lost and cost. */
#include <stdio.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/source.h"
#include "collector/text.h"
#include "tui/paint.h"

#define SOURCE_LABEL_COLS 24
#define SOURCE_VALUE_COLS 14

static void source_title(const struct paint *p, struct rect where, int *row)
{
	int col = where.col + 1 + SOURCE_LABEL_COLS;

	if (*row < where.row + where.rows) {
		grid_text(p->grid, *row, col, SOURCE_VALUE_COLS, "then", p->roles[THEME_DIM], GRID_RIGHT);
		grid_text(p->grid, *row, col + SOURCE_VALUE_COLS, SOURCE_VALUE_COLS, "all kept", p->roles[THEME_DIM],
			  GRID_RIGHT);
	}
	(*row)++;
}

/* One figure, of the snapshot and of all that is kept; bad: any of it is a fault. */
static void source_line(const struct paint *p, struct rect where, int *row, const char *label, enum theme_role role,
			const char *now, const char *all, const char *remark)
{
	int col = where.col + 1;

	if (*row < where.row + where.rows) {
		grid_text(p->grid, *row, col, SOURCE_LABEL_COLS, label, p->roles[THEME_DIM], GRID_ELLIPSIS);
		col += SOURCE_LABEL_COLS;
		grid_text(p->grid, *row, col, SOURCE_VALUE_COLS, now, p->roles[role], GRID_RIGHT);
		col += SOURCE_VALUE_COLS;
		grid_text(p->grid, *row, col, SOURCE_VALUE_COLS, all, p->roles[THEME_TEXT], GRID_RIGHT);
		col += SOURCE_VALUE_COLS + 3;
		/* as a whole or not at all */
		if (where.col + where.cols - col >= grid_text_width(remark))
			grid_text(p->grid, *row, col, where.col + where.cols - col, remark, p->roles[THEME_DIM], 0);
	}
	(*row)++;
}

static void count_line(const struct paint *p, struct rect where, int *row, const char *label, bool fault, uint64_t now,
		       uint64_t all, const char *remark)
{
	char a[TEXT_NUMBER_SIZE], b[TEXT_NUMBER_SIZE];
	enum theme_role role = !fault ? THEME_STRONG : now ? THEME_BAD : THEME_GOOD;

	source_line(p, where, row, label, role, text_count(a, now), text_count(b, all), remark);
}

/* part of whole in percent; "–" where it cannot be known. */
static void share_line(const struct paint *p, struct rect where, int *row, const char *label, double now_part,
		       double now_whole, double all_part, double all_whole, const char *remark)
{
	char a[32] = "–", b[32] = "–";

	if (now_whole > 0)
		snprintf(a, sizeof(a), "%.2f%%", now_part * 100 / now_whole);
	if (all_whole > 0)
		snprintf(b, sizeof(b), "%.2f%%", all_part * 100 / all_whole);
	source_line(p, where, row, label, THEME_STRONG, a, b, remark);
}

static void source_counts(const struct paint *p, struct rect where, int *row, const struct snap_stats *now,
			  const struct snap_stats *all)
{
	count_line(p, where, row, "reports", false, now->reports, all->reports, "handed over, with an address");
	count_line(p, where, row, "samples", false, now->samples, all->samples, "looked at, with or without one");
	count_line(p, where, row, "unattributed", false, now->unattributed, all->unattributed,
		   "samples without an address that is certain");
	count_line(p, where, row, "lost", true, now->lost, all->lost, "by the kernel, for want of room in a ring");
	count_line(p, where, row, "throttled", true, now->throttled, all->throttled,
		   "times that the kernel held the event back");
	count_line(p, where, row, "malformed", true, now->malformed, all->malformed, "records that made no sense");
	count_line(p, where, row, "outside", false, now->outside, all->outside, "reports outside of every region");
}

/* On as many lines as it takes, cut between words. */
static void wrapped(const struct paint *p, struct rect where, int *row, enum theme_role role, const char *text)
{
	int cols = where.cols - 2;

	while (*text && cols > 0 && *row < where.row + where.rows) {
		size_t len = 0, i = 0;
		int col = where.col + 1, width = 0;

		while (text[i] && width < cols) {
			uint32_t c;
			size_t n = text_utf8_decode(text + i, text + strlen(text), &c);

			i += n ? n : 1;
			width++;
			if (text[i] == ' ' || !text[i])
				len = i;
		}
		if (!len)
			len = i;
		paint_at(p, (*row)++, &col, where.col + where.cols, role, "%.*s", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

/* Which it is, what it notes, and what it does to the target. */
static void source_name(const struct paint *p, struct rect where, int *row, const struct snapshot *snap)
{
	const struct source_ops *ops = snap->source ? source_find(snap->source) : NULL;
	char text[256];

	snprintf(text, sizeof(text), "%s%s%s", snap->source ? snap->source : "", *snap->note ? ": " : "", snap->note);
	wrapped(p, where, row, THEME_TITLE, text);
	if (!ops || !ops->side_effect)
		return;
	snprintf(text, sizeof(text), "it %s", ops->side_effect);
	wrapped(p, where, row, THEME_DIM, text);
}

void paint_panel_source(const struct paint *p, struct rect where)
{
	const struct snapshot *snap = app_panel_snapshot(p->app);
	const struct history *history = p->app->history;
	struct panel_stats all;
	char a[64], b[TEXT_NUMBER_SIZE];
	double seconds;
	int row = where.row;

	if (!snap)
		return;
	source_name(p, where, &row, snap);
	panel_sum_stats(history, &all);
	seconds = (double)snap->duration_ns / (double)NSEC_PER_SEC;
	source_title(p, where, &row);
	source_counts(p, where, &row, &snap->stats, &all.sum);
	snprintf(a, sizeof(a), "%s/s",
		 text_count(b, seconds > 0 ? (uint64_t)((double)snap->stats.reports / seconds) : 0));
	source_line(p, where, &row, "rate of reports", THEME_STRONG, a, "", "");
	if (snap->stats.freq_hz)
		snprintf(a, sizeof(a), "%u Hz", snap->stats.freq_hz);
	source_line(p, where, &row, "sample frequency", THEME_STRONG, snap->stats.freq_hz ? a : "–", "",
		    "in force, for each thread");
	row++;
	share_line(p, where, &row, "cost to the target",
		   (double)snap->stats.samples * snap->stats.cost_ns / (double)NSEC_PER_USEC,
		   snap->stats.cost_ns ? (double)snap->target_cpu_us : 0, all.cost_us,
		   all.cost_us > 0 ? (double)all.target_cpu_us : 0, "of its CPU time, as calibrated");
	share_line(p, where, &row, "own CPU", (double)snap->stats.cpu_us, seconds * 1e6, (double)all.sum.cpu_us,
		   (double)all.duration_ns / 1e3, "of one CPU: the collector's thread");
	count_line(p, where, &row, "snapshots dropped", true, snap->stats.dropped, all.sum.dropped,
		   "since the start: the screen was too slow for them");
	row++;
	snprintf(a, sizeof(a), "%zu", history_nr(history));
	source_line(p, where, &row, "snapshots kept", THEME_STRONG, a, text_bytes(b, history_bytes(history)),
		    "and the memory that they take");
	count_line(p, where, &row, "thinned", false, history_nr_dropped(history), history_nr_dropped(history),
		   "older ones that went to keep to --history");
}
