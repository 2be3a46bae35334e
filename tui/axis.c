/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/axis.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/report.h"
#include "collector/space.h"
#include "tui/axis_runs.h"

struct build {
	const struct mappings *maps;
	const struct axis_options *options;
	struct axis_runs runs;
	size_t nr_lines; /* without the heads of processes */
	size_t nr_heads; /* 0: there are none, and names say whose they are */
	size_t nr_gaps;	 /* gap lines granted */
	uint64_t min_gap;
	uint64_t *cuts; /* room for the rows of a run */
	struct claim *claims;
};

/* What a run gets of the lines. */
struct claim {
	double weight;
	size_t nr_lines;
};

bool axis_shows(const struct mapping *m)
{
	return (m->perms & (MAPPING_READ | MAPPING_WRITE | MAPPING_EXEC)) && m->start < SPACE_KERNEL_HALF;
}

enum axis_what axis_what_of(const struct mapping *m)
{
	switch (m->kind) {
	case MAPPING_HEAP:
		return AXIS_HEAP;
	case MAPPING_STACK:
		return AXIS_STACK;
	case MAPPING_ANON:
	case MAPPING_ZONE:
		return AXIS_ANON;
	case MAPPING_SHM:
		return AXIS_SHARED;
	case MAPPING_FILE:
		return m->perms & MAPPING_EXEC ? AXIS_CODE : AXIS_FILE;
	default:
		return AXIS_CODE;
	}
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t axis_mapped_bytes(const struct mappings *maps, uint64_t start, uint64_t end)
{
	const struct mapping *m = mappings_from(maps, start);
	uint64_t sum = 0;

	for (; m && m < maps->v + maps->nr && m->start < end; m++)
		if (axis_shows(m))
			sum += earlier(m->end, end) - later(m->start, start);
	return sum;
}

/* Is this run of another process than the one before it? */
static bool begins_process(const struct build *b, size_t run)
{
	return !run || space_of(b->runs.v[run].start) != space_of(b->runs.v[run - 1].end - 1);
}

static uint64_t gap_after(const struct build *b, size_t run)
{
	if (run + 1 == b->runs.nr || begins_process(b, run + 1))
		return 0;
	return b->runs.v[run + 1].start - b->runs.v[run].end;
}

static int compare_u64_falling(const void *va, const void *vb)
{
	uint64_t a = *(const uint64_t *)va, b = *(const uint64_t *)vb;

	return (a < b) - (a > b);
}

/* Grants a line to the largest gaps, at most max; the smallest that gets one is min_gap. */
static int choose_gaps(struct build *b, size_t max)
{
	uint64_t *gaps = malloc(b->runs.nr * sizeof(*gaps));
	size_t i, n = 0;

	if (!gaps)
		return -ENOMEM;
	for (i = 0; i + 1 < b->runs.nr; i++)
		if (gap_after(b, i) >= AXIS_MIN_GAP_BYTES)
			gaps[n++] = gap_after(b, i);
	qsort(gaps, n, sizeof(*gaps), compare_u64_falling);
	/* equal gaps are granted together or not at all, so that the choice needs no order among them */
	while (n > max) {
		uint64_t v = gaps[n - 1];

		while (n && gaps[n - 1] == v)
			n--;
	}
	b->nr_gaps = n;
	b->min_gap = n ? gaps[n - 1] : UINT64_MAX;
	free(gaps);
	return 0;
}

/* In quarter octaves, so that a growing heap does not move the axis at each step. */
static double weight_of(uint64_t bytes, enum axis_share share)
{
	double quarters = ceil(log2((double)bytes / (double)PAGE_BYTES + 1) * 4);

	switch (share) {
	case AXIS_SHARE_BYTES:
	case AXIS_SHARE_RESIDENT:
		return exp2(quarters / 4);
	case AXIS_SHARE_EQUAL:
		return 1;
	default:
		return exp2(quarters / 8);
	}
}

static bool by_residence(const struct axis_options *options)
{
	return options->share == AXIS_SHARE_RESIDENT && options->parts && options->parts->resident_known;
}

/* What a run claims lines by. *at: the part that its first segment may reach. */
static uint64_t claim_of(const struct build *b, const struct axis_run *run, size_t *at)
{
	double sum = 0;
	size_t i;

	if (!by_residence(b->options))
		return run->bytes;
	for (i = run->first; i < run->first + run->nr; i++)
		sum += axis_parts_weight(b->options->parts, at, b->runs.segs[i].start, b->runs.segs[i].end);
	return (uint64_t)sum;
}

static size_t max_lines(const struct build *b, const struct axis_run *run)
{
	uint64_t rows = (run->bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	size_t cap = b->nr_lines * 2 / 3;

	if (b->runs.nr == 1 || !cap || b->options->share == AXIS_SHARE_BYTES ||
	    b->options->share == AXIS_SHARE_RESIDENT)
		cap = b->nr_lines;
	rows = (rows + b->options->per_line - 1) / b->options->per_line;
	return rows < cap ? (size_t)rows : cap;
}

/* A line each, then one at a time to the run with the most weight a line it would have: the divisor method of Hill. */
static int share_lines(struct build *b)
{
	size_t i, spare = b->nr_lines - b->nr_gaps - b->runs.nr, at = 0;

	b->claims = calloc(b->runs.nr, sizeof(*b->claims));
	if (!b->claims)
		return -ENOMEM;
	for (i = 0; i < b->runs.nr; i++) {
		double weight = weight_of(claim_of(b, &b->runs.v[i], &at), b->options->share);

		b->claims[i] = (struct claim){ .nr_lines = 1, .weight = weight };
	}
	while (spare) {
		double best = 0;
		struct claim *to = NULL;

		for (i = 0; i < b->runs.nr; i++) {
			struct claim *claim = &b->claims[i];
			double a_line = claim->weight / (double)claim->nr_lines;

			if (a_line > best && claim->nr_lines < max_lines(b, &b->runs.v[i])) {
				best = a_line;
				to = claim;
			}
		}
		if (!to)
			break;
		to->nr_lines++;
		spare--;
	}
	return 0;
}

/* How many processes have a part of the run. */
static size_t nr_processes_of(const struct build *b, const struct axis_run *run)
{
	size_t i, nr = 0;

	for (i = 0; i < b->maps->nr_processes; i++)
		nr += b->maps->processes[i].space >= space_of(run->start) &&
		      b->maps->processes[i].space <= space_of(run->end - 1);
	return nr;
}

static void name_group(const struct build *b, const struct axis_run *run, struct axis_group *group)
{
	const struct mappings_process *process = b->nr_heads ? NULL : mappings_process_of(b->maps, run->start);
	char short_name[MAPPINGS_SHORT_NAME_SIZE];
	const char *name = mappings_short_name(short_name, b->maps, &b->maps->v[run->largest]);
	char owner[16] = "", more[16] = "";
	size_t nr = nr_processes_of(b, run);

	group->nr_names = run->nr_names;
	if (process && nr > 1) {
		snprintf(group->name, sizeof(group->name), "%d +%zu processes", (int)process->pid, nr - 1);
		return;
	}
	if (process && b->maps->nr_processes > 1)
		snprintf(owner, sizeof(owner), "%d ", (int)process->pid);
	if (run->nr_names > 1)
		snprintf(more, sizeof(more), " +%u", run->nr_names - 1);
	snprintf(group->name, sizeof(group->name), "%s%.*s%s", owner, run->nr_names > 1 ? 40 : 63, name, more);
}

/* Part of a row is bytes of this segment: the largest part says what the row is. */
static void add_part(const struct build *b, struct axis_row *row, uint64_t *most, const struct axis_segment *seg,
		     uint64_t bytes)
{
	if (bytes <= *most)
		return;
	*most = bytes;
	row->what = (uint8_t)axis_what_of(&b->maps->v[seg->mapping]);
}

/* Goes along the weight of a run. */
struct cutter {
	const struct build *b;
	const struct axis_run *run;
	size_t seg, part;   /* where it is: in this segment of the build, and the part that it may reach */
	uint64_t done;	    /* mapped bytes of the run before that segment */
	double weight_done; /* of them */
};

/* Of the first pages of the segment. */
static double weight_of_pages(struct cutter *c, uint64_t pages)
{
	const struct axis_segment *seg = &c->b->runs.segs[c->seg];

	return axis_parts_weight(c->b->options->parts, &c->part, seg->start,
				 earlier(seg->start + pages * PAGE_BYTES, seg->end));
}

static uint64_t pages_of_segment(const struct cutter *c)
{
	const struct axis_segment *seg = &c->b->runs.segs[c->seg];

	return (seg->end - seg->start + PAGE_BYTES - 1) / PAGE_BYTES;
}

/* Mapped bytes of the run up to where its weight reaches the target; targets rise from call to call. */
static uint64_t cut_at(struct cutter *c, double target)
{
	uint64_t low = 0, high;
	double all;

	while (c->seg + 1 < c->run->first + c->run->nr &&
	       c->weight_done + (all = weight_of_pages(c, pages_of_segment(c))) < target) {
		c->weight_done += all;
		c->done += c->b->runs.segs[c->seg].end - c->b->runs.segs[c->seg].start;
		c->seg++;
	}
	high = pages_of_segment(c);
	/* the weight up to a page rises with the page */
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (c->weight_done + weight_of_pages(c, mid) < target)
			low = mid + 1;
		else
			high = mid;
	}
	return earlier(c->done + low * PAGE_BYTES, c->run->bytes);
}

/* Pages of a run up to the end of each of its rows: equal parts of what it claims lines by, at least a page each. */
static void cut_rows(const struct build *b, const struct axis_run *run, uint64_t *upto, uint64_t nr_rows)
{
	uint64_t pages = (run->bytes + PAGE_BYTES - 1) / PAGE_BYTES, r;
	struct cutter c = { .b = b, .run = run, .seg = run->first };
	size_t at = 0;
	double all;

	if (by_residence(b->options) && pages >= nr_rows) {
		all = (double)claim_of(b, run, &at);
		for (r = 0; r < nr_rows; r++) {
			upto[r] = (cut_at(&c, all * (double)(r + 1) / (double)nr_rows) + PAGE_BYTES - 1) / PAGE_BYTES;
			upto[r] = later(upto[r], r ? upto[r - 1] + 1 : 1);
			upto[r] = earlier(upto[r], pages - (nr_rows - 1 - r));
		}
		upto[nr_rows - 1] = pages;
		return;
	}
	/* rounded up: the first rows are never empty */
	for (r = 0; r < nr_rows; r++)
		upto[r] = (uint64_t)(((unsigned __int128)pages * (r + 1) + nr_rows - 1) / nr_rows);
}

/* Of several processes: whose a run is; 0: of more than one. */
static uint64_t owner_of(const struct build *b, const struct axis_run *run)
{
	const struct mappings_process *process = mappings_process_of(b->maps, run->start);

	return process && space_of(run->end - 1) == process->space ? mappings_process_key(process) : 0;
}

static void emit_head(const struct build *b, struct axis *axis, const struct axis_run *run)
{
	for (unsigned i = 0; i < b->options->per_line; i++)
		axis->rows[axis->nr_rows++] = (struct axis_row){
			.type = AXIS_ROW_PROCESS, .start = run->start, .end = run->start, .owner = owner_of(b, run)
		};
}

/* Rows of one run, on page boundaries. */
static void emit_run(const struct build *b, struct axis *axis, size_t index)
{
	const struct axis_run *run = &b->runs.v[index];
	uint64_t nr_rows = b->claims[index].nr_lines * axis->per_line;
	uint64_t done = 0; /* bytes of the run before the segment */
	const struct axis_segment *seg = &b->runs.segs[run->first], *last = seg + run->nr - 1;
	uint64_t start = seg->start, owner = owner_of(b, run), r;

	cut_rows(b, run, b->cuts, nr_rows);
	for (r = 0; r < nr_rows; r++) {
		uint64_t upto = b->cuts[r] * PAGE_BYTES;
		struct axis_row *row = &axis->rows[axis->nr_rows++];
		uint64_t most = 0;

		upto = earlier(upto, run->bytes);
		*row = (struct axis_row){ .start = start, .end = start, .group = index, .first = !r, .owner = owner };
		row->what = (uint8_t)axis_what_of(&b->maps->v[seg->mapping]);
		while (done + (seg->end - seg->start) < upto && seg < last) {
			add_part(b, row, &most, seg, seg->end - later(seg->start, start));
			done += seg->end - seg->start;
			seg++;
		}
		row->end = seg->start + (upto - done);
		if (row->end < row->start)
			row->end = row->start;
		add_part(b, row, &most, seg, row->end - later(seg->start, start));
		start = row->end;
		if (start == seg->end && seg < last) {
			done += seg->end - seg->start;
			seg++;
			start = seg->start;
		}
	}
}

static bool gap_is_reserved(const struct build *b, uint64_t start, uint64_t end)
{
	const struct mapping *m = mappings_from(b->maps, start);
	uint64_t sum = 0;

	for (; m && m < b->maps->v + b->maps->nr && m->start < end; m++)
		sum += earlier(m->end, end) - later(m->start, start);
	return sum > (end - start) / 2;
}

static void emit_gap(const struct build *b, struct axis *axis, size_t run)
{
	struct axis_row row = { .type = AXIS_ROW_GAP, .start = b->runs.v[run].end, .end = b->runs.v[run + 1].start };
	unsigned i;

	row.reserved = gap_is_reserved(b, row.start, row.end);
	for (i = 0; i < axis->per_line; i++)
		axis->rows[axis->nr_rows++] = row;
}

struct ranked_line {
	double heat;
	size_t line;
};

static int compare_heat_falling(const void *va, const void *vb)
{
	const struct ranked_line *a = va, *b = vb;

	if (a->heat != b->heat)
		return a->heat < b->heat ? 1 : -1;
	return (a->line > b->line) - (a->line < b->line);
}

/* Which line is shown where: by address, or the hottest first. */
static int order_lines(struct axis *axis, const struct axis_options *options)
{
	size_t nr = axis->nr_rows / axis->per_line, i;
	struct ranked_line *ranked = calloc(nr + 1, sizeof(*ranked));

	axis->shown = calloc(nr + 1, sizeof(*axis->shown));
	axis->place = calloc(nr + 1, sizeof(*axis->place));
	if (!ranked || !axis->shown || !axis->place) {
		free(ranked);
		return -ENOMEM;
	}
	for (i = 0; i < nr; i++) {
		const struct axis_row *first = &axis->rows[i * axis->per_line], *last = first + axis->per_line - 1;

		ranked[i].line = i;
		if (options->share == AXIS_SHARE_HOTTEST && options->parts)
			ranked[i].heat = axis_parts_heat(options->parts, first->start, last->end);
	}
	qsort(ranked, nr, sizeof(*ranked), compare_heat_falling);
	for (i = 0; i < nr; i++) {
		axis->shown[i] = ranked[i].line;
		axis->place[ranked[i].line] = i;
	}
	free(ranked);
	return 0;
}

static int emit(struct build *b, struct axis *axis)
{
	size_t i;
	size_t max_rows = (size_t)b->options->nr_lines * b->options->per_line;

	axis->rows = calloc(max_rows, sizeof(*axis->rows));
	axis->groups = calloc(b->runs.nr, sizeof(*axis->groups));
	b->cuts = calloc(max_rows, sizeof(*b->cuts));
	if (!axis->rows || !axis->groups || !b->cuts)
		return -ENOMEM;
	axis->per_line = b->options->per_line;
	for (i = 0; i < b->runs.nr; i++) {
		const struct axis_run *run = &b->runs.v[i];

		axis->groups[i] = (struct axis_group){
			.start = run->start,
			.end = run->end,
			.bytes = run->bytes,
			.mapping = b->runs.segs[run->first].mapping,
			.nr_mappings = run->nr,
		};
		name_group(b, run, &axis->groups[i]);
		if (b->nr_heads && begins_process(b, i))
			emit_head(b, axis, run);
		emit_run(b, axis, i);
		if (gap_after(b, i) >= b->min_gap)
			emit_gap(b, axis, i);
	}
	axis->nr_groups = b->runs.nr;
	return order_lines(axis, b->options);
}

/* A line for the name of each process in view, where that leaves two for what it has. */
static size_t count_heads(const struct build *b)
{
	size_t i, nr = 0;

	if (b->maps->nr_processes < 2 || b->options->share == AXIS_SHARE_HOTTEST)
		return 0;
	for (i = 0; i < b->runs.nr; i++)
		nr += begins_process(b, i);
	return nr * 3 <= b->options->nr_lines ? nr : 0;
}

static int build(struct build *b, struct axis *axis)
{
	size_t max_runs, max_gaps;
	int ret = axis_runs_make(&b->runs, b->maps, b->options->start, b->options->end);

	if (ret || !b->runs.nr_segs)
		return ret;
	b->nr_heads = count_heads(b);
	b->nr_lines = b->options->nr_lines - b->nr_heads;
	max_gaps = b->nr_lines / 6;
	max_runs = later(b->nr_lines * 3 / 5, 1);
	ret = axis_runs_join(&b->runs, max_runs);
	if (b->options->share == AXIS_SHARE_HOTTEST)
		max_gaps = 0;
	if (!ret)
		ret = choose_gaps(b, earlier(max_gaps, b->nr_lines - b->runs.nr));
	if (!ret)
		ret = share_lines(b);
	return ret ? ret : emit(b, axis);
}

int axis_build(struct axis *axis, const struct mappings *maps, const struct axis_options *options)
{
	struct build b = { .maps = maps, .options = options };
	int ret = 0;

	axis_free(axis);
	axis->per_line = options->per_line;
	if (maps && options->nr_lines)
		ret = build(&b, axis);
	axis_runs_free(&b.runs);
	free(b.cuts);
	free(b.claims);
	if (ret)
		axis_free(axis);
	return ret;
}

void axis_free(struct axis *axis)
{
	free(axis->rows);
	free(axis->groups);
	free(axis->shown);
	free(axis->place);
	*axis = (struct axis){ 0 };
}

bool axis_options_equal(const struct axis_options *a, const struct axis_options *b)
{
	return a->start == b->start && a->end == b->end && a->nr_lines == b->nr_lines && a->per_line == b->per_line &&
	       a->share == b->share;
}

const char *axis_share_name(enum axis_share share)
{
	static const char *const names[AXIS_NR_SHARES] = {
		"the root of the mapped bytes", "the mapped bytes", "the resident bytes",
		"heat, the hottest first",	"equal parts",
	};

	return names[share];
}

const char *axis_share_word(size_t i)
{
	static const char *const words[AXIS_NR_SHARES] = { "root", "mapped", "resident", "hottest", "equal" };

	return i < AXIS_NR_SHARES ? words[i] : NULL;
}

size_t axis_display_of(const struct axis *axis, size_t row)
{
	return row < axis->nr_rows ? axis->place[row / axis->per_line] * axis->per_line + row % axis->per_line : row;
}

size_t axis_row_at(const struct axis *axis, size_t display)
{
	return display < axis->nr_rows
		       ? axis->shown[display / axis->per_line] * axis->per_line + display % axis->per_line
		       : display;
}

bool axis_equal(const struct axis *a, const struct axis *b)
{
	size_t i;

	if (a->nr_rows != b->nr_rows || a->per_line != b->per_line)
		return false;
	for (i = 0; i < a->nr_rows; i++)
		if (a->rows[i].type != b->rows[i].type || a->rows[i].start != b->rows[i].start ||
		    a->rows[i].end != b->rows[i].end || a->rows[i].owner != b->rows[i].owner)
			return false;
	return true;
}

bool axis_row_is_of(const struct axis_row *row, const struct mappings *maps)
{
	unsigned space = space_of(row->start);
	const struct mappings_process *process;

	/* the process that was asked for keeps its number, also where nobody is named */
	if (!row->owner || !space)
		return true;
	process = mappings_process_of(maps, row->start);
	return process && mappings_process_key(process) == row->owner;
}

size_t axis_row_of(const struct axis *axis, uint64_t addr)
{
	size_t i, best = axis->nr_rows;

	for (i = 0; i < axis->nr_rows; i++) {
		const struct axis_row *row = &axis->rows[i];

		if (row->type != AXIS_ROW_MAPPED || row->start == row->end)
			continue;
		if (best < axis->nr_rows && row->start > addr)
			break;
		best = i;
		if (addr < row->end)
			break;
	}
	return best;
}
