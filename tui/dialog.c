/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/dialog.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/source.h"
#include "collector/text.h"

struct field {
	const char *label;
	const char *hint;
	const char *prefix; /* how a message begins that refuses this one */
	void (*print)(char *dst, size_t size, const struct dialog_values *v);
	int (*parse)(const char *text, struct dialog_values *v, struct err *err);
};

static void print_duration(char *dst, size_t size, uint64_t us)
{
	char text[TEXT_NUMBER_SIZE];

	snprintf(dst, size, "%s", text_duration_us(text, us));
}

static int parse_u32(const char *text, const char *what, uint32_t *value, struct err *err)
{
	uint64_t number;
	int ret = text_parse_u64(text, what, 0, UINT32_MAX, &number, err);

	if (!ret)
		*value = (uint32_t)number;
	return ret;
}

static void print_aging(char *dst, size_t size, const struct dialog_values *v)
{
	print_duration(dst, size, v->attrs.aging_us);
}

static int parse_aging(const char *text, struct dialog_values *v, struct err *err)
{
	return text_parse_duration_us(text, "aging", &v->attrs.aging_us, err);
}

static void print_aggregation(char *dst, size_t size, const struct dialog_values *v)
{
	print_duration(dst, size, v->attrs.aggregation_us);
}

static int parse_aggregation(const char *text, struct dialog_values *v, struct err *err)
{
	return text_parse_duration_us(text, "aggregation", &v->attrs.aggregation_us, err);
}

static void print_update(char *dst, size_t size, const struct dialog_values *v)
{
	print_duration(dst, size, v->attrs.update_us);
}

static int parse_update(const char *text, struct dialog_values *v, struct err *err)
{
	return text_parse_duration_us(text, "update", &v->attrs.update_us, err);
}

static void print_min(char *dst, size_t size, const struct dialog_values *v)
{
	snprintf(dst, size, "%u", v->attrs.min_nr_regions);
}

static int parse_min(const char *text, struct dialog_values *v, struct err *err)
{
	return parse_u32(text, "min regions", &v->attrs.min_nr_regions, err);
}

static void print_max(char *dst, size_t size, const struct dialog_values *v)
{
	snprintf(dst, size, "%u", v->attrs.max_nr_regions);
}

static int parse_max(const char *text, struct dialog_values *v, struct err *err)
{
	return parse_u32(text, "max regions", &v->attrs.max_nr_regions, err);
}

static void print_freq(char *dst, size_t size, const struct dialog_values *v)
{
	if (v->attrs.freq_hz)
		snprintf(dst, size, "%u", v->attrs.freq_hz);
	else
		snprintf(dst, size, "auto");
}

static int parse_freq(const char *text, struct dialog_values *v, struct err *err)
{
	if (!strcmp(text, "auto")) {
		v->attrs.freq_hz = 0;
		return 0;
	}
	return parse_u32(text, "frequency", &v->attrs.freq_hz, err);
}

static void print_period(char *dst, size_t size, const struct dialog_values *v)
{
	if (v->attrs.period)
		snprintf(dst, size, "%llu", (unsigned long long)v->attrs.period);
	else
		snprintf(dst, size, "auto");
}

static int parse_period(const char *text, struct dialog_values *v, struct err *err)
{
	if (!strcmp(text, "auto")) {
		v->attrs.period = 0;
		return 0;
	}
	return text_parse_u64(text, "period", 1, UINT64_C(1) << 62, &v->attrs.period, err);
}

static void print_budget(char *dst, size_t size, const struct dialog_values *v)
{
	snprintf(dst, size, "%g%%", v->attrs.budget_bp / 100.0);
}

static int parse_budget(const char *text, struct dialog_values *v, struct err *err)
{
	char *end;
	double percent = strtod(text, &end);

	if (end == text || strcmp(end, "%") || !(percent >= 0 && percent <= 100))
		return err_set(err, 22, "budget: give a share of the target's CPU time, such as 1%%");
	v->attrs.budget_bp = (uint32_t)lround(percent * 100);
	return 0;
}

static void print_source(char *dst, size_t size, const struct dialog_values *v)
{
	snprintf(dst, size, "%s", v->source ? v->source->name : "auto");
}

static int parse_source(const char *text, struct dialog_values *v, struct err *err)
{
	char names[160] = "";
	size_t i, len = 0;

	v->source = NULL;
	for (i = 0; source_table[i]; i++) {
		if (!strcmp(text, source_table[i]->name))
			v->source = source_table[i];
		if (len < sizeof(names))
			len += (size_t)snprintf(names + len, sizeof(names) - len, " %s", source_table[i]->name);
	}
	if (v->source || !strcmp(text, "auto"))
		return 0;
	return err_set(err, EINVAL, "source: there are: auto%s", names);
}

