/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/record.h"
#include "collector/text.h"
#include "tui/openmetrics.h"
#include "tui/report.h"
#include "tui/text_file.h"
#include "tui/theme.h"

#define SZ_NAME 4096
/* A picture has room where a terminal has not. */
#define SVG_ROWS 40
#define SVG_COLS 120

struct output {
	const struct options *options;
	struct record *record; /* NULL: nothing is recorded */
	bool record_failed;    /* and has been said */
	struct report_maker *report;
	struct openmetrics metrics;
	struct theme theme;
};

static int print_metrics(struct output *o, const struct snapshot *snap, struct err *err)
{
	const char *name = o->options->output;
	char tmp[TEXT_FILE_PATH_SIZE];
	FILE *out = stdout;
	int rc = name ? text_file_begin(name, tmp, &out, err) : 0;

	if (rc)
		return rc;
	rc = openmetrics_write(&o->metrics, out, snap);
	if (name)
		return text_file_end(name, tmp, out, err);
	if (!rc && fflush(out))
		rc = -errno;
	return rc ? err_set(err, -rc, "writing to standard output: %s", strerror(-rc)) : 0;
}

/* ---- the interface ---- */

static int open_report(struct output *o, struct err *err)
{
	static const enum color_depth depths[] = {
		[COLOR_MODE_AUTO] = COLOR_DEPTH_MONO, [COLOR_MODE_NEVER] = COLOR_DEPTH_MONO,
		[COLOR_MODE_16] = COLOR_DEPTH_16,     [COLOR_MODE_256] = COLOR_DEPTH_256,
		[COLOR_MODE_TRUE] = COLOR_DEPTH_TRUE,
	};
	const struct options *from = o->options;
	struct report_options options = {
		.format = from->format,
		.theme = &o->theme,
		.look = { .depth = depths[from->color], .ascii = from->ascii },
		.rows = from->format == REPORT_SVG && !from->has_size ? SVG_ROWS : from->rows,
		.cols = from->format == REPORT_SVG && !from->has_size ? SVG_COLS : from->cols,
	};
	int rc = theme_load(&o->theme, from->theme, err);

	if (rc)
		return rc;
	if (from->color == COLOR_MODE_AUTO)
		options.look.depth = from->output
					     ? COLOR_DEPTH_MONO
					     : term_depth_of_env(COLOR_MODE_AUTO, getenv("TERM"), getenv("COLORTERM"),
								 getenv("NO_COLOR"), isatty(STDOUT_FILENO), -1);
	if (options.format == REPORT_SVG)
		options.look.depth = COLOR_DEPTH_TRUE;
	options.with_colors = options.look.depth != COLOR_DEPTH_MONO;
	return report_new(&o->report, from->report, &options, err);
}

int output_open(struct output **output, const struct options *options, struct err *err)
{
	struct output *o = calloc(1, sizeof(*o));
	int rc = 0;

	*output = NULL;
	if (!o)
		return err_set(err, ENOMEM, "no memory");
	o->options = options;
	if (options->report)
		rc = open_report(o, err);
	if (!rc && options->record)
		rc = record_open(&o->record, options->record, options->record_bytes, err);
	if (rc) {
		output_close(o, NULL);
		return rc;
	}
	*output = o;
	return 0;
}

int output_add(struct output *o, const struct snapshot *snap, struct err *err)
{
	int rc = 0;

	if (snap->source_index)
		return 0; /* a recording is of one source: the first */
	if (o->record && !o->record_failed) {
		rc = record_add(o->record, snap, err);
		o->record_failed = rc != 0;
	}
	if (!rc && o->report)
		rc = report_add(o->report, snap, err);
	if (!rc && o->options->openmetrics)
		rc = print_metrics(o, snap, err);
	return rc;
}

int output_record(struct output *o, const char *path, bool anew, struct err *err)
{
	struct record *record;
	struct stat st;
	char shown[SZ_NAME];
	int rc;

	text_clean_str(shown, sizeof(shown), path);
	if (!anew && !lstat(path, &st) && S_ISREG(st.st_mode) && st.st_size)
		return err_set(err, EEXIST, "%s is there: enter again keeps it as %s.old", shown, shown);
	rc = record_open(&record, path, o->options->record_bytes, err);
	if (rc)
		return rc;
	record_close(o->record, NULL);
	o->record = record;
	o->record_failed = false;
	return 0;
}

int output_end_record(struct output *o, struct err *err)
{
	int rc = record_close(o->record, err);

	o->record = NULL;
	o->record_failed = false;
	return rc;
}

const char *output_recording(const struct output *o, uint64_t *bytes)
{
	if (!o->record || o->record_failed)
		return NULL;
	*bytes = record_bytes(o->record);
	return record_path(o->record);
}

int output_finish(struct output *o, struct err *err)
{
	const char *name = o->options->output;
	char tmp[TEXT_FILE_PATH_SIZE];
	FILE *out = stdout;
	int rc;

	if (!o->report)
		return 0;
	rc = name ? text_file_begin(name, tmp, &out, err) : 0;
	if (rc)
		return rc;
	rc = report_print(o->report, out, err);
	if (!name)
		return rc;
	if (!rc)
		return text_file_end(name, tmp, out, err);
	text_file_abandon(tmp, out);
	return rc;
}

int output_close(struct output *o, struct err *err)
{
	int rc;

	if (!o)
		return 0;
	rc = record_close(o->record, err);
	report_free(o->report);
	free(o);
	return rc;
}
