/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/text.h"
#include "tui/app.h"
#include "tui/option_rows.h"
#include "tui/text_file.h"
#include "tui/theme.h"

#define CONFIG_NAME "damontop/config"

/* ---- what can be set, and how it is written ---- */

#define VALUE_SIZE 512

/* Writes the value; false: leave it out. */
typedef bool print_fn(char dst[VALUE_SIZE], const struct options *o);

static bool print_text(char dst[VALUE_SIZE], const char *text)
{
	return text && *text && (size_t)snprintf(dst, VALUE_SIZE, "%s", text) < VALUE_SIZE;
}

/* A name that would not come back from a line as it is. */
static bool breaks_line(const char *text)
{
	char clean[VALUE_SIZE];
	size_t len = strlen(text);

	text_clean_str(clean, sizeof(clean), text);
	return strcmp(clean, text) != 0 || (len && text[len - 1] == ' ');
}

/* As people write them, where that is exact. */
static bool print_duration(char dst[VALUE_SIZE], uint64_t us)
{
	char text[TEXT_NUMBER_SIZE];
	uint64_t again = 0;

	if (text_parse_duration_us(text_duration_us(text, us), "", &again, NULL) || again != us)
		snprintf(text, sizeof(text), "%lluus", (unsigned long long)us);
	return print_text(dst, text);
}

static bool print_source(char dst[VALUE_SIZE], const struct options *o)
{
	return o->source && print_text(dst, o->source);
}

static bool print_budget(char dst[VALUE_SIZE], const struct options *o)
{
	snprintf(dst, VALUE_SIZE, "%g%%", o->attrs.budget_bp / 100.0);
	return true;
}

/* What a source has chosen for itself is not for the others. */
static bool print_aging(char dst[VALUE_SIZE], const struct options *o)
{
	return o->aging_given && print_duration(dst, o->attrs.aging_us);
}

static bool print_aggregation(char dst[VALUE_SIZE], const struct options *o)
{
	return o->aggregation_given && print_duration(dst, o->attrs.aggregation_us);
}

static bool print_update(char dst[VALUE_SIZE], const struct options *o)
{
	return print_duration(dst, o->attrs.update_us);
}

static bool print_regions(char dst[VALUE_SIZE], const struct options *o)
{
	snprintf(dst, VALUE_SIZE, "%u:%u", o->attrs.min_nr_regions, o->attrs.max_nr_regions);
	return true;
}

static bool print_split(char dst[VALUE_SIZE], const struct options *o)
{
	return print_text(dst, options_split_name((size_t)o->attrs.policy));
}

static bool print_overlay(char dst[VALUE_SIZE], const struct options *o)
{
	return o->overlay && strcmp(o->overlay, app_overlay_name(0)) != 0 && print_text(dst, o->overlay);
}

static bool print_theme(char dst[VALUE_SIZE], const struct options *o)
{
	char path[TEXT_FILE_PATH_SIZE];

	if (!strchr(o->theme, '/'))
		return print_text(dst, o->theme);
	/* of a file, from wherever one starts the next time */
	return realpath(o->theme, path) && !breaks_line(path) && print_text(dst, path);
}

static bool print_contrast(char dst[VALUE_SIZE], const struct options *o)
{
	return print_text(dst, options_contrast_name((size_t)o->contrast));
}

static bool print_rows(char dst[VALUE_SIZE], const struct options *o)
{
	return print_text(dst, axis_share_word((size_t)o->share));
}

static bool print_color(char dst[VALUE_SIZE], const struct options *o)
{
	return print_text(dst, options_color_name((size_t)o->color));
}

static bool print_ascii(char dst[VALUE_SIZE], const struct options *o)
{
	return print_text(dst, o->ascii ? "yes" : "no");
}

static bool print_no_mouse(char dst[VALUE_SIZE], const struct options *o)
{
	return print_text(dst, o->no_mouse ? "yes" : "no");
}

static bool print_history(char dst[VALUE_SIZE], const struct options *o)
{
	char text[TEXT_NUMBER_SIZE];
	uint64_t again = 0;

	if (text_parse_bytes(text_bytes(text, o->history_bytes), "", &again, NULL) || again != o->history_bytes)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)o->history_bytes);
	return print_text(dst, text);
}

