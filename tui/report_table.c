/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/report_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/text.h"
#include "collector/text_buf.h"
#include "tui/inspect.h"

void report_table_init(struct report_table *t, const struct report_column *columns, size_t nr_columns)
{
	*t = (struct report_table){ .columns = columns, .nr_columns = nr_columns };
}

void report_table_free(struct report_table *t)
{
	for (size_t i = 0; i < t->nr_rows * t->nr_columns; i++)
		free(t->v[i].words);
	free(t->v);
	*t = (struct report_table){ 0 };
}

void report_table_row(struct report_table *t)
{
	if (t->nr_rows == t->cap && !t->failed) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct report_value *v = realloc(t->v, cap * t->nr_columns * sizeof(*v));

		if (v) {
			t->v = v;
			t->cap = cap;
		} else {
			t->failed = true;
		}
	}
	if (t->failed)
		return;
	memset(t->v + t->nr_rows * t->nr_columns, 0, t->nr_columns * sizeof(*t->v));
	t->nr_rows++;
}

static struct report_value *last(struct report_table *t, size_t column)
{
	struct report_value *v = t->failed || !t->nr_rows ? NULL : &t->v[(t->nr_rows - 1) * t->nr_columns + column];

	if (v)
		v->known = true;
	return v;
}

void report_table_number(struct report_table *t, size_t column, uint64_t number)
{
	struct report_value *v = last(t, column);

	if (v)
		v->number = number;
}

void report_table_real(struct report_table *t, size_t column, double real)
{
	struct report_value *v = last(t, column);

	if (v)
		v->real = real;
}

void report_table_words(struct report_table *t, size_t column, const char *words)
{
	struct report_value *v = words ? last(t, column) : NULL;

	if (!v)
		return;
	v->words = strdup(words);
	t->failed |= !v->words;
}

/* ---- text ---- */

static void cell_text(char dst[REPORT_SZ_CELL], const struct report_table *t, const struct report_column *column,
		      const struct report_value *v)
{
	char number[32];

	if (!v->known) {
		snprintf(dst, REPORT_SZ_CELL, "-");
		return;
	}
	switch (column->type) {
	case REPORT_ADDRESS:
		snprintf(dst, REPORT_SZ_CELL, "%012" PRIx64, v->number);
		break;
	case REPORT_BYTES:
		snprintf(dst, REPORT_SZ_CELL, "%s", text_bytes(number, v->number));
		break;
	case REPORT_COUNT:
		snprintf(dst, REPORT_SZ_CELL, "%" PRIu64, v->number);
		break;
	case REPORT_US:
		snprintf(dst, REPORT_SZ_CELL, "%s", v->number ? text_duration_us(number, v->number) : "0s");
		break;
	case REPORT_REAL:
		snprintf(dst, REPORT_SZ_CELL, "%.3g", v->real);
		break;
	case REPORT_HEAT:
		snprintf(dst, REPORT_SZ_CELL, "%s", inspect_heat_number(number, v->real, t->heat_unit));
		break;
	case REPORT_SHARE:
		snprintf(dst, REPORT_SZ_CELL, "%.1f%%", 100 * v->real);
		break;
	case REPORT_WORDS:
		snprintf(dst, REPORT_SZ_CELL, "%s", v->words ? v->words : "");
		break;
	}
}

/* Words stand at the left, and are never in need of padding behind the last column. */
static void print_cell(FILE *out, const struct report_table *t, size_t c, int width, const char *text)
{
	bool words = t->columns[c].type == REPORT_WORDS, at_end = c + 1 == t->nr_columns;

	fprintf(out, "%s%*s%s", c ? "  " : "", words ? (at_end ? 0 : -width) : width, text, at_end ? "\n" : "");
}

static int print_text(const struct report_table *t, FILE *out)
{
	int *widths = calloc(t->nr_columns, sizeof(*widths));
	char text[REPORT_SZ_CELL];

	if (!widths)
		return -ENOMEM;
	for (size_t c = 0; c < t->nr_columns; c++) {
		widths[c] = (int)strlen(t->columns[c].heading);
		for (size_t r = 0; r < t->nr_rows; r++) {
			cell_text(text, t, &t->columns[c], &t->v[r * t->nr_columns + c]);
			if ((int)strlen(text) > widths[c])
				widths[c] = (int)strlen(text);
		}
	}
	for (size_t c = 0; c < t->nr_columns; c++)
		print_cell(out, t, c, widths[c], t->columns[c].heading);
	for (size_t i = 0; i < t->nr_rows * t->nr_columns; i++) {
		cell_text(text, t, &t->columns[i % t->nr_columns], &t->v[i]);
		print_cell(out, t, i % t->nr_columns, widths[i % t->nr_columns], text);
	}
	free(widths);
	return 0;
}

