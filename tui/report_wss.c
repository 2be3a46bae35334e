/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The working set: its distribution over the snapshots, and its course.
 *
 * As damo report wss counts it: bytes of the regions that have at least one
 * access, the first 20 snapshots left out (regions have to find their place
 * first), the percentile p of n sorted values is value p / 100 x n, rounded down.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "collector/array.h"
#include "collector/clock.h"
#include "collector/text.h"
#include "tui/report_internal.h"
#include "tui/report_svg.h"

#define NR_LEFT_OUT    20
#define NR_BAR	       50
#define SVG_WIDTH      900
#define SVG_HEIGHT     400
#define SVG_LEFT       80
#define SVG_TOP	       100
#define SVG_BOTTOM     340
#define SVG_PLOT_WIDTH 730

struct point {
	uint64_t time_ns, regions_bytes, wss_bytes, rss_bytes;
	uint32_t flags;
};

struct wss {
	struct report_options options;
	char comm[TARGET_COMM_SIZE];
	pid_t pid;
	const char *source;
	struct point *v;
	size_t nr, cap;
};

static void *wss_open(const struct report_options *options)
{
	struct wss *w = calloc(1, sizeof(*w));

	if (w)
		w->options = *options;
	return w;
}

static int wss_add(void *data, const struct snapshot *snap)
{
	struct wss *w = data;
	struct point p = { snap->time_ns, 0, snap->wss_bytes, snap->rss_bytes, snap->flags }, *v;

	for (size_t i = 0; i < snap->nr_regions; i++)
		if (snap->regions[i].nr_accesses)
			p.regions_bytes += snap->regions[i].end - snap->regions[i].start;
	v = array_grow(w->v, &w->cap, w->nr + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	w->v = v;
	v[w->nr++] = p;
	w->source = snap->source;
	w->pid = snap->pid;
	snprintf(w->comm, sizeof(w->comm), "%s", snap->comm);
	return 0;
}

static void wss_close(void *data)
{
	struct wss *w = data;

	if (!w)
		return;
	free(w->v);
	free(w);
}

/* ---- percentiles ---- */

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static size_t nr_left_out(const struct wss *w)
{
	return w->nr > NR_LEFT_OUT ? NR_LEFT_OUT : 0;
}

/* The sizes that count, sorted; NULL without memory. */
static uint64_t *sorted(const struct wss *w, size_t *nr)
{
	size_t skip = nr_left_out(w);
	uint64_t *v = malloc((w->nr - skip) * sizeof(*v));

	*nr = w->nr - skip;
	if (!v)
		return NULL;
	for (size_t i = 0; i < *nr; i++)
		v[i] = w->v[skip + i].regions_bytes;
	qsort(v, *nr, sizeof(*v), by_size);
	return v;
}

static uint64_t percentile(const uint64_t *v, size_t nr, unsigned p)
{
	size_t i = (size_t)((double)p / 100 * (double)nr);

	return v[i < nr ? i : nr - 1];
}

static double mean(const uint64_t *v, size_t nr)
{
	double sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += (double)v[i];
	return sum / (double)nr;
}

static void print_bar(FILE *out, uint64_t bytes, uint64_t max)
{
	int len = max ? (int)((double)bytes * NR_BAR / (double)max) : 0;

	fprintf(out, " |%.*s%*s|\n", len, "**************************************************", NR_BAR - len, "");
}

static void print_text(const struct wss *w, const uint64_t *v, size_t nr, FILE *out)
{
	char number[TEXT_NUMBER_SIZE], owner[256];

	fprintf(out, "# %s  %zu snapshots, the first %zu left out\n",
		report_owner(owner, sizeof(owner), w->comm, w->pid, w->source), w->nr, nr_left_out(w));
	fprintf(out, "# working set: bytes of the regions that were accessed\n# percentile\n");
	for (unsigned p = 0; p <= 100; p += 25) {
		fprintf(out, "%3u %8s %16" PRIu64, p, text_bytes(number, percentile(v, nr, p)), percentile(v, nr, p));
		print_bar(out, percentile(v, nr, p), v[nr - 1]);
	}
	fprintf(out, "avr %8s\n", text_bytes(number, (uint64_t)mean(v, nr)));
}

static void print_json(const struct wss *w, const uint64_t *v, size_t nr, FILE *out)
{
	struct text_buf owner = { 0 };

	report_json_owner(&owner, w->comm, w->pid, w->source);
	text_buf_add(&owner, "", 1);
	fprintf(out,
		"{\"report\":\"wss\"%s,\"nr_snapshots\":%zu,\"nr_left_out\":%zu,\"mean_bytes\":%.0f,\"percentiles\":{",
		owner.failed ? "" : owner.v, w->nr, nr_left_out(w), mean(v, nr));
	text_buf_free(&owner);
	for (unsigned p = 0; p <= 100; p += 25)
		fprintf(out, "%s\"%u\":%" PRIu64, p ? "," : "", p, percentile(v, nr, p));
	fprintf(out, "},\"rows\":[");
	for (size_t i = 0; i < w->nr; i++) {
		const struct point *p = &w->v[i];

		fprintf(out, "%s\n{\"time_ns\":%" PRIu64 ",\"regions_bytes\":%" PRIu64, i ? "," : "", p->time_ns,
			p->regions_bytes);
		if (p->flags & SNAP_WSS_KNOWN)
			fprintf(out, ",\"wss_bytes\":%" PRIu64, p->wss_bytes);
		if (p->flags & SNAP_RSS_KNOWN)
			fprintf(out, ",\"rss_bytes\":%" PRIu64, p->rss_bytes);
		putc('}', out);
	}
	fprintf(out, "]}\n");
}

static void print_csv(const struct wss *w, FILE *out)
{
	fprintf(out, "time_ns,regions_bytes,wss_bytes,rss_bytes\n");
	for (size_t i = 0; i < w->nr; i++) {
		const struct point *p = &w->v[i];

		fprintf(out, "%" PRIu64 ",%" PRIu64 ",", p->time_ns, p->regions_bytes);
		if (p->flags & SNAP_WSS_KNOWN)
			fprintf(out, "%" PRIu64, p->wss_bytes);
		putc(',', out);
		if (p->flags & SNAP_RSS_KNOWN)
			fprintf(out, "%" PRIu64, p->rss_bytes);
		putc('\n', out);
	}
}

/* ---- a picture of its course ---- */

static double share(uint64_t v, uint64_t lo, uint64_t hi)
{
	return hi > lo ? (double)(v - lo) / (double)(hi - lo) : 0;
}

static double x_of(const struct wss *w, uint64_t time_ns)
{
	return SVG_LEFT + share(time_ns, w->v[0].time_ns, w->v[w->nr - 1].time_ns) * SVG_PLOT_WIDTH;
}

static double y_of(double bytes, double max)
{
	return SVG_BOTTOM - (max > 0 ? bytes / max : 0) * (SVG_BOTTOM - SVG_TOP);
}

/* One point alone is a line of its own length. */
static void print_line(const struct wss *w, double max, bool rss, FILE *out)
{
	/* more points than columns say nothing more */
	size_t step = w->nr / SVG_PLOT_WIDTH + 1;

	fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"", report_svg_color(rss));
	for (size_t i = 0; i < w->nr; i += step)
		if (!rss || w->v[i].flags & SNAP_RSS_KNOWN)
			fprintf(out, "%.1f,%.1f ", x_of(w, w->v[i].time_ns),
				y_of((double)(rss ? w->v[i].rss_bytes : w->v[i].regions_bytes), max));
	if (w->nr == 1)
		fprintf(out, "%.1f,%.1f", SVG_LEFT + 4.0, y_of((double)w->v[0].regions_bytes, max));
	fprintf(out, "\"/>\n");
}

