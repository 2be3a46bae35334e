/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of the cell under the cursor, and of the target as a whole. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/space.h"
#include "collector/text.h"
#include "tui/paint.h"
#include "tui/when.h"

#define LABEL_COLS 9
#define MAX_SPARKS 64

/* Where the next line goes. */
struct pen {
	const struct paint *p;
	struct rect where;
	int row; /* of the grid */
};

static int left(const struct pen *pen)
{
	return pen->where.row + pen->where.rows - pen->row;
}

static int value_col(const struct pen *pen)
{
	return pen->where.col + 1 + LABEL_COLS;
}

static int end_col(const struct pen *pen)
{
	return pen->where.col + pen->where.cols;
}

static void blank(struct pen *pen)
{
	if (left(pen) > 0)
		pen->row++;
}

/* One line: a label, and a value in a role. */
static void say(struct pen *pen, const char *label, enum theme_role role, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void say(struct pen *pen, const char *label, enum theme_role role, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (left(pen) < 1)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	grid_text(pen->p->grid, pen->row, pen->where.col + 1, LABEL_COLS - 1, label, pen->p->roles[THEME_DIM], 0);
	grid_text(pen->p->grid, pen->row, value_col(pen), end_col(pen) - value_col(pen), text, pen->p->roles[role],
		  GRID_ELLIPSIS);
	pen->row++;
}

static void title(struct pen *pen, const char *text, const char *more)
{
	int col = pen->where.col + 1;

	if (left(pen) < 1)
		return;
	paint_at(pen->p, pen->row, &col, end_col(pen), THEME_TITLE, "%s", text);
	paint_at(pen->p, pen->row, &col, end_col(pen), THEME_DIM, " %s", more);
	pen->row++;
}

static void bar(struct pen *pen, int row, int col, int cols, double share, color c)
{
	paint_bar(pen->p, row, col, cols, share, c);
}

/* ---- the cell ---- */

static void cell_title(struct pen *pen, const struct inspect *in)
{
	char from[WHEN_SIZE], to[WHEN_SIZE], text[2 * WHEN_SIZE + 8] = "";

	if (in->snap) {
		when_text(from, in->first, in->first->duration_ns);
		when_text(to, in->snap, 0);
		snprintf(text, sizeof(text), "%s – %s", from, to);
	}
	title(pen, pen->p->app->cursor_set ? "cell" : in->cell.heat > 0 ? "busiest now" : "no access now", text);
}

/* Of mappings that share a row for want of lines the holes between them are no memory. */
static void cell_size(struct pen *pen, const struct inspect *in)
{
	uint64_t span = in->end - in->start, pages = (span + PAGE_BYTES - 1) / PAGE_BYTES;
	char bytes[TEXT_NUMBER_SIZE], of[TEXT_NUMBER_SIZE];

	if (in->mapped_bytes && in->mapped_bytes < span)
		say(pen, "", THEME_DIM, "%s mapped of %s", text_bytes(bytes, in->mapped_bytes), text_bytes(of, span));
	else
		say(pen, "", THEME_DIM, "%s · %llu page%s", text_bytes(bytes, span), (unsigned long long)pages,
		    pages == 1 ? "" : "s");
}

static void cell_range(struct pen *pen, const struct inspect *in)
{
	char perms[5], name[MAPPINGS_SHORT_NAME_SIZE];
	const struct mappings *maps = in->snap ? in->snap->maps : NULL;
	const struct mappings_process *process = mappings_process_of(maps, in->start);

	if (process)
		say(pen, "process", THEME_TEXT, "%d  %s", (int)process->pid, process->comm);
	say(pen, "range", THEME_STRONG, "%llx–%llx", (unsigned long long)space_address(in->start),
	    (unsigned long long)space_end_address(in->end));
	cell_size(pen, in);
	if (!in->mapping) {
		if (in->snap)
			say(pen, "mapping", THEME_DIM, "was not mapped then");
		return;
	}
	mappings_short_name(name, maps, in->mapping);
	if (in->mapping->kind == MAPPING_ZONE)
		say(pen, "zone", THEME_TEXT, "%s", name);
	else
		say(pen, "mapping", THEME_TEXT, "%s  %s", mapping_perms_text(perms, in->mapping), name);
	if (in->mapping->kind == MAPPING_FILE)
		say(pen, "", THEME_DIM, "file offset %llx%s",
		    (unsigned long long)(in->mapping->offset +
					 (in->start > in->mapping->start ? in->start - in->mapping->start : 0)),
		    mappings_is_deleted(maps, in->mapping) ? "  deleted" : "");
}

/* How much the figures mean. */
static void cell_reports(struct pen *pen, const struct inspect *in)
{
	uint32_t nr = in->cell.nr_reports;
	char text[TEXT_NUMBER_SIZE];

	/* A check of access bits says all there is to say of a page; reports are only how its finds were put together.
	 */
	if (in->snap && in->snap->heat_unit == HEAT_FRACTION && in->snap->max_nr_accesses) {
		say(pen, "checks", THEME_TEXT, "%u an aggregation", in->snap->max_nr_accesses);
		return;
	}
	text_count(text, nr);
	if (!nr)
		say(pen, "reports", THEME_DIM, in->cell.heat > 0 ? "– (not counted)" : "none");
	else if (nr < INSPECT_FEW_REPORTS)
		say(pen, "reports", THEME_WARN, "%s  ⚠ too few", text);
	else
		say(pen, "reports", nr < 100 ? THEME_TEXT : THEME_GOOD, "%s  %s", text, nr < 100 ? "fair" : "solid");
}

/* Of several regions, or times, the mean is told; the hottest too where that is another figure. */
static const char *most_checks(char dst[32], const struct view_cell *cell, uint32_t nr_checks)
{
	if (cell->peak > cell->heat * 1.05f)
		snprintf(dst, 32, ", up to %.1f", (double)cell->peak * nr_checks);
	else
		*dst = '\0';
	return dst;
}

static void cell_heat(struct pen *pen, const struct inspect *in)
{
	const struct snapshot *snap = in->snap;
	char heat[32], peak[32], most[32], age[TEXT_NUMBER_SIZE], rate[48];

	if (!(in->cell.valid & VIEW_HEAT)) {
		say(pen, "heat", THEME_DIM, "unknown: nothing looked there then");
		return;
	}
	inspect_heat_text(heat, (double)in->cell.heat, snap->heat_unit);
	if (snap->heat_unit == HEAT_FRACTION && snap->max_nr_accesses && in->largest && in->nr_regions == 1)
		say(pen, "heat", THEME_STRONG, "%s  %u of %u checks", heat, in->largest->nr_accesses,
		    snap->max_nr_accesses);
	else if (snap->heat_unit == HEAT_FRACTION && snap->max_nr_accesses)
		say(pen, "heat", THEME_STRONG, "%s  %.1f of %u checks%s", heat,
		    (double)in->cell.heat * snap->max_nr_accesses, snap->max_nr_accesses,
		    most_checks(most, &in->cell, snap->max_nr_accesses));
	else if (in->cell.peak > in->cell.heat * 1.05f)
		say(pen, "heat", THEME_STRONG, "%s  up to %s", heat,
		    inspect_heat_number(peak, (double)in->cell.peak, snap->heat_unit));
	else
		say(pen, "heat", THEME_STRONG, "%s", heat);
	if (inspect_rate_text(rate, (double)in->cell.heat, in->seen_bytes, snap))
		say(pen, "", THEME_DIM, "%s", rate);
	say(pen, "age", THEME_TEXT, "%s at this heat", inspect_age_text(age, &in->cell));
	cell_reports(pen, in);
}

/* The same place and time as the other source sees it. */
static void cell_beside(struct pen *pen)
{
	const struct app *app = pen->p->app;
	const struct snapshot *newest = app_is_split(app) ? history_last(app->other.history) : NULL;
	unsigned nr_cols = newest ? view_nr_cols(app->other.view) : 0;
	const struct view_cell *cell;
	char heat[32];

	if (app->cursor_back >= nr_cols)
		return;
	cell = view_cell(app->other.view, app->cursor_row, nr_cols - 1 - app->cursor_back);
	if (cell->valid & VIEW_HEAT)
		say(pen, "beside", THEME_STRONG, "%s  %s",
		    inspect_heat_text(heat, (double)cell->heat, app->other.contrast_unit), newest->source);
	else
		say(pen, "beside", THEME_DIM, "unknown to %s", newest->source);
}

static void node_bar(struct pen *pen, const struct inspect *in)
{
	int col = value_col(pen), cols = end_col(pen) - col - 2, done = 0;
	bool mono = pen->p->app->config.look.depth == COLOR_DEPTH_MONO;
	uint64_t sum = 0;
	unsigned i;

	if (left(pen) < 1)
		return;
	for (i = 0; i < 8; i++) {
		struct style style = pen->p->roles[THEME_TEXT];
		int upto;

		sum += in->node_bytes[i];
		upto = (int)((double)sum * cols / (double)in->node_all_bytes + 0.5);
		style.fg = theme_hue(pen->p->app->config.theme, &pen->p->app->config.look, i, 1);
		for (; done < upto; done++)
			grid_put(pen->p->grid, pen->row, col + done, mono && i % 2 ? 0x2592 : 0x2588, style);
	}
	pen->row++;
}

static void cell_nodes(struct pen *pen, const struct inspect *in)
{
	char text[128] = "";
	size_t len = 0;
	unsigned i;

	if (!in->node_all_bytes) {
		say(pen, "node", THEME_DIM, "– (not known)");
		return;
	}
	for (i = 0; i < 8 && len < sizeof(text) - 16; i++)
		if (in->node_bytes[i])
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u %.0f%%", len ? "  " : "", i,
						(double)in->node_bytes[i] * 100 / (double)in->node_all_bytes);
	say(pen, "node", THEME_TEXT, "%s", text);
	node_bar(pen, in);
}

