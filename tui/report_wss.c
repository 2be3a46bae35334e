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

#include "collector/clock.h"
#include "collector/text.h"
#include "tui/report_internal.h"

#define NR_LEFT_OUT 20
#define NR_BAR	    50
#define SVG_WIDTH   900
#define SVG_HEIGHT  320
#define SVG_MARGIN  70

struct point {
	uint64_t time_ns, regions_bytes, wss_bytes, rss_bytes;
	uint32_t flags;
};

struct wss {
	struct report_options options;
	char comm[TARGET_COMM_SIZE];
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
	struct point p = { snap->time_ns, 0, snap->wss_bytes, snap->rss_bytes, snap->flags };

	for (size_t i = 0; i < snap->nr_regions; i++)
		if (snap->regions[i].nr_accesses)
			p.regions_bytes += snap->regions[i].end - snap->regions[i].start;
	if (w->nr == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 1024;
		struct point *v = realloc(w->v, cap * sizeof(*v));

		if (!v)
			return -ENOMEM;
		w->v = v;
		w->cap = cap;
	}
	w->v[w->nr++] = p;
	w->source = snap->source;
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
	char number[TEXT_NUMBER_SIZE];

	fprintf(out, "# %s  source %s  %zu snapshots, the first %zu left out\n", w->comm, w->source, w->nr,
		nr_left_out(w));
	fprintf(out, "# working set: bytes of the regions that were accessed\n# percentile\n");
	for (unsigned p = 0; p <= 100; p += 25) {
		fprintf(out, "%3u %8s %16" PRIu64, p, text_bytes(number, percentile(v, nr, p)), percentile(v, nr, p));
		print_bar(out, percentile(v, nr, p), v[nr - 1]);
	}
	fprintf(out, "avr %8s\n", text_bytes(number, (uint64_t)mean(v, nr)));
}

static void print_json(const struct wss *w, const uint64_t *v, size_t nr, FILE *out)
{
	fprintf(out,
		"{\"report\":\"wss\",\"nr_snapshots\":%zu,\"nr_left_out\":%zu,\"mean_bytes\":%.0f,\"percentiles\":{",
		w->nr, nr_left_out(w), mean(v, nr));
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

static void print_line(const struct wss *w, uint64_t max, FILE *out)
{
	/* more points than columns say nothing more */
	size_t step = w->nr / SVG_WIDTH + 1;

	fprintf(out, "<polyline fill=\"none\" stroke=\"#1f77b4\" stroke-width=\"1.5\" points=\"");
	for (size_t i = 0; i < w->nr; i += step)
		fprintf(out, "%.1f,%.1f ",
			SVG_MARGIN + share(w->v[i].time_ns, w->v[0].time_ns, w->v[w->nr - 1].time_ns) *
					     (SVG_WIDTH - 2 * SVG_MARGIN),
			SVG_HEIGHT - SVG_MARGIN - share(w->v[i].regions_bytes, 0, max) * (SVG_HEIGHT - 2 * SVG_MARGIN));
	fprintf(out, "\"/>\n");
}

static void print_svg(const struct wss *w, uint64_t max, FILE *out)
{
	char number[TEXT_NUMBER_SIZE];

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"monospace\" "
		"font-size=\"12\">\n"
		"<title>damontop: working set</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
		"<text x=\"%d\" y=\"24\">working set: bytes of the regions that were accessed</text>\n",
		SVG_WIDTH, SVG_HEIGHT, SVG_MARGIN);
	for (unsigned i = 0; i <= 4; i++) {
		int y = SVG_HEIGHT - SVG_MARGIN - (int)i * (SVG_HEIGHT - 2 * SVG_MARGIN) / 4;

		fprintf(out,
			"<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#ccc\"/>"
			"<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n",
			SVG_MARGIN, y, SVG_WIDTH - SVG_MARGIN, y, SVG_MARGIN - 6, y + 4,
			text_bytes(number, max / 4 * i));
	}
	for (unsigned i = 0; i <= 4; i++) {
		uint64_t us = (w->v[w->nr - 1].time_ns - w->v[0].time_ns) / NSEC_PER_USEC / 4 * i;

		fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
			SVG_MARGIN + (int)i * (SVG_WIDTH - 2 * SVG_MARGIN) / 4, SVG_HEIGHT - SVG_MARGIN + 20,
			us ? text_duration_us(number, us) : "0");
	}
	print_line(w, max, out);
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
		print_svg(w, v[nr - 1], out);
		break;
	}
	free(v);
	return 0;
}

const struct report_kind report_wss = { "wss", true, wss_open, wss_add, wss_print, wss_close };
