/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Screens as they should look, in tests/golden: the synthetic server at several
 * sizes, depths and overlays. GOLDEN=update writes them anew; look at what
 * changed (git diff, or cat them in a terminal) before you keep it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/record.h"
#include "collector/recording.h"
#include "tests/unit/file_tree.h"
#include "tests/unit/screen_dump.h"
#include "tests/unit/screen_fixture.h"

struct golden {
	const char *name;
	enum color_depth depth;
	bool ascii;
	int rows, cols;
	enum heat_unit unit;
	unsigned seconds;
	const char *keys;
};

static const struct golden goldens[] = {
	{ "cursor-160x44-mono", COLOR_DEPTH_MONO, false, 44, 160, HEAT_FRACTION, 90, "/heap<enter><left><left>" },
	{ "inspector-120x40-mono", COLOR_DEPTH_MONO, false, 40, 120, HEAT_TIME, 90, "" },
	{ "zoomed-160x44-mono", COLOR_DEPTH_MONO, false, 44, 160, HEAT_FRACTION, 90, "/7f<esc>nnz++t" },
	{ "frozen-80x24-mono", COLOR_DEPTH_MONO, false, 24, 80, HEAT_FRACTION, 90, "<pgup>" },
	{ "young-80x24-true", COLOR_DEPTH_TRUE, false, 24, 80, HEAT_FRACTION, 12, "" },
	{ "help-80x24-mono", COLOR_DEPTH_MONO, false, 24, 80, HEAT_FRACTION, 9, "?" },
	{ "help-200x30-mono", COLOR_DEPTH_MONO, false, 30, 200, HEAT_FRACTION, 9, "?" },
	{ "settings-100x24-mono", COLOR_DEPTH_MONO, false, 24, 100, HEAT_FRACTION, 9, "i5s<enter>" },
	{ "pending-80x24-mono", COLOR_DEPTH_MONO, false, 24, 80, HEAT_FRACTION, 9, "aaG" },
	{ "log-80x24-ascii", COLOR_DEPTH_MONO, true, 24, 80, HEAT_RATE, 90, "cc" },
	{ "empty-80x24-mono", COLOR_DEPTH_MONO, false, 24, 80, HEAT_FRACTION, 0, "" },
	{ "hot-80x24-mono", COLOR_DEPTH_MONO, false, 24, 80, HEAT_FRACTION, 90, "h<down><down>" },
	{ "hot-160x44-true", COLOR_DEPTH_TRUE, false, 44, 160, HEAT_RATE, 90, "ho" },
	{ "mappings-120x30-mono", COLOR_DEPTH_MONO, false, 30, 120, HEAT_TIME, 90, "M" },
	{ "wss-80x24-mono", COLOR_DEPTH_MONO, false, 24, 80, HEAT_FRACTION, 90, "w" },
	{ "wss-120x30-mono", COLOR_DEPTH_MONO, false, 30, 120, HEAT_FRACTION, 90, "w<left><left>" },
	{ "distribution-80x24-ascii", COLOR_DEPTH_MONO, true, 24, 80, HEAT_TIME, 90, "d" },
	{ "source-100x30-mono", COLOR_DEPTH_MONO, false, 30, 100, HEAT_TIME, 90, "s" },
	{ "numbers-120x30-mono", COLOR_DEPTH_MONO, false, 30, 120, HEAT_FRACTION, 90, "#" },
	{ "numbers-120x30-true", COLOR_DEPTH_TRUE, false, 30, 120, HEAT_TIME, 90, "#/heap<enter><left>" },
	{ "line-80x1-mono", COLOR_DEPTH_MONO, false, 1, 80, HEAT_FRACTION, 9, "" },
};
#define NR_GOLDENS (sizeof(goldens) / sizeof(*goldens))

/* Two sources side by side: checks above, time below. */
static const struct golden panes[] = {
	{ "panes-80x24-mono", COLOR_DEPTH_MONO, false, 24, 80, HEAT_FRACTION, 90, "" },
	{ "panes-200x60-mono", COLOR_DEPTH_MONO, false, 60, 200, HEAT_FRACTION, 90, "\\/heap<enter><left>" },
	{ "panes-200x60-true", COLOR_DEPTH_TRUE, false, 60, 200, HEAT_FRACTION, 90, "" },
};
#define NR_PANES (sizeof(panes) / sizeof(*panes))