const char *report_table_cell(char dst[REPORT_SZ_CELL], const struct report_table *t, size_t row, size_t column)
{
	cell_text(dst, t, &t->columns[column], &t->v[row * t->nr_columns + column]);
	return dst;
}

/* ---- CSV and JSON ---- */

const char *report_heat_suffix(enum heat_unit unit)
{
	static const char *const suffixes[] = {
		[HEAT_FRACTION] = "_share_of_checks",
		[HEAT_RATE] = "_accesses_per_s_mib",
		[HEAT_TIME] = "_cpu_share_per_mib",
	};

	return suffixes[unit];
}

static bool is_real(const struct report_column *column)
{
	return column->type == REPORT_REAL || column->type == REPORT_HEAT || column->type == REPORT_SHARE;
}

/* RFC 4180: quotes are doubled. */
static void csv_words(FILE *out, const char *words)
{
	putc('"', out);
	for (; *words; words++) {
		if (*words == '"')
			putc('"', out);
		putc(*words, out);
	}
	putc('"', out);
}

static void csv_cell(FILE *out, const struct report_column *column, const struct report_value *v)
{
	if (!v->known)
		return;
	if (column->type == REPORT_WORDS)
		csv_words(out, v->words ? v->words : "");
	else if (column->type == REPORT_ADDRESS)
		fprintf(out, "0x%" PRIx64, v->number);
	else if (is_real(column))
		fprintf(out, "%.9g", v->real);
	else
		fprintf(out, "%" PRIu64, v->number);
}

static int print_csv(const struct report_table *t, FILE *out)
{
	for (size_t c = 0; c < t->nr_columns; c++)
		fprintf(out, "%s%s%s", c ? "," : "", t->columns[c].name,
			t->columns[c].type == REPORT_HEAT ? report_heat_suffix(t->heat_unit) : "");
	putc('\n', out);
	for (size_t i = 0; i < t->nr_rows * t->nr_columns; i++) {
		size_t c = i % t->nr_columns;

		if (c)
			putc(',', out);
		csv_cell(out, &t->columns[c], &t->v[i]);
		if (c + 1 == t->nr_columns)
			putc('\n', out);
	}
	return 0;
}

static void json_cell(struct text_buf *b, const struct report_column *column, const struct report_value *v)
{
	if (column->type == REPORT_WORDS)
		text_buf_json(b, v->words ? v->words : "");
	else if (column->type == REPORT_ADDRESS)
		text_buf_printf(b, "\"0x%" PRIx64 "\"", v->number);
	else if (is_real(column))
		text_buf_printf(b, "%.9g", v->real);
	else
		text_buf_u64(b, v->number);
}

static int print_json(const struct report_table *t, const char *kind, const char *fields, FILE *out)
{
	struct text_buf b = { 0 };
	int rc;

	text_buf_printf(&b, "{\"report\":\"%s\"%s,\"rows\":[", kind, fields);
	for (size_t r = 0; r < t->nr_rows; r++) {
		bool first = true;

		text_buf_str(&b, r ? ",\n{" : "\n{");
		for (size_t c = 0; c < t->nr_columns; c++) {
			const struct report_value *v = &t->v[r * t->nr_columns + c];

			if (!v->known)
				continue;
			text_buf_printf(&b, "%s\"%s\":", first ? "" : ",", t->columns[c].name);
			json_cell(&b, &t->columns[c], v);
			first = false;
		}
		text_buf_str(&b, "}");
	}
	text_buf_str(&b, "]}\n");
	rc = b.failed ? -ENOMEM : fwrite(b.v, 1, b.len, out) == b.len ? 0 : -EIO;
	text_buf_free(&b);
	return rc;
}

int report_table_print(const struct report_table *t, const char *kind, const char *fields, enum report_format format,
		       FILE *out)
{
	if (t->failed)
		return -ENOMEM;
	if (format == REPORT_CSV)
		return print_csv(t, out);
	return format == REPORT_JSON ? print_json(t, kind, fields, out) : print_text(t, out);
}