static const struct {
	const char *name; /* of the option */
	print_fn *print;
} allowed[] = {
	{ "source", print_source },	{ "budget", print_budget },	{ "aging", print_aging },
	{ "aggr", print_aggregation },	{ "update", print_update },	{ "regions", print_regions },
	{ "split", print_split },	{ "overlay", print_overlay },	{ "theme", print_theme },
	{ "contrast", print_contrast }, { "rows-by", print_rows },	{ "color", print_color },
	{ "ascii", print_ascii },	{ "no-mouse", print_no_mouse }, { "history", print_history },
};

#define NR_ALLOWED (sizeof(allowed) / sizeof(*allowed))

_Static_assert(NR_ALLOWED <= CONFIG_MAX_SETTINGS, "each can be set");

/* ---- reading ---- */

bool config_path(char *dst, size_t size, const char *xdg_config_home, const char *home)
{
	int len = -1;

	if (xdg_config_home && *xdg_config_home == '/')
		len = snprintf(dst, size, "%s/" CONFIG_NAME, xdg_config_home);
	else if (home && *home == '/')
		len = snprintf(dst, size, "%s/.config/" CONFIG_NAME, home);
	return len >= 0 && (size_t)len < size;
}

static const struct option_row *row_of(struct piece name)
{
	for (size_t i = 0; i < option_rows_nr; i++)
		if (option_rows[i].name && piece_is(name, option_rows[i].name))
			return &option_rows[i];
	return NULL;
}

static bool is_allowed(struct piece name)
{
	for (size_t i = 0; i < NR_ALLOWED; i++)
		if (piece_is(name, allowed[i].name))
			return true;
	return false;
}

static int refuse_name(const struct text_lines *at, struct piece name, struct err *err)
{
	char names[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < NR_ALLOWED && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, " %s", allowed[i].name);
	return err_set(err, EINVAL, "settings %s:%u: %s\"%.*s\"; there are:%s", at->origin, at->line,
		       row_of(name) ? "only on the command line goes " : "there is no setting ", piece_shown(name),
		       name.s, names);
}

/* The value stands in the config's own text: what follows it is a blank, the line's end, or the byte after all. */
static const char *terminate(struct piece value)
{
	char *s = (char *)value.s;

	s[value.len] = '\0';
	return s;
}

static int add_setting(struct config *config, const struct text_lines *at, struct piece name, struct piece value,
		       struct err *err)
{
	const struct option_row *row = row_of(name);

	if (!row || !is_allowed(name))
		return refuse_name(at, name, err);
	for (size_t i = 0; i < config->nr; i++)
		if (config->settings[i].row == row)
			return err_set(err, EINVAL, "settings %s:%u: a second line for \"%s\", after line %u",
				       at->origin, at->line, row->name, config->settings[i].line);
	config->settings[config->nr++] = (struct config_setting){ row, terminate(value), at->line };
	return 0;
}

int config_parse(struct config *config, const char *origin, char *text, size_t len, struct err *err)
{
	struct text_lines lines = { .what = "settings", .origin = origin, .rest = { text, len } };
	struct piece name, value;
	int rc;

	*config = (struct config){ .origin = origin, .text = text };
	while ((rc = text_lines_next(&lines, &name, &value, err)) > 0) {
		rc = add_setting(config, &lines, name, value, err);
		if (rc)
			break;
	}
	if (rc)
		config_free(config);
	return rc;
}

/* In a folder that this user may not enter, as after sudo -u without -H: another one's settings. */
static bool is_out_of_reach(const char *path)
{
	struct stat st;

	return stat(path, &st) && errno == EACCES;
}

int config_load(struct config *config, const char *path, struct err *err)
{
	struct err why = ERR_NONE;
	size_t len;
	char *text;
	int rc = text_file_read(path, "settings", &text, &len, &why);

	*config = (struct config){ .origin = path };
	if (rc == -ENOENT || rc == -ENOTDIR || (rc == -EACCES && is_out_of_reach(path)))
		return 0;
	if (!rc)
		rc = config_parse(config, path, text, len, &why);
	return rc ? err_set(err, -rc, "%.400s" CONFIG_REMEDY, why.text) : 0;
}

