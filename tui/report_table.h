/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_table.h - a report's rows, and how they are printed: as text for
 * people, as CSV and JSON for programs.
 *
 * A column knows what its values are, so that text has units and the others
 * have exact numbers, with the unit in the column's name. What is not known is
 * "-", empty, or absent. Texts are copied. report_table_free() frees.
 */
#ifndef TUI_REPORT_TABLE_H
#define TUI_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_CSV, REPORT_SVG };

enum report_column_type {
	REPORT_ADDRESS,
	REPORT_BYTES,
	REPORT_COUNT,
	REPORT_REAL,
	REPORT_US,
	REPORT_SHARE, /* 0 ... 1; text shows percent */
	REPORT_WORDS,
};

struct report_column {
	const char *heading; /* of the text */
	const char *name;    /* of CSV and JSON */
	enum report_column_type type;
};

struct report_value {
	bool known;
	uint64_t number;
	double real;
	char *words;
};

struct report_table {
	const struct report_column *columns;
	size_t nr_columns, nr_rows, cap;
	struct report_value *v; /* row by row */
	bool failed;		/* no memory: rows are missing */
};

void report_table_init(struct report_table *t, const struct report_column *columns, size_t nr_columns);
void report_table_free(struct report_table *t);

/* A new row, all unknown; the setters below fill it. A setter without a row (no memory) does nothing. */
void report_table_row(struct report_table *t);
void report_table_number(struct report_table *t, size_t column, uint64_t number);
void report_table_real(struct report_table *t, size_t column, double real);
void report_table_words(struct report_table *t, size_t column, const char *words);

/* The rows; kind is the name of the report. JSON: one object {"report":kind,"rows":[...]}. 0 or -errno. */
int report_table_print(const struct report_table *t, const char *kind, enum report_format format, FILE *out);

#endif
