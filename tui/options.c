/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "collector/text.h"
#include "tui/completion.h"
#include "tui/option_rows.h"

#define MAX_PID 4194304 /* PID_MAX_LIMIT of 64-bit kernels */

static int set_pid(struct options *o, const char *arg, struct err *err)
{
	uint64_t pid;
	int rc = text_parse_u64(arg, "process id", 1, MAX_PID, &pid, err);

	o->pid = rc ? 0 : (pid_t)pid;
	return rc;
}

static int set_replay(struct options *o, const char *arg, struct err *err)
{
	(void)err;
	o->replay = strcmp(arg, "-") == 0 ? "/dev/stdin" : arg;
	return 0;
}

static int set_speed(struct options *o, const char *arg, struct err *err)
{
	char *end;

	o->speed = strtod(arg, &end);
	if (end == arg || *end || !(o->speed >= PLAY_MIN_SPEED && o->speed <= PLAY_MAX_SPEED))
		return err_set(err, EINVAL, "speed: \"%s\" is not a number from 0.01 to 10000", arg);
	return 0;
}

static int set_seek(struct options *o, const char *arg, struct err *err)
{
	o->has_seek = true;
	return play_place_parse(arg, &o->seek, err);
}

static int set_record_size(struct options *o, const char *arg, struct err *err)
{
	int rc = text_parse_bytes(arg, "record size", &o->record_bytes, err);

	if (!rc && o->record_bytes < 4096)
		return err_set(err, ERANGE, "record size: \"%s\" is too small: give at least 4K", arg);
	return rc;
}

static int set_source(struct options *o, const char *arg, struct err *err)
{
	(void)err;
	o->source = strcmp(arg, "auto") == 0 ? NULL : arg;
	return 0;
}

static int set_sources(struct options *o, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	o->action = OPTIONS_SOURCES;
	return 0;
}

static int set_period(struct options *o, const char *arg, struct err *err)
{
	return text_parse_u64(arg, "period", 1, UINT64_C(1) << 62, &o->attrs.period, err);
}

static int set_freq(struct options *o, const char *arg, struct err *err)
{
	uint64_t hz = 0;
	int rc = text_parse_u64(arg, "frequency", 1, 1000000, &hz, err);

	o->attrs.freq_hz = (uint32_t)hz;
	return rc;
}

/* A percentage with at most two decimals, as 1/10 000. */
static int set_budget(struct options *o, const char *arg, struct err *err)
{
	char *end;
	double percent = strtod(arg, &end);

	if (end == arg || strcmp(end, "%") != 0 || !(percent >= 0.01 && percent <= 100))
		return err_set(err, EINVAL, "budget: \"%s\" is not a percentage from 0.01%% to 100%%: write 1%%", arg);
	o->attrs.budget_bp = (uint32_t)(percent * 100 + 0.5);
	return 0;
}

static int set_aging(struct options *o, const char *arg, struct err *err)
{
	o->aging_given = true;
	return text_parse_duration_us(arg, "aging interval", &o->attrs.aging_us, err);
}

static int set_aggregation(struct options *o, const char *arg, struct err *err)
{
	o->aggregation_given = true;
	return text_parse_duration_us(arg, "aggregation interval", &o->attrs.aggregation_us, err);
}

static int set_kernel_tuning(struct options *o, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	o->attrs.access_bp = ATTRS_ACCESS_BP;
	return 0;
}

static int set_update(struct options *o, const char *arg, struct err *err)
{
	return text_parse_duration_us(arg, "update interval", &o->attrs.update_us, err);
}

static int set_regions(struct options *o, const char *arg, struct err *err)
{
	char min[24];
	const char *colon = strchr(arg, ':');
	uint64_t lo, hi;
	int rc;

	if (!colon || (size_t)(colon - arg) >= sizeof(min))
		return err_set(err, EINVAL, "regions: \"%s\" is not MIN:MAX: write 10:1000", arg);
	memcpy(min, arg, (size_t)(colon - arg));
	min[colon - arg] = '\0';
	rc = text_parse_u64(min, "min regions", 3, ATTRS_MAX_NR_REGIONS, &lo, err);
	if (!rc)
		rc = text_parse_u64(colon + 1, "max regions", 3, ATTRS_MAX_NR_REGIONS, &hi, err);
	if (rc)
		return rc;
	o->attrs.min_nr_regions = (uint32_t)lo;
	o->attrs.max_nr_regions = (uint32_t)hi;
	return 0;
}

