/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/report_svg.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collector/text.h"
#include "tui/inspect.h"

#define ROW_HEIGHT  18
#define BAR_HEIGHT  12
#define CHAR_WIDTH  7.3 /* of the font, with a little to spare */
#define TOP	    92
#define BOTTOM	    44
#define BAR_WIDTH   420
#define VALUE_WIDTH 90 /* behind the longest bar */
#define NR_TICKS    5
#define SZ_LABEL    256

const char *report_svg_color(size_t i)
{
	static const char *const colors[] = { "#1f77b4", "#ff7f0e", "#2ca02c" };

	return colors[i % (sizeof(colors) / sizeof(colors[0]))];
}

void report_svg_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else
			putc((unsigned char)*text < 0x20 ? '?' : *text, out); /* XML has no control characters */
	}
}

/* ---- axes ---- */

static double step_of_time(double max_us, unsigned nr)
{
	static const double seconds[] = { 1,   2,   5,	  10,	15,   30,    60,    120,  300,
					  600, 900, 1800, 3600, 7200, 14400, 21600, 43200 };

	for (size_t i = 0; max_us > nr * 1e6 && i < sizeof(seconds) / sizeof(seconds[0]); i++)
		if (max_us <= seconds[i] * 1e6 * nr)
			return seconds[i] * 1e6;
	return 0;
}

double report_svg_step(double max, unsigned nr, enum report_column_type type)
{
	static const double factors[] = { 1, 2, 5, 10 };
	double step, power;

	if (!(max > 0))
		return 0;
	if (type == REPORT_BYTES)
		return exp2(ceil(log2(max / nr)));
	step = type == REPORT_US ? step_of_time(max, nr) : 0;
	if (step > 0)
		return step;
	power = pow(10, floor(log10(max / nr)));
	for (size_t i = 0; i < 4; i++)
		if (factors[i] * power * nr >= max * (1 - 1e-9))
			return factors[i] * power;
	return 10 * power;
}

void report_svg_number(char *dst, size_t size, double value, enum report_column_type type)
{
	char number[TEXT_NUMBER_SIZE];

	if (type == REPORT_BYTES)
		snprintf(dst, size, "%s", text_bytes(number, (uint64_t)value));
	else if (type == REPORT_US)
		snprintf(dst, size, "%s", value > 0 ? text_duration_us(number, (uint64_t)value) : "0");
	else if (type == REPORT_SHARE)
		snprintf(dst, size, "%.3g%%", 100 * value);
	else
		snprintf(dst, size, "%.3g", value);
}

/* ---- bars ---- */

struct layout {
	const struct report_table *t;
	const struct report_bars *bars;
	FILE *out;
	enum report_column_type type; /* of the values */
	size_t nr_rows;
	int widths[4];		    /* of the labels' columns, in characters */
	double left, width, height; /* where bars begin; of the picture */
	double lo, hi;		    /* of the axis */
};

static double value_of(const struct layout *l, size_t row, size_t series)
{
	const struct report_value *v = &l->t->v[row * l->t->nr_columns + l->bars->series[series]];

	if (!v->known)
		return 0;
	return l->type == REPORT_HEAT || l->type == REPORT_REAL || l->type == REPORT_SHARE ? v->real
											   : (double)v->number;
}

static void write_number(const struct layout *l, char number[SZ_LABEL], double value)
{
	char heat[32];

	if (l->type == REPORT_HEAT)
		snprintf(number, SZ_LABEL, "%s", inspect_heat_number(heat, value, l->t->heat_unit));
	else
		report_svg_number(number, SZ_LABEL, value, l->type);
}

/* Part of the axis' length. */
static double place_of(const struct layout *l, double value)
{
	if (!(value > 0) || !(l->hi > l->lo))
		return 0;
	if (!l->bars->logarithmic)
		return value / l->hi;
	return value <= l->lo ? 0 : log(value / l->lo) / log(l->hi / l->lo);
}

static void measure(struct layout *l)
{
	const struct report_bars *b = l->bars;
	double max = 0, min = INFINITY;
	char text[REPORT_SZ_CELL];
	int chars = 0;

	for (size_t r = 0; r < l->nr_rows; r++) {
		for (size_t i = 0; i < b->nr_labels; i++) {
			int len = (int)strlen(report_table_cell(text, l->t, r, b->labels[i]));

			l->widths[i] = len > l->widths[i] ? len : l->widths[i];
		}
		for (size_t i = 0; i < b->nr_series; i++) {
			double value = value_of(l, r, i);

			max = value > max ? value : max;
			min = value > 0 && value < min ? value : min;
		}
	}
	for (size_t i = 0; i < b->nr_labels; i++) {
		l->widths[i] = l->widths[i] < 64 ? l->widths[i] : 64;
		chars += l->widths[i] + 2;
	}
	l->left = 16 + chars * CHAR_WIDTH;
	l->width = l->left + BAR_WIDTH + VALUE_WIDTH;
	l->height = TOP + BOTTOM + (double)(l->nr_rows ? l->nr_rows : 1) * ROW_HEIGHT;
	l->hi = max;
	if (b->logarithmic && max > 0) {
		l->lo = pow(10, floor(log10(min)));
		l->hi = pow(10, ceil(log10(max)));
		l->lo = l->lo < l->hi ? l->lo : l->hi / 10;
	}
}