/* Bytes that are present or, where a source counts page by page, that were accessed. */
static void cell_kind(struct pen *pen, const struct inspect *in)
{
	char text[96] = "", huge[32], bytes[TEXT_NUMBER_SIZE];
	size_t len = 0;

	if (!in->kind_known && !in->huge_known) {
		say(pen, "kind", THEME_DIM, "– (not known)");
		return;
	}
	if (in->anon_bytes || (in->kind_known && !in->file_bytes))
		len += (size_t)snprintf(text, sizeof(text), "anon %s  ", text_bytes(bytes, in->anon_bytes));
	if (in->file_bytes)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "file %s  ", text_bytes(bytes, in->file_bytes));
	if (!in->huge_known) {
		say(pen, "kind", THEME_TEXT, "%s", text);
		return;
	}
	snprintf(huge, sizeof(huge), "huge %s", text_bytes(bytes, in->huge_bytes));
	if ((int)len + grid_text_width(huge) <= end_col(pen) - value_col(pen)) {
		say(pen, "kind", THEME_TEXT, "%s%s", text, huge);
		return;
	}
	say(pen, "kind", THEME_TEXT, "%s", text);
	say(pen, "", THEME_TEXT, "%s", huge);
}

static void cell_swap(struct pen *pen, const struct inspect *in)
{
	char bytes[TEXT_NUMBER_SIZE];

	if (!in->swap_known_bytes)
		say(pen, "swapped", THEME_DIM, "– (not known)");
	else
		say(pen, "swapped", in->swapped_bytes ? THEME_WARN : THEME_TEXT, "%s%s",
		    text_bytes(bytes, in->swapped_bytes),
		    in->swap_known_bytes < in->seen_bytes ? "  of what is known" : "");
}