/* With its children. */
static const struct golden families[] = {
	{ "family-120x50-mono", COLOR_DEPTH_MONO, false, 50, 120, HEAT_FRACTION, 50, "" },
	{ "family-160x44-true", COLOR_DEPTH_TRUE, false, 44, 160, HEAT_TIME, 90, "/aof<enter><down><down>" },
	{ "family-80x24-mono", COLOR_DEPTH_MONO, false, 24, 80, HEAT_FRACTION, 90, "" },
	{ "family-80x10-ascii", COLOR_DEPTH_MONO, true, 10, 80, HEAT_FRACTION, 90, "" },
	{ "family-hot-120x30-mono", COLOR_DEPTH_MONO, false, 30, 120, HEAT_TIME, 90, "h" },
	{ "family-mappings-100x30-mono", COLOR_DEPTH_MONO, false, 30, 100, HEAT_TIME, 90, "M" },
};
#define NR_FAMILIES (sizeof(families) / sizeof(*families))

/* And every overlay at every depth and size. */
static const struct {
	const char *name;
	enum color_depth depth;
	bool ascii;
} looks[] = {
	{ "true", COLOR_DEPTH_TRUE, false }, { "256", COLOR_DEPTH_256, false },	  { "16", COLOR_DEPTH_16, false },
	{ "mono", COLOR_DEPTH_MONO, false }, { "ascii", COLOR_DEPTH_MONO, true },
};
static const int sizes[][2] = { { 24, 80 }, { 60, 200 }, { 12, 40 } };
#define NR_LOOKS    (sizeof(looks) / sizeof(*looks))
#define NR_SIZES    (sizeof(sizes) / sizeof(*sizes))
#define NR_OVERLAYS 8
#define NR_MATRIX   (NR_LOOKS * NR_SIZES * NR_OVERLAYS)

/* Element i of the matrix; name is the caller's room for its name. */
static struct golden matrix_element(size_t i, char name[64])
{
	static const char *const keys[NR_OVERLAYS] = { "1", "2", "3", "4", "5", "6", "7", "8" };
	size_t overlay = i / (NR_LOOKS * NR_SIZES), size = i / NR_LOOKS % NR_SIZES, look = i % NR_LOOKS;

	snprintf(name, 64, "%s-%dx%d-%s", app_overlay_name(overlay), sizes[size][1], sizes[size][0], looks[look].name);
	return (struct golden){
		.name = name,
		.depth = looks[look].depth,
		.ascii = looks[look].ascii,
		.rows = sizes[size][0],
		.cols = sizes[size][1],
		.unit = overlay == 5 ? HEAT_RATE : HEAT_TIME, /* latency: of a source that tells */
		.seconds = 150,
		.keys = keys[overlay],
	};
}

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text;
	size_t len;

	if (!f)
		return strdup("");
	text = calloc(1, 1 << 20);
	len = fread(text, 1, (1 << 20) - 1, f);
	text[len] = '\0';
	fclose(f);
	return text;
}

static void write_all(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void set_beside(struct app_config *config)
{
	config->side_by_side = true;
}

/* The painted screen as text. */
static char *picture(struct screen *s, const struct golden *g)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	app_paint(s->app, &s->grid);
	assert_int_equal(term_text_write(out, &s->grid, &s->config.look, g->depth != COLOR_DEPTH_MONO), 0);
	fclose(out);
	return text;
}

enum played { ALONE, BESIDE, FAMILY };

static char *dump(const struct golden *g, enum played played)
{
	struct screen s;
	char *text;

	screen_open(&s, g->depth, g->ascii, g->rows, g->cols, played == BESIDE ? set_beside : NULL);
	if (played == BESIDE)
		screen_play_two(&s, 0, g->seconds, 300);
	else if (played == FAMILY)
		screen_play_family(&s, g->seconds, 300, g->unit);
	else
		screen_play(&s, g->seconds, 300, g->unit);
	screen_keys(&s, g->keys);
	text = picture(&s, g);
	screen_close(&s);
	return text;
}

/* Prints the first line that differs. */
static void show_difference(const char *name, const char *wanted, const char *is)
{
	size_t line = 1, i, start = 0;

	for (i = 0; wanted[i] && wanted[i] == is[i]; i++)
		if (wanted[i] == '\n') {
			line++;
			start = i + 1;
		}
	print_error("%s: line %zu\n  wanted: %.*s\n  is:     %.*s\n", name, line, (int)strcspn(wanted + start, "\n"),
		    wanted + start, (int)strcspn(is + start, "\n"), is + start);
}