static void print_event(char *dst, size_t size, const struct dialog_values *v)
{
	snprintf(dst, size, "%s", *v->event ? v->event : "auto");
}

static int parse_event(const char *text, struct dialog_values *v, struct err *err)
{
	snprintf(v->event, sizeof(v->event), "%s", strcmp(text, "auto") ? text : "");
	if (!*v->event || (v->source && !strcmp(v->source->name, "perf")))
		return 0;
	return err_set(err, EINVAL, "event: only the source perf takes one: set that too");
}

static const struct field fields[DIALOG_NR_FIELDS] = {
	{ "aging interval", "between two looks at the target: 200ms", "aging", print_aging, parse_aging },
	{ "aggregation interval", "one snapshot: 1s, 750ms", "aggregation", print_aggregation, parse_aggregation },
	{ "update interval", "mappings and threads are read again: 1s", "update", print_update, parse_update },
	{ "min regions", "at least 3", "min regions", print_min, parse_min },
	{ "max regions", "more show more and cost more", "max regions", print_max, parse_max },
	{ "sample frequency", "each thread; auto: clock by budget, perf 10k in all", "frequency", print_freq,
	  parse_freq },
	{ "sample period", "perf: events for each sample, goes before Hz; auto", "period", print_period, parse_period },
	{ "budget", "how much the target may be slowed; perf: not used", "budget", print_budget, parse_budget },
	{ "source", "auto, or one of --sources", "source", print_source, parse_source },
	{ "event", "of perf: perf::PAGE-FAULTS; auto: what fits best", "event", print_event, parse_event },
};

const char *dialog_label(size_t field)
{
	return fields[field].label;
}

const char *dialog_hint(size_t field)
{
	return fields[field].hint;
}

void dialog_open(struct dialog *dialog, const struct dialog_values *values)
{
	size_t i;

	memset(dialog, 0, sizeof(*dialog));
	dialog->values = *values;
	for (i = 0; i < DIALOG_NR_FIELDS; i++) {
		fields[i].print(dialog->fields[i].text, sizeof(dialog->fields[i].text), values);
		dialog->fields[i].fresh = true;
	}
}

void dialog_move(struct dialog *dialog, int by)
{
	dialog->fields[dialog->at].fresh = true;
	dialog->at = (dialog->at + DIALOG_NR_FIELDS + (size_t)(by % DIALOG_NR_FIELDS)) % DIALOG_NR_FIELDS;
}

void dialog_type(struct dialog *dialog, char c)
{
	struct dialog_field *field = &dialog->fields[dialog->at];
	size_t len = strlen(field->text);

	field->refused[0] = '\0';
	if (c == '\b') {
		if (len)
			field->text[len - 1] = '\0';
	} else if (c > ' ' && c <= '~') {
		if (field->fresh)
			len = 0;
		if (len + 1 < sizeof(field->text)) {
			field->text[len] = c;
			field->text[len + 1] = '\0';
		}
	}
	field->fresh = false;
}

static void refuse(struct dialog *dialog, size_t field, const struct err *err)
{
	snprintf(dialog->fields[field].refused, sizeof(dialog->fields[field].refused), "%.150s", err->text);
	dialog->at = field;
}

/* The field that a message is about, or one that it may be about. */
static size_t field_of(const struct err *err, size_t otherwise)
{
	size_t i;

	for (i = 0; i < DIALOG_NR_FIELDS; i++)
		if (!strncmp(err->text, fields[i].prefix, strlen(fields[i].prefix)))
			return i;
	return otherwise;
}

static bool has_changed(const struct dialog *dialog, size_t i)
{
	char before[sizeof(dialog->fields[i].text)];

	fields[i].print(before, sizeof(before), &dialog->values);
	return strcmp(before, dialog->fields[i].text) != 0;
}

/* Sources say why they cannot be had in words of their own: of the fields that were changed it is then the last one. */
void dialog_refuse(struct dialog *dialog, const struct err *err)
{
	size_t i, last = 0;

	for (i = 0; i < DIALOG_NR_FIELDS; i++) {
		dialog->fields[i].refused[0] = '\0';
		dialog->fields[i].fresh = true;
		if (has_changed(dialog, i))
			last = i;
	}
	refuse(dialog, field_of(err, last), err);
}

bool dialog_apply(struct dialog *dialog, struct dialog_values *values)
{
	struct err err = ERR_NONE;
	size_t i;

	*values = dialog->values;
	for (i = 0; i < DIALOG_NR_FIELDS; i++)
		dialog->fields[i].refused[0] = '\0';
	for (i = 0; i < DIALOG_NR_FIELDS; i++)
		if (fields[i].parse(dialog->fields[i].text, values, &err)) {
			refuse(dialog, i, &err);
			return false;
		}
	if (attrs_check(&values->attrs, &err)) {
		refuse(dialog, field_of(&err, 0), &err);
		return false;
	}
	return true;
}