/* Where the data came from, the most frequent first. */
static void cell_levels(struct pen *pen, const struct inspect *in)
{
	int cols = end_col(pen) - value_col(pen);
	char text[128] = "", item[48];
	const char *label = "from";
	uint64_t nr[8], all = 0;
	size_t len = 0;
	unsigned i;

	memcpy(nr, in->nr_level, sizeof(nr));
	for (i = 0; i < 8; i++)
		all += nr[i];
	while (all) {
		unsigned best = 0;
		int width;

		for (i = 1; i < 8; i++)
			if (nr[i] > nr[best])
				best = i;
		if (!nr[best])
			break;
		width = snprintf(item, sizeof(item), "%s %.0f%%", inspect_level_name(best),
				 (double)nr[best] * 100 / (double)all);
		nr[best] = 0;
		if (len && (int)len + 2 + width > cols) { /* all of them, on more lines if need be */
			say(pen, label, THEME_TEXT, "%s", text);
			label = "";
			len = 0;
		}
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len ? "  " : "", item);
	}
	if (all)
		say(pen, label, THEME_TEXT, "%s", text);
}

static void cell_access(struct pen *pen, const struct inspect *in)
{
	double all = (double)(in->nr_reads + in->nr_writes);
	char count[TEXT_NUMBER_SIZE];

	if (!in->access_known)
		say(pen, "r/w", THEME_DIM, "– (the source cannot tell)");
	else if (all > 0)
		say(pen, "r/w", THEME_TEXT, "read %.0f%%  write %.0f%%", (double)in->nr_reads * 100 / all,
		    (double)in->nr_writes * 100 / all);
	else
		say(pen, "r/w", THEME_DIM, "– (no report tells)");
	if (in->nr_latency)
		say(pen, "latency", THEME_TEXT, "%.0f cycles  mean of %s",
		    (double)in->latency_sum / (double)in->nr_latency, text_count(count, in->nr_latency));
	cell_levels(pen, in);
}