void config_free(struct config *config)
{
	free(config->text);
	*config = (struct config){ 0 };
}

/* ---- putting it in place ---- */

/* One of the words that this option takes; those of some are checked only where they are used, without a line. */
static int check_word(const struct option_row *row, const char *value, struct err *err)
{
	const struct option_values *values = option_values_of(row->arg);
	char words[256] = "";
	size_t len = 0;

	if (!values || values->kind != OPTION_VALUES_WORDS || (values->path_too && strchr(value, '/')))
		return 0;
	if (values->list && strchr(value, ','))
		return values->list(value, err);
	for (size_t i = 0; values->word(i); i++) {
		if (strcmp(values->word(i), value) == 0)
			return 0;
		if (len < sizeof(words))
			len += (size_t)snprintf(words + len, sizeof(words) - len, " %s", values->word(i));
	}
	return err_set(err, EINVAL, "%s: there is no \"%.40s\"; there are:%s", row->name, value, words);
}

static int apply_setting(const struct config_setting *setting, struct options *o, struct err *err)
{
	const struct option_row *row = setting->row;
	int rc;

	if (!row->arg) {
		if (strcmp(setting->value, "yes") == 0)
			return option_row_set(row, o, NULL, err);
		return strcmp(setting->value, "no") == 0
			       ? 0
			       : err_set(err, EINVAL, "%s: \"%.40s\" is neither yes nor no", row->name, setting->value);
	}
	if (!*setting->value)
		return err_set(err, EINVAL, "%s: a value is missing", row->name);
	rc = check_word(row, setting->value, err);
	return rc ? rc : option_row_set(row, o, setting->value, err);
}

int config_apply(const struct config *config, struct options *o, struct err *err)
{
	for (size_t i = 0; i < config->nr; i++) {
		struct err why = ERR_NONE;

		if (apply_setting(&config->settings[i], o, &why))
			return err_set(err, EINVAL, "settings %s:%u: %.300s" CONFIG_REMEDY, config->origin,
				       config->settings[i].line, why.text);
	}
	return 0;
}

/* ---- writing ---- */

void config_print(FILE *out, const struct options *o)
{
	const struct options normal = options_default();
	char value[VALUE_SIZE], usual[VALUE_SIZE];

	fputs("# Settings of damontop: options of its command line, one a line. \"man damontop\" explains each.\n",
	      out);
	for (size_t i = 0; i < NR_ALLOWED; i++) {
		if (!allowed[i].print(value, o))
			continue;
		if (!allowed[i].print(usual, &normal) || strcmp(value, usual) != 0)
			fprintf(out, "%s = %s\n", allowed[i].name, value);
	}
}

/* Makes the directories above path. What cannot be made shows when the file is written. */
static void make_directories(const char *path)
{
	char dir[TEXT_FILE_PATH_SIZE];

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(dir, 0700);
		*slash = '/';
	}
}

static int keep_old(const char *path, struct err *err)
{
	char old[TEXT_FILE_PATH_SIZE + 4];

	snprintf(old, sizeof(old), "%s.old", path);
	if (unlink(old) && errno != ENOENT)
		return err_set(err, errno, "%s: %s", old, strerror(errno));
	/* some file systems have no links */
	if (link(path, old) && errno != ENOENT && rename(path, old))
		return err_set(err, errno, "cannot keep %s as %s: %s", path, old, strerror(errno));
	return 0;
}

int config_save(const char *path, const struct options *options, struct err *err)
{
	char tmp[TEXT_FILE_PATH_SIZE], real[TEXT_FILE_PATH_SIZE];
	FILE *out;
	int rc;

	make_directories(path);
	if (!realpath(path, real))
		snprintf(real, sizeof(real), "%s", path);
	rc = text_file_begin(real, tmp, &out, err);
	if (rc)
		return rc;
	config_print(out, options);
	rc = keep_old(real, err);
	if (rc)
		text_file_abandon(tmp, out);
	else
		rc = text_file_end(real, tmp, out, err);
	return rc;
}