static void print_axes(const struct wss *w, double max, FILE *out)
{
	double us = (double)(w->v[w->nr - 1].time_ns - w->v[0].time_ns) / NSEC_PER_USEC;
	double step = report_svg_step(max, 5, REPORT_BYTES), time_step = report_svg_step(us, 8, REPORT_US);
	char number[64];

	for (unsigned i = 0; step > 0 && i * step <= max; i++) {
		report_svg_number(number, sizeof(number), i * step, REPORT_BYTES);
		fprintf(out,
			"<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#555\">%s</text>\n",
			SVG_LEFT, y_of(i * step, max), SVG_LEFT + SVG_PLOT_WIDTH, y_of(i * step, max), SVG_LEFT - 6,
			y_of(i * step, max) + 4, number);
	}
	for (unsigned i = 0; i * time_step <= us && (i == 0 || time_step > 0); i++) {
		double x = SVG_LEFT + (us > 0 ? i * time_step / us : 0) * SVG_PLOT_WIDTH;

		report_svg_number(number, sizeof(number), i * time_step, REPORT_US);
		fprintf(out,
			"<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#999\"/>"
			"<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#555\">%s</text>\n",
			x, SVG_BOTTOM, x, SVG_BOTTOM + 5, x, SVG_BOTTOM + 20, number);
	}
	fprintf(out,
		"<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#555\">time since the first snapshot</text>\n"
		"<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"middle\" fill=\"#555\">bytes</text>\n",
		SVG_LEFT + SVG_PLOT_WIDTH / 2, SVG_BOTTOM + 40, (SVG_TOP + SVG_BOTTOM) / 2);
}