/* Where there is not room for all of it the name is cut: what is within a function tells two lines apart. */
static void code_line(struct pen *pen, const struct paint_code *code, double share, color c)
{
	int col = pen->where.col + 1, text_cols = pen->where.cols * 6 / 10, bar_cols, tail_cols, cols;

	if (left(pen) < 1)
		return;
	bar_cols = end_col(pen) - col - text_cols - 6;
	tail_cols = grid_text_width(code->within);
	cols = text_cols - 1 - tail_cols;
	cols = grid_text(pen->p->grid, pen->row, col, cols, code->name, pen->p->roles[THEME_TEXT], GRID_ELLIPSIS);
	grid_text(pen->p->grid, pen->row, col + cols, tail_cols, code->within, pen->p->roles[THEME_DIM], 0);
	if (bar_cols > 2)
		bar(pen, pen->row, col + text_cols, bar_cols, share, c);
	grid_printf(pen->p->grid, pen->row, end_col(pen) - 5, 4, pen->p->roles[THEME_STRONG], "%3.0f%%", share * 100);
	pen->row++;
}

static color accent(const struct pen *pen)
{
	return theme_hue(pen->p->app->config.theme, &pen->p->app->config.look, 0, 0.8);
}

static void cell_codes(struct pen *pen, const struct inspect *in)
{
	size_t i;

	title(pen, "code touching it", in->nr_codes ? "" : "– none known");
	for (i = 0; i < in->nr_codes; i++) {
		const struct paint_code code = paint_code(pen->p, in->snap, in->codes[i].ip);

		code_line(pen, &code, in->codes[i].share, accent(pen));
	}
	if (in->nr_codes && in->other_codes > 0.005)
		code_line(pen, &(struct paint_code){ .name = "other" }, in->other_codes, pen->p->roles[THEME_DIM].fg);
}

/* ---- the target ---- */

