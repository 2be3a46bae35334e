/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/openmetrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "collector/report.h"
#include "collector/text_buf.h"

#define NR_NODES 256

/* Labels that every metric has: which process, and who saw it. */
static void labels(struct text_buf *b, const struct snapshot *s, const char *more)
{
	text_buf_str(b, "{comm=");
	text_buf_json(b, s->comm); /* printable: the escapes are the same */
	if (s->pid)
		text_buf_printf(b, ",pid=\"%d\"", (int)s->pid);
	text_buf_printf(b, ",source=\"%s\"%s%s} ", s->source, *more ? "," : "", more);
}

static void head(struct text_buf *b, const char *name, const char *type, const char *unit, const char *help)
{
	text_buf_printf(b, "# TYPE damontop_%s %s\n", name, type);
	if (unit)
		text_buf_printf(b, "# UNIT damontop_%s %s\n", name, unit);
	text_buf_printf(b, "# HELP damontop_%s %s\n", name, help);
}

static void value(struct text_buf *b, const struct snapshot *s, const char *name, const char *more, uint64_t v)
{
	text_buf_printf(b, "damontop_%s", name);
	labels(b, s, more);
	text_buf_u64(b, v);
	text_buf_add(b, "\n", 1);
}

static void gauge(struct text_buf *b, const struct snapshot *s, const char *name, const char *help, uint64_t v)
{
	head(b, name, "gauge", "bytes", help);
	value(b, s, name, "", v);
}

static void counter(struct text_buf *b, const struct snapshot *s, const char *name, const char *help, uint64_t v)
{
	char total[64];

	snprintf(total, sizeof(total), "%s_total", name);
	head(b, name, "counter", NULL, help);
	value(b, s, total, "", v);
}

/* By heat, against the hottest region there is. */
static void heat_classes(struct text_buf *b, const struct snapshot *s)
{
	static const char *const names[] = { "class=\"idle\"", "class=\"cold\"", "class=\"warm\"", "class=\"hot\"" };
	uint64_t bytes[4] = { 0 };
	float hottest = 0;

	for (size_t i = 0; i < s->nr_regions; i++)
		if (s->regions[i].heat > hottest)
			hottest = s->regions[i].heat;
	for (size_t i = 0; i < s->nr_regions; i++) {
		float heat = s->regions[i].heat;

		bytes[heat <= 0		       ? 0
		      : heat <= hottest * 0.1f ? 1
		      : heat <= hottest * 0.5f ? 2
					       : 3] += s->regions[i].end - s->regions[i].start;
	}
	head(b, "heat_bytes", "gauge", "bytes",
	     "Bytes of regions by heat: idle, up to a tenth, up to half, above half of the hottest region's.");
	for (size_t i = 0; i < 4; i++)
		value(b, s, "heat_bytes", names[i], bytes[i]);
}

static void idle_classes(struct text_buf *b, const struct snapshot *s)
{
	static const uint64_t seconds[] = { 0, 1, 10, 30, 60, 300, 600, 3600 };

	head(b, "idle_bytes", "gauge", "bytes", "Bytes of regions without an access for at least so long.");
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		uint64_t bytes = 0;
		char label[48];

		for (size_t k = 0; k < s->nr_regions; k++)
			if (s->regions[k].heat <= 0 &&
			    s->regions[k].age * s->attrs.aggregation_us >= seconds[i] * 1000000)
				bytes += s->regions[k].end - s->regions[k].start;
		snprintf(label, sizeof(label), "at_least_seconds=\"%" PRIu64 "\"", seconds[i]);
		value(b, s, "idle_bytes", label, bytes);
	}
}

static void nodes(struct text_buf *b, const struct snapshot *s)
{
	uint64_t bytes[NR_NODES] = { 0 };
	bool known = false;

	for (size_t i = 0; i < s->nr_regions; i++) {
		const struct snap_pages p = snapshot_pages(s, i);

		if (!(p.valid & SNAP_PAGES_NODE))
			continue;
		known = true;
		for (int k = 0; k < SNAP_NR_NODES; k++)
			bytes[p.node[k]] += p.node_pages[k] * PAGE_BYTES;
	}
	if (!known)
		return;
	head(b, "node_bytes", "gauge", "bytes", "Bytes present on each NUMA node, as far as known.");
	for (unsigned i = 0; i < NR_NODES; i++) {
		char label[24];

		snprintf(label, sizeof(label), "node=\"%u\"", i);
		if (bytes[i])
			value(b, s, "node_bytes", label, bytes[i]);
	}
}

