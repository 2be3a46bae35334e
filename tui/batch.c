/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/batch.h"
#include "tui/when.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/clock.h"
#include "collector/report.h"
#include "collector/snapshot_json.h"
#include "collector/space.h"
#include "collector/text.h"

#define TEXT_NR_REGIONS	 20
#define TEXT_NR_MAPPINGS 20

static const char *heat_heading(enum heat_unit unit)
{
	static const char *const headings[] = {
		[HEAT_FRACTION] = "checks",
		[HEAT_RATE] = "acc/s/MiB",
		[HEAT_TIME] = "%cpu/MiB",
	};

	return headings[unit];
}

static void print_header(FILE *out, const struct snapshot *s)
{
	char a[TEXT_NUMBER_SIZE], b[TEXT_NUMBER_SIZE], when[WHEN_SIZE], used[SNAPSHOT_WHEN_SIZE];

	fprintf(out, "%s  ", when_text(when, s, 0));
	if (s->pid)
		fprintf(out, "pid %d %s  ", s->pid, s->comm);
	fprintf(out, "%s  aging %s  aggr %s  %s", s->source, text_duration_us(a, s->attrs.aging_us),
		text_duration_us(b, s->attrs.aggregation_us), s->attrs.access_bp ? "tuned by kernel  " : "");
	if (s->flags & SNAP_RSS_KNOWN)
		fprintf(out, "rss %s  ", text_bytes(a, s->rss_bytes));
	if (s->flags & SNAP_WSS_KNOWN)
		fprintf(out, "wss %s%s%s  ", s->flags & SNAP_WSS_EXACT ? "" : "~", text_bytes(a, s->wss_bytes),
			snapshot_wss_when(used, s));
	if (s->processes)
		fprintf(out, "processes %zu  ", snapshot_nr_processes(s));
	if (s->nr_processes_left_out + s->nr_processes_refused)
		fprintf(out, "not watched %" PRIu32 "  ", s->nr_processes_left_out + s->nr_processes_refused);
	fprintf(out, "regions %zu  reports %" PRIu64 "  lost %" PRIu64, s->nr_regions, s->stats.reports, s->stats.lost);
	if (s->stats.unattributed && s->stats.samples)
		fprintf(out, "  unattributed %.1f%%", 100.0 * (double)s->stats.unattributed / (double)s->stats.samples);
	if (s->stats.throttled)
		fprintf(out, "  throttled %" PRIu64, s->stats.throttled);
	if (s->duration_ns)
		fprintf(out, "  cpu %.1f%%", 1e5 * (double)s->stats.cpu_us / (double)s->duration_ns);
	if (s->state != TARGET_RUNNING)
		fprintf(out, "  %s", target_state_name(s->state));
	fprintf(out, "%s%s\n", s->note[0] ? "  " : "", s->note);
}

static int compare_heat(const void *a, const void *b)
{
	const struct snap_region *x = *(const struct snap_region *const *)a, *y = *(const struct snap_region *const *)b;

	if (x->heat != y->heat)
		return x->heat < y->heat ? 1 : -1;
	return (x->start > y->start) - (x->start < y->start);
}

/* Whose it is, where there are several. */
static void print_pid(FILE *out, const struct snapshot *s, uint64_t place)
{
	const struct mappings_process *process = s->processes ? mappings_process_of(s->maps, place) : NULL;

	if (process)
		fprintf(out, "  %7d", (int)process->pid);
}

static void print_pid_heading(FILE *out, const struct snapshot *s)
{
	if (s->processes)
		fprintf(out, "  %7s", "pid");
}

static void print_range(FILE *out, uint64_t start, uint64_t end)
{
	fprintf(out, "  %012" PRIx64 "-%012" PRIx64, space_address(start), space_end_address(end));
}

static void print_nodes(FILE *out, const struct snap_pages *pages)
{
	char text[64] = "-";
	size_t used = 0;
	uint32_t total = 0;

	for (int i = 0; i < SNAP_NR_NODES; i++)
		total += pages->node_pages[i];
	for (int i = 0; total && (pages->valid & SNAP_PAGES_NODE) && i < SNAP_NR_NODES && pages->node_pages[i]; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u:%.0f%%", i ? " " : "", pages->node[i],
					 100.0 * pages->node_pages[i] / total);
	fprintf(out, "  %-15s", text);
}

static void print_kind(FILE *out, const struct snap_pages *pages)
{
	const char *kind = "-";

	if (pages->valid & SNAP_PAGES_KIND && pages->anon + pages->file)
		kind = !pages->file ? "anon" : !pages->anon ? "file" : "mixed";
	fprintf(out, " %-5s", kind);
}