static void target_cold(struct pen *pen, const struct snapshot *snap)
{
	static const char *const labels[INSPECT_NR_COLD] = { "> 10 s", "> 1 min", "> 10 min" };
	uint64_t bytes[INSPECT_NR_COLD];
	char text[TEXT_NUMBER_SIZE];
	int i, col = value_col(pen) + 7;
	double all = snap->maps ? (double)snap->maps->mapped_bytes : 0, watched_s;
	bool first = true;

	inspect_cold(snap, bytes);
	watched_s = inspect_watched_s(pen->p->app->history, snap);
	title(pen, "cold", "not accessed for");
	for (i = 0; i < INSPECT_NR_COLD && left(pen) > 0; i++) {
		if (!bytes[i] && watched_s < inspect_cold_s[i]) {
			say(pen, labels[i], THEME_DIM, first ? "– (watched for %s)" : "–",
			    text_duration_us(text, (uint64_t)watched_s * USEC_PER_SEC));
			first = false;
			continue;
		}
		say(pen, labels[i], bytes[i] ? THEME_STRONG : THEME_DIM, "%s", text_bytes(text, bytes[i]));
		if (all > 0 && end_col(pen) - col > 4)
			bar(pen, pen->row - 1, col, end_col(pen) - col - 1, (double)bytes[i] / all,
			    pen->p->roles[THEME_DIM].fg);
	}
}

/* Working set of the newest columns, each the largest of its snapshots. Returns how many. */
static int collect_wss(const struct app *app, uint64_t v[MAX_SPARKS], int nr)
{
	int i, n = 0;

	for (i = nr - 1; i >= 0; i--) {
		uint64_t first, end;
		unsigned nr_cols = view_nr_cols(app->view);
		size_t at, after;

		v[n] = 0;
		if ((unsigned)i >= nr_cols || !view_col_ticks(app->view, nr_cols - 1 - (unsigned)i, &first, &end))
			continue;
		history_range(app->history, first, end, &at, &after);
		for (; at < after; at++)
			if (history_at(app->history, at)->wss_bytes > v[n])
				v[n] = history_at(app->history, at)->wss_bytes;
		n++;
	}
	return n;
}

/* Two lines of eighths above one another: sixteen steps. */
static void wss_sparks(struct pen *pen, const uint64_t *v, int nr, uint64_t most)
{
	struct style style = pen->p->roles[THEME_GOOD];
	int lines = left(pen) > 2 ? 2 : 1, i, line;

	for (i = 0; i < nr && most; i++) {
		int steps = (int)((double)v[i] / (double)most * lines * 8 + 0.5);

		for (line = lines - 1; line >= 0 && v[i]; line--, steps -= 8) {
			if (steps <= 0 && line < lines - 1)
				break;
			grid_put(pen->p->grid, pen->row + line, pen->where.col + 1 + i,
				 steps >= 8 ? 0x2588 : 0x2580 + (uint32_t)(steps > 0 ? steps : 1), style);
		}
	}
	pen->row += lines;
}

static void target_wss(struct pen *pen, const struct snapshot *snap)
{
	uint64_t v[MAX_SPARKS], most = 0, least = UINT64_MAX;
	char now[TEXT_NUMBER_SIZE], low[TEXT_NUMBER_SIZE], high[TEXT_NUMBER_SIZE], text[128];
	int i, nr = pen->where.cols - 2 < MAX_SPARKS ? pen->where.cols - 2 : MAX_SPARKS;

	if (!(snap->flags & SNAP_WSS_KNOWN)) {
		title(pen, "working set", "– (the source cannot tell)");
		return;
	}
	nr = collect_wss(pen->p->app, v, nr > 0 ? nr : 0);
	for (i = 0; i < nr; i++) {
		most = v[i] > most ? v[i] : most;
		least = v[i] && v[i] < least ? v[i] : least;
	}
	if (!most)
		least = 0;
	snprintf(text, sizeof(text), "%s%s · %s … %s", snap->flags & SNAP_WSS_EXACT ? "" : "~",
		 text_bytes(now, snap->wss_bytes), text_bytes(low, least), text_bytes(high, most));
	title(pen, "working set", text);
	if (left(pen) > 0)
		wss_sparks(pen, v, nr, most);
}