/* Hexadecimal digits up to the character end, with or without 0x: as the kernel writes addresses, or as JSON has them.
 */
static bool parse_address(const char **s, char end, uint64_t *value)
{
	const char *digits = *s + (strncmp(*s, "0x", 2) == 0 ? 2 : 0);
	size_t nr = strspn(digits, "0123456789abcdefABCDEF");

	*value = strtoull(digits, NULL, 16);
	*s = digits + nr + 1;
	return nr > 0 && nr <= 16 && digits[nr] == end;
}

static int set_range(struct options *o, const char *arg, struct err *err)
{
	const char *s = arg;

	if (!parse_address(&s, '-', &o->range_start) || !parse_address(&s, '\0', &o->range_end) ||
	    o->range_start >= o->range_end)
		return err_set(err, EINVAL, "range: \"%s\" is not START-END: write 7f05f3e00000-7f05f4600000", arg);
	return 0;
}

static const struct {
	const char *name;
	enum region_policy policy;
} splits[] = { { "data", REGION_POLICY_DATA }, { "random", REGION_POLICY_RANDOM } };

const char *options_split_name(size_t i)
{
	return i < sizeof(splits) / sizeof(splits[0]) ? splits[i].name : NULL;
}

static int set_split(struct options *o, const char *arg, struct err *err)
{
	for (size_t i = 0; options_split_name(i); i++) {
		if (strcmp(arg, splits[i].name) == 0) {
			o->attrs.policy = splits[i].policy;
			return 0;
		}
	}
	return err_set(err, EINVAL, "split: \"%s\" is neither data nor random", arg);
}

const char *options_contrast_name(size_t i)
{
	return i < CONTRAST_NR_MODES ? contrast_mode_name((enum contrast_mode)i) : NULL;
}

static int set_contrast(struct options *o, const char *arg, struct err *err)
{
	for (size_t i = 0; options_contrast_name(i); i++) {
		if (strcmp(arg, options_contrast_name(i)) == 0) {
			o->contrast = (enum contrast_mode)i;
			return 0;
		}
	}
	return err_set(err, EINVAL, "contrast: \"%s\" is none of auto, linear, log, percentile", arg);
}

static int set_rows(struct options *o, const char *arg, struct err *err)
{
	for (size_t i = 0; axis_share_word(i); i++) {
		if (strcmp(arg, axis_share_word(i)) == 0) {
			o->share = (enum axis_share)i;
			return 0;
		}
	}
	return err_set(err, EINVAL, "rows-by: \"%s\" is none of root, mapped, resident, hottest, equal", arg);
}

static const struct {
	const char *name;
	enum color_mode mode;
} colors[] = {
	{ "auto", COLOR_MODE_AUTO }, { "never", COLOR_MODE_NEVER },    { "16", COLOR_MODE_16 },
	{ "256", COLOR_MODE_256 },   { "truecolor", COLOR_MODE_TRUE },
};

const char *options_color_name(size_t i)
{
	return i < sizeof(colors) / sizeof(colors[0]) ? colors[i].name : NULL;
}

static int set_color(struct options *o, const char *arg, struct err *err)
{
	for (size_t i = 0; options_color_name(i); i++) {
		if (strcmp(arg, colors[i].name) == 0) {
			o->color = colors[i].mode;
			return 0;
		}
	}
	return err_set(err, EINVAL, "color: \"%s\" is none of auto, never, 16, 256, truecolor", arg);
}

static int set_history(struct options *o, const char *arg, struct err *err)
{
	int rc = text_parse_bytes(arg, "history", &o->history_bytes, err);

	if (!rc && o->history_bytes < (1u << 20))
		return err_set(err, ERANGE, "history: \"%s\" is too small: give at least 1M", arg);
	return rc;
}

static int set_json(struct options *o, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	o->batch = o->json = true;
	return 0;
}

static const struct {
	const char *name;
	enum report_format format;
	bool json, openmetrics;
} formats[] = {
	{ "text", REPORT_TEXT, false, false },	     { "json", REPORT_JSON, true, false },
	{ "csv", REPORT_CSV, false, false },	     { "svg", REPORT_SVG, false, false },
	{ "openmetrics", REPORT_TEXT, false, true },
};