static void write_tick(const struct layout *l, double value)
{
	double x = l->left + place_of(l, value) * BAR_WIDTH;
	char number[SZ_LABEL];

	write_number(l, number, value);
	fprintf(l->out,
		"<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ccc\"/>"
		"<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#555\">%s</text>\n",
		x, TOP - 4, x, l->height - BOTTOM, x, TOP - 10, number);
}

static void write_axis(const struct layout *l)
{
	double step = report_svg_step(l->hi, NR_TICKS, l->type);

	if (l->bars->logarithmic && l->hi > 0)
		for (double v = l->lo; v <= l->hi * 1.001; v *= 10)
			write_tick(l, v);
	else
		for (unsigned i = 0; step > 0 && i * step <= l->hi * 1.001; i++)
			write_tick(l, i * step);
	fprintf(l->out, "<text x=\"%.1f\" y=\"%d\" fill=\"#555\">", l->left, TOP - 28);
	report_svg_text(l->out, l->bars->axis);
	fputs(l->bars->logarithmic ? " (logarithmic)</text>\n" : "</text>\n", l->out);
}

static void write_legend(const struct layout *l)
{
	double x = l->left;

	if (l->bars->nr_series < 2)
		return;
	for (size_t i = 0; i < l->bars->nr_series; i++) {
		fprintf(l->out,
			"<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" fill=\"%s\"/><text x=\"%.1f\" "
			"y=\"%.1f\">",
			x, l->height - 28, report_svg_color(i), x + 18, l->height - 18);
		report_svg_text(l->out, l->bars->names[i]);
		fputs("</text>\n", l->out);
		x += 40 + (double)strlen(l->bars->names[i]) * CHAR_WIDTH;
	}
}

static void write_row(const struct layout *l, size_t row)
{
	const struct report_bars *b = l->bars;
	double y = TOP + (double)row * ROW_HEIGHT, x = 16, height = BAR_HEIGHT / (double)b->nr_series;
	char text[REPORT_SZ_CELL], value[SZ_LABEL];
	double longest = 0;

	for (size_t i = 0; i < b->nr_labels; i++) {
		report_table_cell(text, l->t, row, b->labels[i]);
		text[64] = '\0';
		fprintf(l->out, "<text x=\"%.1f\" y=\"%.1f\">", x, y + BAR_HEIGHT);
		report_svg_text(l->out, text);
		fputs("</text>\n", l->out);
		x += (l->widths[i] + 2) * CHAR_WIDTH;
	}
	for (size_t i = 0; i < b->nr_series; i++) {
		double width = place_of(l, value_of(l, row, i)) * BAR_WIDTH;

		longest = width > longest ? width : longest;
		if (width > 0)
			fprintf(l->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n",
				l->left, y + 2 + (double)i * height, width, height, report_svg_color(i));
	}
	if (b->nr_series == 1) {
		write_number(l, value, value_of(l, row, 0));
		fprintf(l->out, "<text x=\"%.1f\" y=\"%.1f\" fill=\"#555\">%s</text>\n", l->left + longest + 6,
			y + BAR_HEIGHT, value);
	}
}

static void write_head(const struct layout *l)
{
	fprintf(l->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f "
		"%.0f\" " REPORT_SVG_FONT ">\n<title>damontop: ",
		l->width, l->height, l->width, l->height);
	report_svg_text(l->out, l->bars->title);
	fputs("</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"16\" y=\"22\" "
	      "font-weight=\"bold\">",
	      l->out);
	report_svg_text(l->out, l->bars->title);
	fputs("</text>\n<text x=\"16\" y=\"40\" fill=\"#555\">", l->out);
	report_svg_text(l->out, l->bars->subtitle);
	if (l->t->nr_rows > l->nr_rows)
		fprintf(l->out, "; the first %zu of %zu", l->nr_rows, l->t->nr_rows);
	fputs("</text>\n", l->out);
}

int report_svg_bars(const struct report_table *t, const struct report_bars *bars, FILE *out)
{
	struct layout l = { .t = t, .bars = bars, .out = out, .type = t->columns[bars->series[0]].type };

	if (t->failed)
		return -ENOMEM;
	l.nr_rows = t->nr_rows < bars->max_rows ? t->nr_rows : bars->max_rows;
	measure(&l);
	write_head(&l);
	write_axis(&l);
	for (size_t r = 0; r < l.nr_rows; r++)
		write_row(&l, r);
	if (!l.nr_rows)
		fprintf(out, "<text x=\"16\" y=\"%d\">nothing</text>\n", TOP + BAR_HEIGHT);
	write_legend(&l);
	fputs("</svg>\n", out);
	return 0;
}
