/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first line: what is watched, how, and what it costs. */
#include <stdio.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/text.h"
#include "tui/hint.h"
#include "tui/paint.h"
#include "tui/when.h"

#define MAX_ITEMS 20
#define SZ_VALUE  72

#define RANK_PENDING 2 /* what the user has just asked for is looked for here */

struct item {
	unsigned rank; /* the highest is left out first where there is no room */
	const char *label;
	char value[SZ_VALUE];
	enum theme_role role; /* of the value */
	bool shown;
	bool right; /* stands at the right edge */
	bool close; /* belongs to the one before it: a single column between them */
};

struct header {
	struct item items[MAX_ITEMS];
	size_t nr;
};

static struct item *add(struct header *h, unsigned rank, const char *label, enum theme_role role)
{
	struct item *item = &h->items[h->nr < MAX_ITEMS ? h->nr++ : MAX_ITEMS - 1];

	*item = (struct item){ .rank = rank, .label = label, .role = role };
	return item;
}

static void print_bytes(struct item *item, uint64_t bytes)
{
	char text[TEXT_NUMBER_SIZE];

	snprintf(item->value, SZ_VALUE, "%s", text_bytes(text, bytes));
}

/* A value that has been asked for and is not in force yet: "200ms→100ms". */
static void print_change(struct item *item, const char *now, const char *wanted)
{
	if (strcmp(now, wanted)) {
		snprintf(item->value, SZ_VALUE, "%.24s→%.24s", now, wanted);
		item->role = THEME_WARN;
		item->rank = RANK_PENDING;
	} else {
		snprintf(item->value, SZ_VALUE, "%s", now);
	}
}

static void add_interval(struct header *h, unsigned rank, const char *label, uint64_t now_us, uint64_t wanted_us)
{
	char now[TEXT_NUMBER_SIZE], wanted[TEXT_NUMBER_SIZE];

	print_change(add(h, rank, label, THEME_BAR_KEY), text_duration_us(now, now_us),
		     text_duration_us(wanted, wanted_us));
}

/* How many there are with the children; those that are not watched are told with them. */
static void add_processes(struct header *h, const struct snapshot *shown)
{
	uint32_t not_watched = shown->nr_processes_left_out + shown->nr_processes_refused;
	size_t nr = snapshot_nr_processes(shown);
	struct item *item;

	if (!shown->processes)
		return;
	item = add(h, 2, "", not_watched ? THEME_WARN : THEME_BAR_KEY);
	if (not_watched)
		snprintf(item->value, SZ_VALUE, "%zu of %zu processes", nr, nr + not_watched);
	else
		snprintf(item->value, SZ_VALUE, "%zu process%s", nr, nr == 1 ? "" : "es");
}

static void add_target(struct header *h, const struct snapshot *shown)
{
	struct item *item = add(h, 1, "", THEME_BAR_KEY);

	snprintf(item->value, SZ_VALUE, "%s", shown->comm);
	if (shown->pid <= 0)
		return;
	item = add(h, 2, "", THEME_BAR_DIM);
	item->close = true;
	snprintf(item->value, SZ_VALUE, "%d", (int)shown->pid);
	add_processes(h, shown);
}

static void add_wss(struct header *h, const struct snapshot *shown)
{
	struct item *item;
	char bytes[TEXT_NUMBER_SIZE], share[16] = "", when[SNAPSHOT_WHEN_SIZE];

	if (!(shown->flags & SNAP_WSS_KNOWN))
		return;
	item = add(h, 3, "wss", THEME_BAR_KEY);
	if ((shown->flags & SNAP_RSS_KNOWN) && shown->rss_bytes && shown->wss_bytes <= shown->rss_bytes)
		snprintf(share, sizeof(share), " %.0f%%", (double)shown->wss_bytes * 100 / (double)shown->rss_bytes);
	snprintf(item->value, SZ_VALUE, "%s%s%s", shown->flags & SNAP_WSS_EXACT ? "" : "~",
		 text_bytes(bytes, shown->wss_bytes), share);
	if (!*snapshot_wss_when(when, shown))
		return;
	item = add(h, 10, "", THEME_BAR);
	item->close = true;
	snprintf(item->value, SZ_VALUE, "%s", when + 1);
}

static void add_regions(struct header *h, const struct snapshot *shown, const struct attrs *now,
			const struct attrs *wanted)
{
	struct item *item = add(h, 9, "regions", THEME_BAR_KEY);

	if (now->max_nr_regions != wanted->max_nr_regions || now->min_nr_regions != wanted->min_nr_regions) {
		snprintf(item->value, SZ_VALUE, "%zu of %u:%u→%u:%u", shown->nr_regions, now->min_nr_regions,
			 now->max_nr_regions, wanted->min_nr_regions, wanted->max_nr_regions);
		item->role = THEME_WARN;
		item->rank = RANK_PENDING;
	} else {
		snprintf(item->value, SZ_VALUE, "%zu/%u", shown->nr_regions, now->max_nr_regions);
	}
}