const char *options_format_name(size_t i)
{
	return i < sizeof(formats) / sizeof(formats[0]) ? formats[i].name : NULL;
}

/* "json" and "openmetrics" are forms of batch output too. */
static int set_format(struct options *o, const char *arg, struct err *err)
{
	for (size_t i = 0; options_format_name(i); i++) {
		if (strcmp(formats[i].name, arg) != 0)
			continue;
		o->format = formats[i].format;
		o->json = formats[i].json;
		o->openmetrics = formats[i].openmetrics;
		o->format_given = o->batch = true;
		return 0;
	}
	return err_set(err, EINVAL, "format: \"%s\" is none of text, json, csv, svg, openmetrics", arg);
}

static int set_iterations(struct options *o, const char *arg, struct err *err)
{
	return text_parse_u64(arg, "iterations", 1, UINT32_MAX, &o->iterations, err);
}

static int set_duration(struct options *o, const char *arg, struct err *err)
{
	return text_parse_duration_us(arg, "duration", &o->duration_us, err);
}

static int set_dump_frame(struct options *o, const char *arg, struct err *err)
{
	return text_parse_u64(arg, "frame", 1, 1000000, &o->dump_frame, err);
}

static int set_size(struct options *o, const char *arg, struct err *err)
{
	char cols[16];
	const char *x = strchr(arg, 'x');
	uint64_t c, r;
	int rc;

	if (!x || (size_t)(x - arg) >= sizeof(cols))
		return err_set(err, EINVAL, "size: \"%s\" is not COLSxROWS: write 80x24", arg);
	memcpy(cols, arg, (size_t)(x - arg));
	cols[x - arg] = '\0';
	rc = text_parse_u64(cols, "columns", 1, 1000, &c, err);
	if (!rc)
		rc = text_parse_u64(x + 1, "rows", 1, 1000, &r, err);
	if (rc)
		return rc;
	o->cols = (int)c;
	o->rows = (int)r;
	o->has_size = true;
	return 0;
}

static int set_seed(struct options *o, const char *arg, struct err *err)
{
	return text_parse_u64(arg, "seed", 0, UINT64_MAX - 1, &o->seed, err);
}

static int set_help(struct options *o, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	o->action = OPTIONS_HELP;
	return 0;
}

static int set_version(struct options *o, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	o->action = OPTIONS_VERSION;
	return 0;
}

static int set_completion(struct options *o, const char *arg, struct err *err)
{
	if (completion_parse_shell(arg, &o->shell, err))
		return -EINVAL;
	o->action = OPTIONS_COMPLETION;
	return 0;
}

#define FLAG(member) .flag = offsetof(struct options, member)
#define TEXT(member) .text = offsetof(struct options, member)

