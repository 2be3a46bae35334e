/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf.data with data addresses (perf mem record, perf record -d): samples become reports, in the order of their time,
 * and regions are made of them as of those of a live source. Either byte order, as a file or as a pipe wrote it.
 *
 * perf writes the rings of its CPUs in rounds: what is older than the newest event of the round before is complete when
 * a round ends, and is sorted then.
 */
#include <byteswap.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/aggregate.h"
#include "collector/array.h"
#include "collector/clock.h"
#include "collector/perf_file.h"
#include "collector/perf_maps.h"
#include "collector/perf_processes.h"
#include "collector/perf_report.h"
#include "collector/perf_tasks.h"
#include "collector/recording_internal.h"
#include "collector/source.h"
#include "collector/text.h"

#define MAX_PENDING (1u << 17) /* reports of two rounds */
#define MAX_GAP	    1000       /* empty snapshots in a row; a longer pause is skipped */

struct reader {
	struct perf_file file;
	pid_t pid; /* 0: not chosen yet */
	char comm[TARGET_COMM_SIZE];
	const struct perf_processes *all;      /* of the whole file; NULL: not known */
	struct perf_processes seen;	       /* ... then those of what has been read */
	pid_t lineage[PERF_PROCESSES_LINEAGE]; /* pid, and by whom it was forked */
	size_t nr_lineage;		       /* of which the last is the one whose mappings count now */
	uint64_t nr_other_samples, nr_timeless, nr_malformed;
	uint64_t nr_lost,
		nr_lost_samples; /* as the kernel says it, and as perf record does at its end: the same ones */
	struct perf_maps maps;
	bool fresh, at_end;
	/* reports: [0, nr_ready) are in order, and nothing older comes; from done on they are not used yet */
	struct report *v;
	size_t nr, cap, nr_ready, done;
	uint64_t round_max_ns, last_round_max_ns;
	struct perf_tasks tasks;
	/* aggregation */
	bool has_agg;
	struct aggregate agg;
	uint64_t begin_ns, seq, counted_reports, counted_lost, counted_malformed, nr_reports;
};

/* ---- opening ---- */

/* From now on it is this one. */
static void choose(struct reader *rd, pid_t pid)
{
	const struct perf_processes *ps = rd->all ? rd->all : &rd->seen;

	rd->pid = pid;
	rd->nr_lineage = perf_processes_lineage(ps, pid, rd->lineage, PERF_PROCESSES_LINEAGE);
}

static int choose_of_all(struct recording *r, struct reader *rd, struct err *err)
{
	size_t nr_with_samples;
	const struct perf_process *most = perf_processes_most(rd->all, &nr_with_samples), *p = most;
	char text[512];

	if (r->pid) {
		p = perf_processes_find(rd->all, r->pid);
		perf_processes_text(rd->all, text, sizeof(text));
		if (most && (!p || !p->nr_samples))
			return err_set(err, ENOENT, "perf.data has no data addresses of process %d. It has those of %s",
				       (int)r->pid, text);
	}
	if (!p)
		return 0; /* the end says what is missing */
	choose(rd, p->pid);
	return 0;
}

static int perf_open(struct recording *r, struct err *err)
{
	struct reader *rd = calloc(1, sizeof(*rd));
	int rc;

	r->format_data = rd;
	if (!rd)
		return err_set(err, ENOMEM, "no memory to read perf.data");
	snprintf(rd->comm, sizeof(rd->comm), "%s", r->comm);
	rd->all = r->survey;
	rc = perf_file_open(&rd->file, recording_read, r, err);
	if (rc)
		return rc;
	if (rd->all)
		return choose_of_all(r, rd, err);
	if (r->pid)
		choose(rd, r->pid);
	return 0;
}

static void perf_close(struct recording *r)
{
	struct reader *rd = r->format_data;

	if (!rd)
		return;
	if (rd->has_agg)
		aggregate_free(&rd->agg);
	perf_tasks_free(&rd->tasks);
	perf_maps_free(&rd->maps);
	perf_processes_free(&rd->seen);
	perf_file_close(&rd->file);
	free(rd->v);
	free(rd);
}