static void kinds(struct text_buf *b, const struct snapshot *s)
{
	uint64_t anon = 0, file = 0;
	bool known = false;

	for (size_t i = 0; i < s->nr_regions; i++) {
		const struct snap_pages p = snapshot_pages(s, i);

		if (!(p.valid & SNAP_PAGES_KIND))
			continue;
		known = true;
		anon += p.anon * PAGE_BYTES;
		file += p.file * PAGE_BYTES;
	}
	if (!known)
		return;
	head(b, "kind_bytes", "gauge", "bytes", "Bytes present by kind of memory, as far as known.");
	value(b, s, "kind_bytes", "kind=\"anon\"", anon);
	value(b, s, "kind_bytes", "kind=\"file\"", file);
}

/* Of each process, where there are several: child is its number. */
static void processes(struct text_buf *b, const struct snapshot *s)
{
	static const struct {
		const char *name, *help;
		uint32_t flag;
	} gauges[] = {
		{ "process_wss_bytes", "Working set of each process.", SNAP_WSS_KNOWN },
		{ "process_rss_bytes", "Resident memory of each process.", SNAP_RSS_KNOWN },
	};

	for (size_t g = 0; s->processes && g < sizeof(gauges) / sizeof(gauges[0]); g++) {
		head(b, gauges[g].name, "gauge", "bytes", gauges[g].help);
		for (size_t i = 0; i < s->maps->nr_processes; i++) {
			struct text_buf label = { 0 };

			text_buf_printf(&label, "child=\"%d\",child_comm=", (int)s->maps->processes[i].pid);
			text_buf_json(&label, s->maps->processes[i].comm);
			text_buf_add(&label, "", 1);
			if (label.failed)
				b->failed = true;
			else if (s->processes[i].flags & gauges[g].flag)
				value(b, s, gauges[g].name, label.v,
				      g ? s->processes[i].rss_bytes : s->processes[i].wss_bytes);
			text_buf_free(&label);
		}
	}
}

int openmetrics_write(struct openmetrics *m, FILE *out, const struct snapshot *s)
{
	struct text_buf b = { 0 };
	int rc;

	m->nr_snapshots++;
	m->nr_reports += s->stats.reports;
	m->nr_lost += s->stats.lost;
	m->nr_dropped = s->stats.dropped;
	if (s->flags & SNAP_WSS_KNOWN)
		gauge(&b, s, "wss_bytes", "Working set: bytes accessed during the last aggregation.", s->wss_bytes);
	if (s->flags & SNAP_RSS_KNOWN)
		gauge(&b, s, "rss_bytes", "Resident memory.", s->rss_bytes);
	processes(&b, s);
	heat_classes(&b, s);
	idle_classes(&b, s);
	nodes(&b, s);
	kinds(&b, s);
	counter(&b, s, "snapshots", "Aggregations so far.", m->nr_snapshots);
	counter(&b, s, "reports", "Accesses that the source has handed over.", m->nr_reports);
	counter(&b, s, "lost_records", "Records that the kernel dropped for want of room.", m->nr_lost);
	if (!(s->flags & SNAP_ACCESSES_ALONE)) {
		head(&b, "snapshot_timestamp_seconds", "gauge", "seconds", "When the last aggregation ended.");
		text_buf_str(&b, "damontop_snapshot_timestamp_seconds");
		labels(&b, s, "");
		text_buf_printf(&b, "%" PRIu64 ".%03u\n", s->wall_ns / 1000000000,
				(unsigned)(s->wall_ns / 1000000 % 1000));
	}
	text_buf_str(&b, "# EOF\n");
	errno = 0;
	rc = b.failed ? -ENOMEM : fwrite(b.v, 1, b.len, out) == b.len ? 0 : errno ? -errno : -EIO;
	text_buf_free(&b);
	return rc;
}
