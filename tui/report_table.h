/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report_table.h - a report's rows, and how they are printed: as text for
 * people, as CSV and JSON for programs.
 *
 * A column knows what its values are, so that text has units and the others
 * have exact numbers, with the unit in the column's name. What is not known is
 * "-", empty, or absent. Texts are copied. report_table_free() frees.
 * One thread.
 */
#ifndef TUI_REPORT_TABLE_H
#define TUI_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "collector/snapshot.h"

#define REPORT_SZ_CELL 640 /* of a cell as text */

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_CSV, REPORT_SVG };

enum report_column_type {
	REPORT_ADDRESS,
	REPORT_BYTES,
	REPORT_COUNT,
	REPORT_REAL,
	REPORT_HEAT, /* a real number in the table's heat_unit */
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
	enum heat_unit heat_unit;
	bool failed; /* no memory: rows are missing */
};

void report_table_init(struct report_table *t, const struct report_column *columns, size_t nr_columns);
void report_table_free(struct report_table *t);

/* A new row, all unknown; the setters below fill it. A setter without a row (no memory) does nothing. */
void report_table_row(struct report_table *t);
void report_table_number(struct report_table *t, size_t column, uint64_t number);
void report_table_real(struct report_table *t, size_t column, double real);
void report_table_words(struct report_table *t, size_t column, const char *words);

/* A cell as people read it. Returns dst. */
const char *report_table_cell(char dst[REPORT_SZ_CELL], const struct report_table *t, size_t row, size_t column);

/* What CSV adds to the name of a column of heat, its unit: "_accesses_per_s_mib" ... */
const char *report_heat_suffix(enum heat_unit unit);

/*
 * The rows, not as a picture; kind is the name of the report. JSON: one object {"report":kind,...,"rows":[...]}, with
 * these fields in the middle (",\"pid\":1", or ""). 0 or -errno.
 */
int report_table_print(const struct report_table *t, const char *kind, const char *fields, enum report_format format,
		       FILE *out);

#endif