/* That the rest is unknown because nobody looks must not be overlooked. Shown once it is in force. */
static void add_watched(struct header *h, const struct app *app, const struct snapshot *newest)
{
	const struct app_range *range = &app->watched;
	struct item *item;

	if (!range->end || !newest->nr_regions || newest->regions[0].start < range->start ||
	    newest->regions[newest->nr_regions - 1].end > range->end)
		return;
	item = add(h, 3, "only", THEME_WARN);
	print_bytes(item, newest->regions[newest->nr_regions - 1].end - newest->regions[0].start);
}

static void add_count(struct header *h, unsigned rank, const char *label, uint64_t count, enum theme_role role)
{
	char text[TEXT_NUMBER_SIZE];

	snprintf(add(h, rank, label, role)->value, SZ_VALUE, "%s", text_count(text, count));
}

/* What went wrong is told as soon as there is any of it, and before most else. */
static void add_health(struct header *h, const struct snapshot *newest)
{
	const struct snap_stats *stats = &newest->stats;
	struct item *item;

	if (stats->lost)
		add_count(h, 4, "lost", stats->lost, THEME_BAD);
	else
		add_count(h, 12, "lost", 0, THEME_BAR_KEY);
	if (stats->throttled)
		add_count(h, 4, "throttled", stats->throttled, THEME_BAD);
	if (stats->unattributed && stats->samples) {
		item = add(h, 8, "unattributed", THEME_BAR_KEY);
		snprintf(item->value, SZ_VALUE, "%.1f%%", (double)stats->unattributed * 100 / (double)stats->samples);
	}
	if (stats->dropped)
		add_count(h, 5, "dropped", stats->dropped, THEME_BAD);
	if (newest->duration_ns) {
		item = add(h, 7, "own cpu", THEME_BAR_KEY);
		snprintf(item->value, SZ_VALUE, "%.1f%%",
			 (double)(stats->cpu_us * NSEC_PER_USEC) * 100 / (double)newest->duration_ns);
	}
}

static void fill(struct header *h, const struct app *app)
{
	const struct snapshot *shown = app_shown(app), *newest = history_last(app->history);
	const struct attrs *wanted;

	snprintf(add(h, 13, "", THEME_TITLE)->value, SZ_VALUE, "damontop");
	if (!shown)
		return;
	wanted = app->pending ? &app->wanted : &newest->attrs;
	add_target(h, shown);
	snprintf(add(h, 4, "", THEME_BAR)->value, SZ_VALUE, "%s", shown->source ? shown->source : "");
	if (shown->flags & SNAP_RSS_KNOWN)
		print_bytes(add(h, 8, "rss", THEME_BAR_KEY), shown->rss_bytes);
	add_wss(h, shown);
	add_interval(h, 6, "aging", newest->attrs.aging_us, wanted->aging_us);
	add_interval(h, 5, "aggr", newest->attrs.aggregation_us, wanted->aggregation_us);
	if (newest->attrs.access_bp || wanted->access_bp)
		print_change(add(h, 5, "tuned by", THEME_BAR_KEY), newest->attrs.access_bp ? "kernel" : "you",
			     wanted->access_bp ? "kernel" : "you");
	add_watched(h, app, newest);
	add_regions(h, shown, &newest->attrs, wanted);
	add_health(h, newest);
}

static int width_of(const struct item *item)
{
	int width = grid_text_width(item->value);

	return *item->label ? width + grid_text_width(item->label) + 1 : width;
}

/* Columns that the shown items take, two between each. */
static int width_of_all(const struct header *h)
{
	int width = 0;
	size_t i;

	for (i = 0; i < h->nr; i++)
		if (h->items[i].shown)
			width += width_of(&h->items[i]) + (h->items[i].close ? 1 : 2);
	return width;
}

/* The next one that may be shown, by rank, and in order where that is the same; NULL: all have been asked. */
static struct item *next_by_rank(struct header *h, const struct item *last)
{
	struct item *best = NULL;
	size_t i;

	for (i = 0; i < h->nr; i++) {
		struct item *item = &h->items[i];

		if (last && (item->rank < last->rank || (item->rank == last->rank && item <= last)))
			continue;
		if (!best || item->rank < best->rank)
			best = item;
	}
	return best;
}

/* What matters most first; of the rest, what there is still room for. */
static void choose_shown(struct header *h, int cols)
{
	struct item *item = NULL;

	while ((item = next_by_rank(h, item))) {
		item->shown = !item->close || item[-1].shown;
		if (width_of_all(h) > cols)
			item->shown = false;
	}
}

/* What is being recorded must not be overlooked. */
static void add_recording(struct header *h, const struct app *app)
{
	struct app_recording recording = app_recording(app);
	char bytes[TEXT_NUMBER_SIZE];
	struct item *item;

	if (!recording.path)
		return;
	item = add(h, 1, "", THEME_BAD);
	item->right = true;
	snprintf(item->value, SZ_VALUE, "● REC %s", text_bytes(bytes, recording.bytes));
}