/* The regions that take the most accesses, and how much memory each is. */
static void target_hot(struct pen *pen, const struct snapshot *snap)
{
	static const char *const words[] = { "bytes in use", "accesses a second", "of CPU time" };
	const struct snap_region *hot[INSPECT_NR_HOT];
	size_t i, nr = inspect_hottest(snap, hot);

	if (left(pen) < 3 || !nr)
		return;
	title(pen, "most accessed regions", words[snap->heat_unit]);
	for (i = 0; i < nr && left(pen) > 0; i++) {
		char bytes[TEXT_NUMBER_SIZE], total[32], name[MAPPINGS_SHORT_NAME_SIZE];
		const struct mapping *m = snap->maps ? inspect_main_mapping(snap->maps, hot[i]->start, hot[i]->end)
						     : NULL;
		const struct mappings_process *process = mappings_process_of(snap->maps, hot[i]->start);
		int col = pen->where.col + 1, end = end_col(pen) - 1, width;

		paint_at(pen->p, pen->row, &col, end, THEME_TEXT, "%12llx ",
			 (unsigned long long)space_address(hot[i]->start));
		if (process)
			paint_at(pen->p, pen->row, &col, end, THEME_DIM, "%d ", (int)process->pid);
		paint_at(pen->p, pen->row, &col, end, THEME_STRONG, "%5s ",
			 text_bytes(bytes, hot[i]->end - hot[i]->start));
		inspect_total_text(total,
				   inspect_total((double)hot[i]->heat, hot[i]->end - hot[i]->start, snap->heat_unit),
				   snap->heat_unit);
		/* the name has what the figure leaves */
		width = grid_text_width(total);
		if (m && end - col - width > 2)
			grid_text(pen->p->grid, pen->row, col, end - col - width - 1,
				  mappings_short_name(name, snap->maps, m), pen->p->roles[THEME_DIM], GRID_ELLIPSIS);
		grid_text(pen->p->grid, pen->row, end - width, width, total, pen->p->roles[THEME_STRONG], 0);
		pen->row++;
	}
}

/* How much the picture rests on, and what it costs. */
static void target_source(struct pen *pen, const struct snapshot *snap)
{
	const struct snap_stats *stats = &snap->stats;
	double seconds = (double)snap->duration_ns / (double)NSEC_PER_SEC;
	char count[TEXT_NUMBER_SIZE], freq[32] = "";

	if (left(pen) < 2 || !(seconds > 0))
		return;
	if (stats->freq_hz)
		snprintf(freq, sizeof(freq), "at %u Hz", stats->freq_hz);
	title(pen, "source", snap->source ? snap->source : "");
	say(pen, "reports", THEME_TEXT, "%s/s %s", text_count(count, (uint64_t)((double)stats->reports / seconds)),
	    freq);
	if (stats->outside)
		say(pen, "", THEME_DIM, "%s outside of every region", text_count(count, stats->outside));
	if (stats->malformed)
		say(pen, "", THEME_WARN, "%s made no sense", text_count(count, stats->malformed));
	if (stats->cost_ns && snap->target_cpu_us)
		say(pen, "cost", THEME_TEXT, "%.2f%% of its CPU time",
		    (double)stats->samples * stats->cost_ns / 10.0 / (double)snap->target_cpu_us);
}

void paint_inspector(const struct paint *p, struct rect where)
{
	struct pen pen = { .p = p, .where = where, .row = where.row };
	const struct inspect *in = &p->app->inspect;
	const struct snapshot *shown = app_shown(p->app);

	if (where.rows < 1 || !shown)
		return;
	cell_title(&pen, in);
	if (in->start < in->end)
		cell_range(&pen, in);
	if (in->snap) {
		blank(&pen);
		cell_heat(&pen, in);
		cell_beside(&pen);
		blank(&pen);
		cell_nodes(&pen, in);
		cell_kind(&pen, in);
		cell_swap(&pen, in);
		cell_access(&pen, in);
		blank(&pen);
		cell_codes(&pen, in);
	} else {
		say(&pen, "heat", THEME_DIM, "of then nothing is kept");
	}
	blank(&pen);
	target_cold(&pen, shown);
	blank(&pen);
	target_wss(&pen, shown);
	blank(&pen);
	target_hot(&pen, shown);
	blank(&pen);
	target_source(&pen, shown);
}