static void print_region(FILE *out, const struct snapshot *s, const struct snap_region *r)
{
	const char *mapping = snapshot_mapping_name(s, r->start, r->end);
	char size[TEXT_NUMBER_SIZE], age[TEXT_NUMBER_SIZE], heat[TEXT_NUMBER_SIZE];
	struct snap_pages pages = snapshot_pages(s, (size_t)(r - s->regions));

	if (s->heat_unit == HEAT_FRACTION)
		snprintf(heat, sizeof(heat), "%u/%u", r->nr_accesses, s->max_nr_accesses);
	else if (s->heat_unit == HEAT_TIME)
		snprintf(heat, sizeof(heat), "%.3g", 100.0 * (double)r->heat);
	else
		text_count(heat, (uint64_t)r->heat);
	fprintf(out, "%10s %6s %8s", heat, text_bytes(size, r->end - r->start),
		text_duration_us(age, r->age * s->attrs.aggregation_us));
	print_pid(out, s, r->start);
	print_range(out, r->start, r->end);
	print_nodes(out, &pages);
	print_kind(out, &pages);
	fprintf(out, "  %s\n", mapping ? mapping : "-");
}

static void print_regions(FILE *out, const struct snapshot *s)
{
	const struct snap_region **by_heat = calloc(s->nr_regions + 1, sizeof(const struct snap_region *));
	size_t nr = 0;

	if (!by_heat)
		return;
	for (size_t i = 0; i < s->nr_regions; i++)
		if (s->regions[i].heat > 0)
			by_heat[nr++] = &s->regions[i];
	qsort(by_heat, nr, sizeof(struct snap_region *), compare_heat);
	if (nr) {
		fprintf(out, "%10s %6s %8s", heat_heading(s->heat_unit), "size", "age");
		print_pid_heading(out, s);
		fprintf(out, "  %-25s  %-15s %-5s  %s\n", "range", "node", "kind", "mapping");
	}
	for (size_t i = 0; i < nr && i < TEXT_NR_REGIONS; i++)
		print_region(out, s, by_heat[i]);
	if (nr > TEXT_NR_REGIONS)
		fprintf(out, "%10s %zu more with accesses, %zu without\n", "", nr - TEXT_NR_REGIONS,
			s->nr_regions - nr);
	free(by_heat);
}

static int compare_rate(const void *a, const void *b)
{
	const struct mapping_report *x = *(const struct mapping_report *const *)a;
	const struct mapping_report *y = *(const struct mapping_report *const *)b;

	if (x->accesses_per_sec != y->accesses_per_sec)
		return x->accesses_per_sec < y->accesses_per_sec ? 1 : -1;
	if (x->referenced_bytes != y->referenced_bytes)
		return x->referenced_bytes < y->referenced_bytes ? 1 : -1;
	return (x->start > y->start) - (x->start < y->start);
}

static void print_mapping(FILE *out, const struct snapshot *s, const struct mapping_report *m)
{
	const char *name = snapshot_mapping_name(s, m->start, m->end);
	char used[TEXT_NUMBER_SIZE], rss[TEXT_NUMBER_SIZE], window[TEXT_NUMBER_SIZE], count[TEXT_NUMBER_SIZE];
	char rate[TEXT_NUMBER_SIZE + 2] = "-";

	if (m->valid & MAPPING_REPORT_RATE)
		snprintf(rate, sizeof(rate), "%s%s", m->valid & MAPPING_REPORT_RATE_MIN ? ">" : "",
			 text_count(count, (uint64_t)m->accesses_per_sec));
	fprintf(out, "%10s %6s %6s %8s", rate, text_bytes(used, m->referenced_bytes), text_bytes(rss, m->rss_bytes),
		text_duration_us(window, m->window_ns / NSEC_PER_USEC));
	print_pid(out, s, m->start);
	print_range(out, m->start, m->end);
	fprintf(out, "  %s\n", name ? name : "-");
}

/* Whole mappings, where the source knows them: those in use, the most used ones first. */
static void print_mappings(FILE *out, const struct snapshot *s)
{
	const struct mapping_report **by_rate = calloc(s->nr_mappings + 1, sizeof(const struct mapping_report *));
	size_t nr = 0;

	if (!by_rate)
		return;
	for (size_t i = 0; i < s->nr_mappings; i++)
		if (s->mappings[i].referenced_bytes)
			by_rate[nr++] = &s->mappings[i];
	qsort(by_rate, nr, sizeof(struct mapping_report *), compare_rate);
	if (nr) {
		fprintf(out, "%10s %6s %6s %8s", "acc/s", "used", "rss", "within");
		print_pid_heading(out, s);
		fprintf(out, "  %-25s  %s\n", "range", "mapping");
	}
	for (size_t i = 0; i < nr && i < TEXT_NR_MAPPINGS; i++)
		print_mapping(out, s, by_rate[i]);
	if (nr > TEXT_NR_MAPPINGS)
		fprintf(out, "%10s %zu more mappings in use, %zu not\n", "", nr - TEXT_NR_MAPPINGS,
			s->nr_mappings - nr);
	free(by_rate);
}