/* Of those that count; where two lie too close the lower one has no name. */
static void print_percentiles(const uint64_t *v, size_t nr, double max, FILE *out)
{
	static const unsigned which[] = { 100, 75, 50, 25, 0 };
	double last_y = -100;

	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
		double y = y_of((double)percentile(v, nr, which[i]), max);
		char number[TEXT_NUMBER_SIZE];

		fprintf(out,
			"<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#999\" stroke-dasharray=\"3 "
			"4\"/>\n",
			SVG_LEFT, y, SVG_LEFT + SVG_PLOT_WIDTH, y);
		if (y - last_y < 13)
			continue;
		fprintf(out, "<text x=\"%d\" y=\"%.1f\" fill=\"#555\">p%u %s</text>\n", SVG_LEFT + SVG_PLOT_WIDTH + 6,
			y + 4, which[i], text_bytes(number, percentile(v, nr, which[i])));
		last_y = y;
	}
}

static void print_legend(bool with_rss, size_t nr_left_out, FILE *out)
{
	static const char *const names[] = { "working set: bytes of the regions that were accessed", "resident (RSS)" };
	char note[96] = "percentiles";
	int x = SVG_LEFT;

	for (size_t i = 0; i < 1 + (size_t)with_rss; i++) {
		fprintf(out,
			"<line x1=\"%d\" y1=\"56\" x2=\"%d\" y2=\"56\" stroke=\"%s\" stroke-width=\"3\"/>"
			"<text x=\"%d\" y=\"60\">%s</text>\n",
			x, x + 16, report_svg_color(i), x + 22, names[i]);
		x += 440;
	}
	if (nr_left_out)
		snprintf(note, sizeof(note), "percentiles, the first %zu left out", nr_left_out);
	fprintf(out,
		"<line x1=\"%d\" y1=\"76\" x2=\"%d\" y2=\"76\" stroke=\"#999\" stroke-dasharray=\"3 4\"/>"
		"<text x=\"%d\" y=\"80\" fill=\"#555\">%s</text>\n",
		SVG_LEFT, SVG_LEFT + 16, SVG_LEFT + 22, note);
}

static void print_svg(const struct wss *w, const uint64_t *v, size_t nr, FILE *out)
{
	double max = 0;
	bool with_rss = false;
	char owner[256];

	for (size_t i = 0; i < w->nr; i++) {
		const struct point *p = &w->v[i];

		max = (double)p->regions_bytes > max ? (double)p->regions_bytes : max;
		with_rss |= (p->flags & SNAP_RSS_KNOWN) != 0;
		if (p->flags & SNAP_RSS_KNOWN && (double)p->rss_bytes > max)
			max = (double)p->rss_bytes;
	}
	max *= 1.05;
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
		"%d\" " REPORT_SVG_FONT
		">\n<title>damontop: working set</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
		"<text x=\"%d\" y=\"24\" font-weight=\"bold\">working set</text><text x=\"%d\" y=\"24\" fill=\"#555\">",
		SVG_WIDTH, SVG_HEIGHT, SVG_WIDTH, SVG_HEIGHT, SVG_LEFT, SVG_LEFT + 100);
	report_svg_text(out, report_owner(owner, sizeof(owner), w->comm, w->pid, w->source));
	fprintf(out, ", %zu snapshots</text>\n", w->nr);
	print_axes(w, max, out);
	print_percentiles(v, nr, max, out);
	print_line(w, max, false, out);
	if (with_rss)
		print_line(w, max, true, out);
	print_legend(with_rss, nr_left_out(w), out);
	fprintf(out, "</svg>\n");
}

static int wss_print(void *data, const struct report_kind *kind, FILE *out)
{
	struct wss *w = data;
	uint64_t *v;
	size_t nr;

	(void)kind;
	v = sorted(w, &nr);
	if (!v)
		return -ENOMEM;
	switch (w->options.format) {
	case REPORT_TEXT:
		print_text(w, v, nr, out);
		break;
	case REPORT_JSON:
		print_json(w, v, nr, out);
		break;
	case REPORT_CSV:
		print_csv(w, out);
		break;
	case REPORT_SVG:
		print_svg(w, v, nr, out);
		break;
	}
	free(v);
	return 0;
}

const struct report_kind report_wss = { "wss", wss_open, wss_add, wss_print, wss_close };
