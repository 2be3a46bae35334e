/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tui/report_internal.h"

static const struct report_kind *const kinds[] = {
	&report_heatmap, &report_wss, &report_regions, &report_hot, &report_mappings, &report_ages,
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct report_maker {
	const struct report_kind *kind;
	void *data;
	uint64_t nr_snapshots;
};

const char *report_kind_name(size_t i)
{
	return i < NR_KINDS ? kinds[i]->name : NULL;
}

static const struct report_kind *find(const char *name, struct err *err)
{
	char names[128] = "";

	for (size_t i = 0; i < NR_KINDS; i++) {
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? ", " : "", kinds[i]->name);
	}
	err_set(err, EINVAL, "there is no report \"%s\"; there are: %s", name, names);
	return NULL;
}

int report_new(struct report_maker **report, const char *name, const struct report_options *options, struct err *err)
{
	const struct report_kind *kind = find(name, err);
	struct report_maker *r;

	*report = NULL;
	if (!kind)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (r) {
		r->kind = kind;
		r->data = kind->open(options);
	}
	if (!r || !r->data) {
		free(r);
		return err_set(err, ENOMEM, "no memory for a report");
	}
	*report = r;
	return 0;
}

void report_free(struct report_maker *r)
{
	if (!r)
		return;
	r->kind->close(r->data);
	free(r);
}

int report_add(struct report_maker *r, const struct snapshot *snap, struct err *err)
{
	int rc = r->kind->add(r->data, snap);

	r->nr_snapshots++;
	return rc ? err_set(err, -rc, "the report %s: %s", r->kind->name, strerror(-rc)) : 0;
}

int report_print(struct report_maker *r, FILE *out, struct err *err)
{
	int rc;

	if (!r->nr_snapshots)
		return err_set(err, ENODATA, "there is nothing to report: no snapshot");
	rc = r->kind->print(r->data, r->kind, out);
	return rc ? err_set(err, -rc, "printing the report %s: %s", r->kind->name, strerror(-rc)) : 0;
}

void report_json_owner(struct text_buf *b, const char *comm, pid_t pid, const char *source)
{
	text_buf_str(b, ",\"comm\":");
	text_buf_json(b, comm);
	if (pid)
		text_buf_printf(b, ",\"pid\":%d", (int)pid);
	text_buf_printf(b, ",\"source\":\"%s\"", source);
}

const char *report_owner(char *dst, size_t size, const char *comm, pid_t pid, const char *source)
{
	char number[24] = "";

	if (pid)
		snprintf(number, sizeof(number), ", pid %d", (int)pid);
	snprintf(dst, size, "%s%s, source %s", comm, number, source);
	return dst;
}

struct snapshot *report_copy(const struct snapshot *snap)
{
	struct snapshot *copy = snapshot_new(snap->nr_regions, false, 0, mappings_get(snap->maps)), made;

	if (!copy)
		return NULL;
	made = *copy;
	*copy = *snap;
	copy->maps = made.maps;
	copy->regions = made.regions;
	copy->packed = NULL;
	copy->open = made.open;
	copy->sz_details = made.sz_details;
	copy->nr_codes = 0;
	copy->mappings = NULL;
	copy->nr_mappings = 0;
	copy->processes = NULL;
	if (snap->processes && snapshot_set_processes(copy, snap->processes)) {
		snapshot_free(copy);
		return NULL;
	}
	memcpy(copy->regions, snap->regions, snap->nr_regions * sizeof(*snap->regions));
	for (size_t i = 0; i < snap->nr_regions; i++)
		copy->open.pages[i] = snapshot_pages(snap, i);
	return copy;
}