const struct option_row option_rows[] = {
	{ .help = "What to watch (without any of these: a list of processes to choose from)" },
	{ 'p', "pid", "PID", "a running process", .set = set_pid },
	{ 0, "children", NULL, "its descendants too, rows grouped by process; key P while it runs", FLAG(children) },
	{ 0, "demo", NULL, "a built-in synthetic target", FLAG(demo) },
	{ 0, "physical", NULL, "all memory of the machine, by node and zone (kernel DAMON)", FLAG(physical) },
	{ 'r', "replay", "FILE", "a recording: ours, damo's, perf.data; - is stdin (-p: which target)",
	  .set = set_replay },
	{ 0, "speed", "X", "replay: X times as fast as it was", .set = set_speed },
	{ 0, "loop", NULL, "replay: from the beginning again at its end", FLAG(loop) },
	{ 0, "seek", "PLACE", "replay: begin there: 50%, 90s, 1m30s, 1:30", .set = set_seek },
	{ .help = "Recording" },
	{ 'o', "record", "FILE", "record while watching, in damo's json_compressed", TEXT(record) },
	{ 0, "record-size", "SIZE", "go on with FILE.1, FILE.2 ... whenever a file has grown past this",
	  .set = set_record_size },
	{ .help = "How to see it" },
	{ 's', "source", "SOURCE", "auto (default), one of --sources, or two side by side: A,B", .set = set_source },
	{ 0, "sources", NULL, "list the sources: usable here? why not? what would help?", .set = set_sources },
	{ 'e', "event", "EVENT", "perf: an event in libpfm4's notation", TEXT(event) },
	{ 'c', "period", "N", "perf: one sample every N events", .set = set_period },
	{ 'F', "freq", "HZ", "sources perf and clock: samples a second and thread, instead of a budget", .set = set_freq },
	{ 0, "physical-addresses", NULL, "perf: sample them too, and the node by them; see --sources",
	  FLAG(physical_addresses) },
	{ 0, "budget", "P%", "how much the target may be slowed (default 1%)", .set = set_budget },
	{ .help = "Intervals and limits; durations need a unit: 500ms, 1.5s, 5000us" },
	{ 0, "aging", "D", "between two looks (default 200ms)", .set = set_aging },
	{ 0, "aggr", "D", "aggregation, one snapshot each (default 1s)", .set = set_aggregation },
	{ 0, "update", "D", "between two reads of mappings and threads (default 1s)", .set = set_update },
	{ 0, "kernel-tuning", NULL, "damon: the kernel tunes --aging and --aggr itself; key I while it runs",
	  .set = set_kernel_tuning },
	{ 0, "range", "START-END", "watch these addresses alone; key Z while it runs", .set = set_range },
	{ 0, "regions", "MIN:MAX", "number of regions (default 10:1000)", .set = set_regions },
	{ 0, "split", "HOW", "regions cut where the data says (data, default) or as DAMON does (random)",
	  .set = set_split },
	{ .help = "The screen" },
	{ 0, "overlay", "OVERLAY", "what the map shows at first: heat, node, kind ...", TEXT(overlay) },
	{ 0, "theme", "THEME", "a shipped theme, or a file (with a / in its name)", TEXT(theme) },
	{ 0, "contrast", "MODE", "heat to brightness: auto, linear, log, percentile", .set = set_contrast },
	{ 0, "rows-by", "ORDER", "rows by root (default), mapped, resident, hottest, equal", .set = set_rows },
	{ 0, "color", "WHEN", "auto, never, 16, 256, truecolor", .set = set_color },
	{ 0, "ascii", NULL, "only ASCII characters", FLAG(ascii) },
	{ 0, "no-mouse", NULL, "leave the mouse to the terminal", FLAG(no_mouse) },
	{ 0, "history", "SIZE", "memory for what was seen (default 64M)", .set = set_history },
	{ .help = "Without a screen" },
	{ 'b', "batch", NULL, "print snapshots as text", FLAG(batch) },
	{ 0, "json", NULL, "print snapshots as JSON, one object a line", .set = set_json },
	{ 0, "report", "KIND", "of all snapshots: heatmap, wss, regions, hot, mappings, ages", TEXT(report) },
	{ 0, "format", "FORMAT", "text, json; reports: csv, svg too; without one: openmetrics", .set = set_format },
	{ 0, "output", "FILE", "where a report or metrics go, each as a whole", TEXT(output) },
	{ 'n', "iterations", "N", "end after N snapshots", .set = set_iterations },
	{ 'd', "duration", "D", "end after this time", .set = set_duration },
	{ 0, "dump-frame", "N", "print the screen as it is after N snapshots", .set = set_dump_frame },
	{ 0, "keys", "KEYS", "then press these keys: characters, and <tab> <left> <f1> ...", TEXT(keys) },
	{ 0, "size", "COLSxROWS", "of that screen (default 80x24)", .set = set_size },
	{ 0, "svg", NULL, "print it as a picture", FLAG(svg) },
	{ 0, "seed", "N", "of the demo and of every random choice", .set = set_seed },
	{ 0, "root", "DIR", "read /sys and /proc/sys below DIR (tests)", TEXT(root) },
	{ .help = "Other" },
	{ 0, "no-config", NULL, "do not read the file of settings", FLAG(no_config) },
	{ 'h', "help", NULL, "this text", .set = set_help },
	{ 'V', "version", NULL, "the version", .set = set_version },
	{ 0, "completion", "SHELL", "print completion of this command line for bash or zsh", .set = set_completion },
};

int option_row_set(const struct option_row *row, struct options *o, const char *arg, struct err *err)
{
	if (row->set)
		return row->set(o, arg, err);
	if (row->flag)
		*(bool *)(void *)((char *)o + row->flag) = true;
	else
		*(const char **)(void *)((char *)o + row->text) = arg;
	return 0;
}