/* How fast a recording is played, and how much of it has been. */
static void add_place(struct header *h, const struct app *app)
{
	const struct play_state *play = &app->play;
	struct item *item;

	if (!app->config.fixed || !play->nr)
		return;
	if (play->speed < 1 || play->speed > 1) {
		item = add(h, 3, "", THEME_BAR_KEY);
		item->right = true;
		snprintf(item->value, SZ_VALUE, "%gx", play->speed);
	}
	if (!play->total_ns)
		return;
	item = add(h, 3, "", THEME_BAR);
	item->right = true;
	snprintf(item->value, SZ_VALUE, "%.0f%%", 100.0 * (double)play->at_ns / (double)play->total_ns);
}

/* Live, frozen or over; and the time of the newest column. Both at the right edge. */
static void add_state(struct header *h, const struct app *app)
{
	const struct snapshot *shown = app_shown(app);
	const char *state = app->frozen		? (app->config.fixed ? "paused" : "frozen")
			    : app->ended	? "ended"
			    : app->config.fixed ? "replay"
						: "live";
	enum theme_role role = app->frozen ? THEME_WARN : app->ended ? THEME_BAD : THEME_GOOD;
	struct item *item;
	char clock[WHEN_SIZE];

	add_recording(h, app);
	add_place(h, app);

	if (!shown && !app->ended)
		state = "waiting";
	item = add(h, 0, "", role);
	item->right = true;
	snprintf(item->value, SZ_VALUE, "● %s", state);
	if (!shown)
		return;
	/* frozen, it says where one is */
	item = add(h, app->frozen ? 3 : 7, "", THEME_BAR);
	item->right = true;
	snprintf(item->value, SZ_VALUE, "%s", when_text(clock, shown, 0));
}

static struct style on_bar(const struct paint *p, enum theme_role role)
{
	struct style style = p->roles[role];

	style.bg = p->roles[THEME_BAR].bg;
	style.attr |= p->roles[THEME_BAR].attr;
	return style;
}

/* Columns of those at the right edge. */
static int width_right(const struct header *h)
{
	int width = 0;
	size_t i;

	for (i = 0; i < h->nr; i++)
		if (h->items[i].shown && h->items[i].right)
			width += width_of(&h->items[i]) + 2;
	return width;
}

static void paint_item(const struct paint *p, int row, int *col, const struct item *item)
{
	int all = p->grid->cols;

	if (*item->label)
		*col += grid_text(p->grid, row, *col, all, item->label, p->roles[THEME_BAR_DIM], 0) + 1;
	*col += grid_text(p->grid, row, *col, all, item->value, on_bar(p, item->role), 0) + 2;
}

void paint_header(const struct paint *p, struct rect where)
{
	struct header h = { .nr = 0 };
	int col = where.col + 1, right;
	size_t i;

	if (where.rows < 1)
		return;
	grid_fill(p->grid, where, ' ', p->roles[THEME_BAR]);
	fill(&h, p->app);
	add_state(&h, p->app);
	choose_shown(&h, where.cols);
	right = where.cols + 1 - width_right(&h);
	for (i = 0; i < h.nr; i++) {
		if (!h.items[i].shown)
			continue;
		if (h.items[i].close)
			col--;
		paint_item(p, where.row, h.items[i].right ? &right : &col, &h.items[i]);
	}
}

/* What the line says while there is no message: what the source notes, or what might be changed. */
static void paint_hint(const struct paint *p, struct rect where)
{
	const struct snapshot *newest = history_last(p->app->history);
	const struct hint hint = app_hint(p->app);
	int col = where.col + 1, end = where.col + where.cols;

	if (p->app->config.fixed && p->app->play.nr) {
		paint_scrubber(p, where);
		return;
	}
	if (p->app->frozen) {
		paint_rewind(p, where);
		return;
	}
	if (hint.problem) {
		paint_at(p, where.row, &col, end, THEME_WARN, "hint ");
		paint_at(p, where.row, &col, end, THEME_TEXT, "%s", hint.problem);
		if (hint.has_remedy) {
			paint_at(p, where.row, &col, end, THEME_STRONG, "  H ");
			paint_at(p, where.row, &col, end, THEME_TEXT, "%s", hint.remedy);
		}
	} else if (newest && *newest->note) {
		paint_at(p, where.row, &col, end, THEME_DIM, "note %s", newest->note);
	}
}

void paint_message(const struct paint *p, struct rect where)
{
	static const enum theme_role roles[] = { THEME_STRONG, THEME_WARN, THEME_BAD };
	const struct app *app = p->app;
	const char *text = app->message;
	enum theme_role role = roles[app->severity];

	if (where.rows < 1)
		return;
	if (!*text && app->ended && !app->frozen) {
		text = app->ended_text;
		role = app->ended_badly ? THEME_BAD : THEME_WARN;
	}
	if (*text) {
		grid_fill(p->grid, where, ' ', p->roles[THEME_TEXT]);
		grid_text(p->grid, where.row, where.col + 1, where.cols - 1, text, p->roles[role], GRID_ELLIPSIS);
	} else if (app->layout.own_message && app->mode != APP_LIST) {
		paint_hint(p, where);
	}
}