/* Takes over what it is. may_update: GOLDEN=update writes it anew. */
static void compare(const struct golden *g, char *is, bool may_update)
{
	const char *mode = getenv("GOLDEN");
	char path[256], *wanted;
	bool same;

	snprintf(path, sizeof(path), "tests/golden/%s.txt", g->name);
	if (may_update && mode && !strcmp(mode, "update"))
		write_all(path, is);
	wanted = read_all(path);
	same = !strcmp(wanted, is);
	if (!same)
		show_difference(g->name, wanted, is);
	free(wanted);
	free(is);
	assert_true(same);
}

static void test_golden(void **state)
{
	compare(*state, dump(*state, ALONE), true);
}

/* ---- the same from a recording ---- */

#define RECORDED_SECONDS 150

static void make_recording(const char *path, enum heat_unit unit)
{
	struct mappings *maps = fixture_server_maps();
	struct record *record;

	assert_int_equal(record_open(&record, path, 0, NULL), 0);
	for (unsigned i = 0; i < RECORDED_SECONDS; i++) {
		struct snapshot *snap = fixture_server(maps, i, 300, unit);

		assert_int_equal(record_add(record, snap, NULL), 0);
		snapshot_free(snap);
	}
	assert_int_equal(record_close(record, NULL), 0);
	mappings_put(maps);
}

static char *dump_recording(const struct golden *g, const char *path)
{
	const struct attrs attrs = attrs_default();
	struct err err = ERR_NONE;
	struct recording *recording;
	struct snapshot *snap;
	struct screen s;
	char *text;

	screen_open(&s, g->depth, g->ascii, g->rows, g->cols, NULL);
	assert_int_equal(recording_open(&recording, path, 0, &attrs, &err), 0);
	while (recording_next(recording, &snap, &err) == 1)
		screen_push(&s, snap);
	assert_int_equal(err.code, 0);
	recording_close(recording);
	app_paint(s.app, &s.grid);
	screen_keys(&s, g->keys);
	text = picture(&s, g);
	screen_close(&s);
	return text;
}

/* What is recorded loses nothing that a screen shows: each overlay at each size, played from a file, is as it was live.
 */
static void test_recording(void **state)
{
	struct file_tree tree;
	char paths[2][96], name[64];
	static const enum heat_unit units[] = { HEAT_TIME, HEAT_RATE };

	(void)state;
	file_tree_new(&tree);
	for (size_t u = 0; u < 2; u++) {
		snprintf(paths[u], sizeof(paths[u]), "%s/%zu.rec", tree.root, u);
		make_recording(paths[u], units[u]);
	}
	for (size_t i = 0; i < NR_MATRIX; i += NR_LOOKS) {
		struct golden g = matrix_element(i, name);

		compare(&g, dump_recording(&g, paths[g.unit == HEAT_RATE]), false);
	}
	file_tree_free(&tree);
}

static void test_panes(void **state)
{
	compare(*state, dump(*state, BESIDE), true);
}

static void test_family(void **state)
{
	compare(*state, dump(*state, FAMILY), true);
}

int main(void)
{
	static struct CMUnitTest tests[NR_GOLDENS + NR_MATRIX + NR_PANES + NR_FAMILIES + 1];
	static struct golden matrix[NR_MATRIX];
	static char names[NR_MATRIX][64];
	size_t i;

	for (i = 0; i < NR_GOLDENS; i++)
		tests[i] = (struct CMUnitTest){ .name = goldens[i].name,
						.test_func = test_golden,
						.initial_state = (void *)(uintptr_t)&goldens[i] };
	for (i = 0; i < NR_MATRIX; i++) {
		matrix[i] = matrix_element(i, names[i]);
		tests[NR_GOLDENS + i] =
			(struct CMUnitTest){ .name = names[i], .test_func = test_golden, .initial_state = &matrix[i] };
	}
	for (i = 0; i < NR_PANES; i++)
		tests[NR_GOLDENS + NR_MATRIX + i] = (struct CMUnitTest){
			.name = panes[i].name, .test_func = test_panes, .initial_state = (void *)(uintptr_t)&panes[i]
		};
	for (i = 0; i < NR_FAMILIES; i++)
		tests[NR_GOLDENS + NR_MATRIX + NR_PANES + i] =
			(struct CMUnitTest){ .name = families[i].name,
					     .test_func = test_family,
					     .initial_state = (void *)(uintptr_t)&families[i] };
	tests[NR_GOLDENS + NR_MATRIX + NR_PANES + NR_FAMILIES] = (struct CMUnitTest)cmocka_unit_test(test_recording);
	return _cmocka_run_group_tests("golden", tests, sizeof(tests) / sizeof(*tests), NULL, NULL);
}