/* ---- samples ---- */

static uint64_t count_of(const struct perf_event_attr *attr, const struct perf_sample *s)
{
	if (s->have & PERF_SAMPLE_PERIOD && s->period)
		return s->period < UINT32_MAX ? s->period : UINT32_MAX;
	return attr->freq || !attr->sample_period ? 1
	       : attr->sample_period < UINT32_MAX ? attr->sample_period
						  : UINT32_MAX;
}

enum sample_kind { SAMPLE_MALFORMED, SAMPLE_WITHOUT, SAMPLE_TIMELESS, SAMPLE_GOOD };

static enum sample_kind parse_sample(struct perf_file *f, struct perf_sample *s, struct report *report)
{
	const struct perf_event_attr *attr = perf_file_sample(f, s);

	if (!attr)
		return SAMPLE_MALFORMED;
	/* always "not available" of these, and the address is right all the same */
	if (attr->type == PERF_TYPE_SOFTWARE)
		s->have &= ~(uint64_t)PERF_SAMPLE_DATA_SRC;
	if (!perf_report(s, count_of(attr, s), report))
		return SAMPLE_WITHOUT;
	return s->have & PERF_SAMPLE_TIME ? SAMPLE_GOOD : SAMPLE_TIMELESS;
}

/* 0 or -ENOMEM. There are never more than MAX_PENDING. */
static int add_report(struct reader *rd, const struct report *report)
{
	struct report *v = array_grow(rd->v, &rd->cap, rd->nr + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	rd->v = v;
	v[rd->nr++] = *report;
	return 0;
}

/* 0 or -ENOMEM. */
static int take_sample(struct reader *rd)
{
	struct report report;
	struct perf_sample s;
	enum sample_kind kind = parse_sample(&rd->file, &s, &report);

	rd->nr_malformed += kind == SAMPLE_MALFORMED;
	rd->nr_timeless += kind == SAMPLE_TIMELESS;
	if (kind != SAMPLE_GOOD)
		return 0;
	if (s.have & PERF_SAMPLE_TID) {
		if (!rd->all)
			perf_processes_sample(&rd->seen, (pid_t)s.pid);
		if (!rd->pid)
			choose(rd, (pid_t)s.pid);
		if ((pid_t)s.pid != rd->pid) {
			rd->nr_other_samples++;
			return 0;
		}
	}
	if (s.time > rd->round_max_ns)
		rd->round_max_ns = s.time;
	return add_report(rd, &report);
}

/* ---- mappings, names, forks ---- */

static bool is_relative(const struct reader *rd, uint32_t pid)
{
	for (size_t i = 0; i < rd->nr_lineage; i++)
		if (rd->lineage[i] == (pid_t)pid)
			return true;
	return !rd->pid; /* who it will be is not known yet */
}

/* The one whose mappings and name are the target's at this moment. */
static pid_t current(const struct reader *rd)
{
	return rd->nr_lineage ? rd->lineage[rd->nr_lineage - 1] : rd->pid;
}

static void use_comm(struct reader *rd, const struct perf_event_header *rec, uint32_t pid, uint32_t tid)
{
	const char *name = (const char *)(rec + 1) + 8;

	if ((pid_t)pid != current(rd) || rec->size < sizeof(*rec) + 16)
		return;
	if (pid == tid) /* the first thread's name is the process' */
		text_clean(rd->comm, sizeof(rd->comm), name, strnlen(name, rec->size - sizeof(*rec) - 8));
	if (rec->misc & PERF_RECORD_MISC_COMM_EXEC) {
		perf_maps_clear(&rd->maps);
		rd->fresh = true;
	}
}

/* 0 or -ENOMEM. */
static int use_task(struct reader *rd, const struct perf_event_header *rec)
{
	uint32_t ids[2];

	if (rec->size < sizeof(*rec) + 8)
		return 0;
	memcpy(ids, rec + 1, sizeof(ids));
	if (rd->file.swapped) {
		ids[0] = bswap_32(ids[0]);
		ids[1] = bswap_32(ids[1]);
	}
	switch (rec->type) {
	case PERF_RECORD_COMM:
		use_comm(rd, rec, ids[0], ids[1]);
		return 0;
	case PERF_RECORD_FORK: /* the child has its parent's mappings, and goes its own way from here */
		if (rd->nr_lineage > 1 && (pid_t)ids[1] == current(rd) &&
		    (pid_t)ids[0] == rd->lineage[rd->nr_lineage - 2])
			rd->nr_lineage--;
		return 0;
	default:
		return perf_maps_add(&rd->maps, rec, rd->file.swapped, current(rd));
	}
}

/* Those up to until_ns, of sorted ones. 0 or -ENOMEM. */
static int use_tasks(struct reader *rd, uint64_t until_ns)
{
	struct perf_event_header *rec;
	int rc = 0;

	while (!rc && (rec = perf_tasks_take(&rd->tasks, until_ns))) {
		rc = use_task(rd, rec);
		free(rec);
	}
	return rc;
}

/* Of too many in one round the older half is as good as in order; as long as nobody is chosen, more are left out. */
static int keep_task(struct reader *rd)
{
	const struct perf_event_header *rec = perf_file_record(&rd->file);
	int rc;

	if (!rd->all)
		perf_processes_record(&rd->seen, &rd->file);
	if (!is_relative(rd, perf_file_u32(&rd->file, 1, 0)))
		return 0;
	rc = perf_tasks_add(&rd->tasks, rec, perf_file_time_ns(&rd->file));
	if (rc != -ENOSPC || !rd->pid)
		return rc == -ENOSPC ? 0 : rc;
	perf_tasks_sort(&rd->tasks);
	rc = use_tasks(rd, perf_tasks_median_ns(&rd->tasks));
	return rc ? rc : perf_tasks_add(&rd->tasks, rec, perf_file_time_ns(&rd->file));
}

/* ---- rounds ---- */

static int compare_times(const void *a, const void *b)
{
	const struct report *x = a, *y = b;

	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

/* Of one CPU they are in order, mostly. */
static bool is_sorted(const struct report *v, size_t nr)
{
	for (size_t i = 1; i < nr; i++)
		if (v[i].time_ns < v[i - 1].time_ns)
			return false;
	return true;
}

/* Lets go of those that have been used, and sorts the others. */
static void compact(struct reader *rd)
{
	if (!rd->nr)
		return;
	memmove(rd->v, rd->v + rd->done, (rd->nr - rd->done) * sizeof(*rd->v));
	rd->nr -= rd->done;
	rd->done = rd->nr_ready = 0;
	if (!is_sorted(rd->v, rd->nr))
		qsort(rd->v, rd->nr, sizeof(*rd->v), compare_times);
}

/* Those up to until_ns are complete. */
static void release(struct reader *rd, uint64_t until_ns)
{
	compact(rd);
	perf_tasks_sort(&rd->tasks);
	for (rd->nr_ready = 0; rd->nr_ready < rd->nr && rd->v[rd->nr_ready].time_ns <= until_ns; rd->nr_ready++)
		;
}

static void end_round(struct reader *rd)
{
	release(rd, rd->last_round_max_ns);
	rd->last_round_max_ns = rd->round_max_ns;
}

/* 1; 0: the end; -errno. */
static int read_record(struct reader *rd, struct err *err)
{
	int rc = perf_file_next(&rd->file, err);

	if (rc <= 0)
		return rc;
	rc = 0;
	switch (perf_file_record(&rd->file)->type) {
	case PERF_RECORD_SAMPLE:
		rc = take_sample(rd);
		break;
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
	case PERF_RECORD_COMM:
	case PERF_RECORD_FORK:
		rc = keep_task(rd);
		break;
	case PERF_RECORD_LOST: /* id, how many */
		rd->nr_lost += perf_file_u64(&rd->file, 2);
		break;
	case PERF_RECORD_LOST_SAMPLES:
		rd->nr_lost_samples += perf_file_u64(&rd->file, 1);
		break;
	case PERF_FILE_FINISHED_ROUND:
		end_round(rd);
		break;
	default:
		break;
	}
	return rc ? err_set(err, -rc, "no memory for the records of perf.data") : 1;
}

/* Reads until there are reports in order. 1; 0: there are none any more; -errno. */
static int read_reports(struct reader *rd, struct err *err)
{
	while (rd->done == rd->nr_ready) {
		int rc;

		if (rd->at_end)
			return 0;
		if (rd->nr == MAX_PENDING) { /* rounds without end: the older half is as good as in order */
			compact(rd);
			release(rd, rd->v[rd->nr / 2].time_ns);
			continue;
		}
		rc = read_record(rd, err);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			rd->at_end = true;
			release(rd, UINT64_MAX);
		}
	}
	return 1;
}

/* ---- snapshots ---- */

static int begin_aggregation(struct reader *rd)
{
	bool all = perf_file_has_all_events(&rd->file);
	int rc = aggregate_init(&rd->agg, false, all, HEAT_RATE, 1);

	rd->has_agg = !rc;
	if (!rc && all)
		aggregate_all_events(&rd->agg);
	return rc;
}

/* The table that the regions follow, with a place for every address that is reported. */
static int use_maps(struct recording *r, struct reader *rd, struct err *err)
{
	struct mappings *maps;
	int rc;

	if (!rd->maps.changed && rd->has_agg)
		return 0;
	maps = perf_maps_table(&rd->maps, err);
	if (!maps)
		return -err->code;
	rc = rd->has_agg ? 0 : begin_aggregation(rd);
	if (!rc)
		rc = aggregate_set_mappings(&rd->agg, maps, &r->attrs, rd->fresh);
	rd->fresh = false;
	return rc ? err_set(err, ENOMEM, "no memory for regions") : 0;
}

static struct snapshot *finish(struct recording *r, struct reader *rd, uint64_t end_ns, struct err *err)
{
	struct mappings *maps = perf_maps_table(&rd->maps, err);
	uint64_t nr_lost = rd->nr_lost > rd->nr_lost_samples ? rd->nr_lost : rd->nr_lost_samples;
	struct snapshot *s;

	if (!maps)
		return NULL;
	aggregate_end_check(&rd->agg);
	s = aggregate_finish(&rd->agg, &r->attrs, mappings_get(maps), end_ns - rd->begin_ns,
			     rd->nr_reports - rd->counted_reports);
	if (!s) {
		err_set(err, ENOMEM, "no memory for a snapshot");
		return NULL;
	}
	s->seq = rd->seq++;
	s->time_ns = end_ns;
	s->duration_ns = end_ns - rd->begin_ns;
	s->flags |= SNAP_ACCESSES_ALONE;
	s->pid = rd->pid > 0 ? rd->pid : 0;
	s->source = source_find("perf")->name;
	s->attrs = r->attrs;
	memcpy(s->comm, rd->comm, sizeof(s->comm));
	s->stats.reports = s->stats.samples = rd->nr_reports - rd->counted_reports;
	s->stats.lost = nr_lost - rd->counted_lost;
	if (nr_lost || (rd->all && rd->all->any_lost)) /* when is not known well enough */
		s->flags &= ~(uint32_t)SNAP_WSS_EXACT;
	s->stats.malformed = rd->nr_malformed - rd->counted_malformed;
	rd->counted_reports = rd->nr_reports;
	rd->counted_lost = nr_lost;
	rd->counted_malformed = rd->nr_malformed;
	aggregate_begin(&rd->agg, &r->attrs, &r->attrs);
	return s;
}

/* Hands over the reports that are ready, up to end_ns and to an exec: one table of mappings for all. 0 or -errno. */
static int add_batch(struct recording *r, struct reader *rd, uint64_t end_ns, struct err *err)
{
	uint64_t until_ns = perf_tasks_exec_ns(&rd->tasks, rd->v[rd->done].time_ns, end_ns);
	const struct report *v = &rd->v[rd->done];
	size_t nr = 1;
	int rc;

	while (rd->done + nr < rd->nr_ready && v[nr].time_ns < until_ns)
		nr++;
	rc = use_tasks(rd, v[nr - 1].time_ns);
	for (size_t i = 0; i < nr && !rc; i++)
		rc = perf_maps_cover(&rd->maps, v[i].start);
	if (rc)
		return err_set(err, ENOMEM, "no memory for mappings");
	rc = use_maps(r, rd, err);
	if (rc)
		return rc;
	if (aggregate_add(&rd->agg, v, nr))
		return err_set(err, ENOMEM, "no memory for reports");
	rd->done += nr;
	rd->nr_reports += nr;
	return 0;
}

/* Hands reports before end_ns to the aggregation. 1: there are later ones; 0: no more at all; -errno. */
static int collect(struct recording *r, struct reader *rd, uint64_t end_ns, struct err *err)
{
	for (;;) {
		int rc = read_reports(rd, err);

		if (rc <= 0)
			return rc;
		if (rd->v[rd->done].time_ns >= end_ns)
			return 1;
		rc = add_batch(r, rd, end_ns, err);
		if (rc)
			return rc;
	}
}

/* What the user should know: other processes, where he has not chosen one. */
static void note_others(struct recording *r, const struct reader *rd)
{
	const struct perf_processes *ps = rd->all ? rd->all : &rd->seen;
	char text[200];

	perf_processes_text(ps, text, sizeof(text));
	snprintf(r->note, sizeof(r->note), "several processes, -p PID chooses; this is %d of %s", (int)rd->pid, text);
}

static int at_end(struct recording *r, const struct reader *rd, struct err *err)
{
	if (!rd->seq && rd->nr_timeless)
		return err_set(err, ENODATA, "perf.data does not say when its samples were taken: record with -T");
	if (!rd->seq)
		return err_set(err, ENODATA,
			       "perf.data has no data addresses%s: record with perf record -d, or perf mem record",
			       r->pid ? " of this process" : "");
	if (rd->nr_other_samples && !r->pid)
		note_others(r, rd);
	else if (rd->file.cut_off)
		snprintf(r->note, sizeof(r->note), "perf.data is cut off");
	return 0;
}

static int perf_next(struct recording *r, struct snapshot **snap, struct err *err)
{
	struct reader *rd = r->format_data;
	uint64_t interval_ns = r->attrs.aggregation_us * NSEC_PER_USEC, end_ns;
	int rc = read_reports(rd, err);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return at_end(r, rd, err);
	if (!rd->seq || rd->v[rd->done].time_ns - rd->begin_ns > interval_ns * MAX_GAP)
		rd->begin_ns = rd->v[rd->done].time_ns;
	end_ns = rd->begin_ns + interval_ns;
	rc = collect(r, rd, end_ns, err);
	if (rc < 0)
		return rc;
	*snap = rd->has_agg ? finish(r, rd, end_ns, err) : NULL;
	rd->begin_ns = end_ns;
	return *snap ? 1 : err->code ? -err->code : perf_file_bad(&rd->file, "no mapping is known", err);
}

/* Who has samples, and who was forked by whom: which mappings are whose is known from the beginning only then. */
static void *perf_survey(struct recording *r)
{
	struct perf_processes *ps = calloc(1, sizeof(*ps));
	struct perf_file *f = &((struct reader *)r->format_data)->file;
	struct err err = ERR_NONE;
	struct perf_sample s;
	struct report report;

	while (ps && perf_file_next(f, &err) > 0) {
		if (perf_file_record(f)->type != PERF_RECORD_SAMPLE)
			perf_processes_record(ps, f);
		else if (parse_sample(f, &s, &report) == SAMPLE_GOOD && s.have & PERF_SAMPLE_TID)
			perf_processes_sample(ps, (pid_t)s.pid);
	}
	return ps;
}

static void perf_free_survey(void *survey)
{
	perf_processes_free(survey);
	free(survey);
}

const struct recording_ops recording_perf = {
	.name = "perf.data",
	.accepts = perf_file_accepts,
	.open = perf_open,
	.next = perf_next,
	.close = perf_close,
	.survey = perf_survey,
	.free_survey = perf_free_survey,
};