const size_t option_rows_nr = sizeof(option_rows) / sizeof(option_rows[0]);
_Static_assert(sizeof(option_rows) / sizeof(option_rows[0]) <= OPTION_ROWS_MAX, "tables for getopt are made of them");

/* Is it one of those that -s names? */
static bool names_source(const struct options *o, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = o->source; p; p = strchr(p, ','), p += p != NULL)
		if (!strncmp(p, name, len) && strchr(",+", p[len])) /* or it ends there */
			return true;
	return false;
}

bool options_sample(const struct options *o)
{
	return !o->source || names_source(o, "perf") || names_source(o, "clock");
}

int options_check_together(const struct options *o, struct err *err)
{
	int targets = (o->pid && !o->replay) + o->demo + o->physical + (o->command != NULL) + (o->replay != NULL);

	if (o->action != OPTIONS_WATCH)
		return 0;
	if (targets > 1)
		return err_set(err, EINVAL, "-p, --demo, --physical, -r and -- COMMAND exclude each other: give one");
	if (!targets && (o->batch || o->dump_frame || o->report))
		return err_set(err, EINVAL, "nothing to watch: give -p PID, -r FILE, --demo or -- COMMAND");
	if (o->children && (o->demo || o->physical || o->replay))
		return err_set(err, EINVAL,
			       "--children goes with a process: -p PID, -- COMMAND, or one chosen from the list%s",
			       o->replay ? "; a recording shows those that were watched" : "");
	if (o->physical_addresses && o->source && strcmp(o->source, "perf") != 0)
		return err_set(err, EINVAL,
			       "--physical-addresses is what source perf alone can sample: leave out -s %s", o->source);
	if (o->source && o->attrs.period && !names_source(o, "perf"))
		return err_set(err, EINVAL, "-c is for source perf alone: leave out -s %s", o->source);
	if (o->source && o->event && !names_source(o, "perf") && !names_source(o, "damon"))
		return err_set(err, EINVAL, "-e is for the sources perf and damon: leave out -s %s", o->source);
	if (o->attrs.freq_hz && !options_sample(o))
		return err_set(err, EINVAL, "-F is for sources that sample, perf and clock: leave out -s %s",
			       o->source);
	if (o->source && strchr(o->source, ',') && (o->report || o->openmetrics))
		return err_set(err, EINVAL, "reports and metrics are of one source: give one of -s %s", o->source);
	if (o->source && strchr(o->source, ',') && o->demo)
		return err_set(err, EINVAL, "the demo brings its own source: leave out -s %s", o->source);
	if (o->physical && o->source)
		return err_set(err, EINVAL, "--physical is what one source alone can watch: leave out -s");
	if (o->replay && o->source)
		return err_set(err, EINVAL, "-r plays what a source has seen: leave out -s");
	if ((o->loop || o->has_seek) && (!o->replay || o->batch || o->report))
		return err_set(err, EINVAL,
			       "--loop and --seek go with -r on a screen; batch output and reports read all");
	if (o->record_bytes && !o->record)
		return err_set(err, EINVAL, "--record-size goes with -o");
	if (o->report && o->openmetrics)
		return err_set(err, EINVAL, "a report is in text, json, csv or svg: openmetrics goes without --report");
	if (!o->report && (o->format == REPORT_CSV || o->format == REPORT_SVG))
		return err_set(err, EINVAL, "--format csv and svg go with --report");
	if (o->output && !o->report && !o->openmetrics)
		return err_set(err, EINVAL, "--output goes with --report or --format openmetrics");
	if (o->keys && !o->dump_frame)
		return err_set(err, EINVAL, "--keys goes with --dump-frame");
	return attrs_check(&o->attrs, err);
}

void options_apply_defaults(const struct options *o, void (*defaults)(struct attrs *attrs), struct attrs *attrs)
{
	struct attrs wanted = *attrs;

	if (!defaults)
		return;
	defaults(&wanted);
	if (!o->aging_given)
		attrs->aging_us = wanted.aging_us;
	/* Those for which any aggregation will do keep the general one. */
	if (!o->aggregation_given && wanted.aggregation_us != attrs->aggregation_us)
		attrs->aggregation_us = o->aging_given ? attrs->aging_us * (wanted.aggregation_us / wanted.aging_us)
						       : wanted.aggregation_us;
	if (attrs->aging_us > attrs->aggregation_us)
		attrs->aging_us = attrs->aggregation_us;
}