void batch_print_text(FILE *out, const struct snapshot *s)
{
	print_header(out, s);
	print_regions(out, s);
	print_mappings(out, s);
}

static int print_snapshot(FILE *out, const struct snapshot *snap, const struct batch_options *options, struct err *err)
{
	int rc = options->on_snapshot ? options->on_snapshot(options->ctx, snap, err) : 0;

	if (rc || options->silent)
		return rc;
	errno = 0;
	if (options->json)
		rc = snapshot_json_write(out, snap);
	else
		batch_print_text(out, snap);
	if (!rc && (fflush(out) || ferror(out)))
		rc = errno ? -errno : -EIO;
	if (rc == -EPIPE)
		return err_set(err, EPIPE, "writing to standard output: its reader has gone away");
	if (rc)
		return err_set(err, -rc, "writing to standard output: %s; nothing more can be shown", strerror(-rc));
	return 0;
}

/* Of several sources, those of one aggregation count as one. */
static bool is_last(const struct snapshot *snap, uint64_t *printed, const struct batch_options *options)
{
	return !(snap->flags & SNAP_MORE) && ++*printed == options->iterations;
}

/* Takes all messages that wait. 1: go on; 0: done; -errno. */
static int take_messages(struct channel *channel, const struct batch_options *options, uint64_t *printed, FILE *out,
			 struct err *err)
{
	struct message message;
	int rc = 1;

	while (rc > 0 && channel_receive(channel, &message)) {
		switch (message.type) {
		case MESSAGE_SNAPSHOT:
			rc = print_snapshot(out, message.snapshot, options, err);
			if (!rc)
				rc = is_last(message.snapshot, printed, options) ? 0 : 1;
			snapshot_free(message.snapshot);
			break;
		case MESSAGE_NOTICE: /* nobody gives commands in batch mode: a process that is not watched, and why */
			if (!options->json && !options->silent)
				fprintf(out, "%s\n", message.err.text);
			break;
		case MESSAGE_PLAY:
			break;
		case MESSAGE_LOST: /* whoever asked for two reads both */
		case MESSAGE_ENDED:
			rc = message.err.code ? err_set(err, message.err.code, "%s", message.err.text) : 0;
			break;
		}
	}
	return rc;
}

static int timeout_ms(uint64_t end_ns)
{
	uint64_t now = clock_now_ns(&clock_system);

	if (!end_ns)
		return -1;
	return now >= end_ns ? 0 : (int)((end_ns - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC % 1000000000);
}

/* Opening a source takes its time, too, where BPF programs are loaded. */
static int nothing_seen(const struct batch_options *options, struct err *err)
{
	char duration[TEXT_NUMBER_SIZE];

	return err_set(err, ETIMEDOUT,
		       "no aggregation has ended within %s, the start of the source included: a longer -d, or a "
		       "shorter --aggr",
		       text_duration_us(duration, options->duration_us));
}

int batch_run(struct channel *channel, const struct batch_options *options, FILE *out, struct err *err)
{
	uint64_t end_ns = 0, printed = 0;
	struct pollfd fds[] = {
		{ .fd = channel_message_fd(channel), .events = POLLIN },
		{ .fd = options->signal_fd, .events = POLLIN },
	};
	int rc = 1;

	if (options->duration_us)
		end_ns = clock_now_ns(&clock_system) + options->duration_us * NSEC_PER_USEC;
	while (rc > 0) {
		int ready = poll(fds, 2, timeout_ms(end_ns));

		if (ready < 0 && errno != EINTR)
			return err_set(err, errno, "waiting for snapshots: %s", strerror(errno));
		if (ready > 0 && fds[1].revents)
			return 0;
		rc = take_messages(channel, options, &printed, out, err);
		if (ready == 0 && end_ns && clock_now_ns(&clock_system) >= end_ns)
			return rc <= 0 || printed ? (rc < 0 ? rc : 0) : nothing_seen(options, err);
	}
	return rc;
}

static bool was_signalled(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) > 0;
}

int batch_replay(struct recording *recording, const struct batch_options *options, FILE *out, struct err *err)
{
	uint64_t printed = 0;
	int rc = 0;

	while (!rc && !was_signalled(options->signal_fd)) {
		struct snapshot *snap;

		rc = recording_next(recording, &snap, err);
		if (rc <= 0)
			return rc;
		rc = print_snapshot(out, snap, options, err);
		snapshot_free(snap);
		if (++printed == options->iterations)
			break;
	}
	return rc;
}
