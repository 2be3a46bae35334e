/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -e takes: raw:TYPE,CONFIG and mem:ADDR, and by libpfm4 everything else. */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/pfm.h"
#include "collector/pmu.h"
#include "collector/sysfs_event.h"
#include "collector/text.h"

#define FIRST_PERIOD_PMU 100003

/* A whole number, decimal or 0x, up to a character of stop or the end; moves *s behind it. */
static bool take_number(const char **s, const char *stop, uint64_t *value)
{
	char *end;

	if (**s < '0' || **s > '9')
		return false;
	errno = 0;
	*value = strtoull(*s, &end, 0);
	if (errno || (*end && !strchr(stop, *end)))
		return false;
	*s = *end ? end + 1 : end;
	return true;
}

static bool take_type(const char **s, const char *root, uint32_t *type)
{
	char pmu[64];
	uint64_t value;
	size_t len = strcspn(*s, ",");

	if (take_number(s, ",", &value)) {
		*type = (uint32_t)value;
		return value <= INT32_MAX;
	}
	if (!len || len >= sizeof(pmu) || !(*s)[len])
		return false;
	memcpy(pmu, *s, len);
	pmu[len] = '\0';
	*s += len + 1;
	return !sysfs_pmu_type(root, pmu, type);
}

/* "raw:TYPE,CONFIG[,CONFIG1]" */
static int parse_raw(const char *name, const char *root, struct perf_event_attr *attr, struct err *err)
{
	const char *s = name + strlen("raw:");
	uint64_t config, config1 = 0;

	if (!take_type(&s, root, &attr->type) || !take_number(&s, ",", &config) ||
	    (*s && (!take_number(&s, "", &config1) || *s)))
		return err_set(
			err, EINVAL,
			"%s: not of the form raw:TYPE,CONFIG[,CONFIG1], with the type of a PMU by number or by its "
			"name in /sys/bus/event_source/devices",
			name);
	attr->config = config;
	attr->config1 = config1;
	return 0;
}

static unsigned breakpoint_access(const char *s)
{
	return !strcmp(s, "r")			    ? HW_BREAKPOINT_R
	       : !strcmp(s, "w")		    ? HW_BREAKPOINT_W
	       : !strcmp(s, "rw") || !strcmp(s, "") ? HW_BREAKPOINT_RW
						    : 0;
}

/* "mem:ADDR[/LEN][:r|w|rw]": the processor's own watch on a few bytes. The address reported is ADDR, whichever byte. */
static int parse_breakpoint(const char *name, struct perf_event_attr *attr, struct err *err)
{
	const char *s = name + strlen("mem:");
	uint64_t addr, len = 8;
	bool ok = take_number(&s, "/:", &addr);

	if (ok && s[-1] == '/')
		ok = take_number(&s, ":", &len);
	attr->bp_type = ok ? breakpoint_access(s) : 0;
	if (!attr->bp_type || (len != 1 && len != 2 && len != 4 && len != 8) || addr % len)
		return err_set(err, EINVAL,
			       "%s: not of the form mem:ADDR[/LEN][:r|w|rw], with a LEN of 1, 2, 4 or 8 that ADDR is a "
			       "multiple of",
			       name);
	attr->type = PERF_TYPE_BREAKPOINT;
	attr->bp_addr = addr;
	attr->bp_len = len;
	return 0;
}

static int parse_pfm(const char *name, struct pmu_event *e, struct err *err)
{
	struct perf_event_attr *attr = &e->attr[0];
	struct pfm_event p;
	int rc = pfm_encode(name, &p, err);

	if (rc)
		return rc;
	*attr = (struct perf_event_attr){
		.type = p.type, .config = p.config, .config1 = p.config1, .config2 = p.config2
	};
	attr->precise_ip = p.precise_ip & 3;
	attr->exclude_user = p.exclude_user;
	attr->exclude_kernel = p.exclude_kernel;
	attr->exclude_hv = p.exclude_hv;
	attr->exclude_guest = p.exclude_guest;
	attr->exclude_host = p.exclude_host;
	if (p.freq)
		e->given_hz = p.sample_period;
	else
		e->given_period = p.sample_period;
	return 0;
}

static bool is_hardware(const struct perf_event_attr *attr)
{
	return attr->type != PERF_TYPE_SOFTWARE && attr->type != PERF_TYPE_TRACEPOINT &&
	       attr->type != PERF_TYPE_BREAKPOINT;
}

/* Their unit is a nanosecond. */
static bool is_timer(const struct perf_event_attr *attr)
{
	return attr->type == PERF_TYPE_SOFTWARE &&
	       (attr->config == PERF_COUNT_SW_CPU_CLOCK || attr->config == PERF_COUNT_SW_TASK_CLOCK);
}

static void finish_ibs(struct pmu_event *e)
{
	struct perf_event_attr *attr = &e->attr[0];

	e->ibs = true;
	e->min_period = 0x1000;
	e->period_align = 16;
	attr->precise_ip = 0;
	attr->exclude_kernel = attr->config2 & 1; /* swfilt */
	attr->exclude_hv = attr->exclude_guest = attr->exclude_host = 0;
}

/* What is not in the name. */
static void finish(struct pmu_event *e, const char *name, const char *root)
{
	struct perf_event_attr *attr = &e->attr[0];
	uint32_t ibs_type;

	e->nr = 1;
	e->leader[0] = -1;
	e->hardware = is_hardware(attr);
	e->period_align = 1;
	e->min_period = e->hardware ? 101 : is_timer(attr) ? 10000 : 1;
	e->first_period = e->hardware ? FIRST_PERIOD_PMU : is_timer(attr) ? 1000000 : 1;
	text_clean_str(e->name[0], sizeof(e->name[0]), name);
	snprintf(e->label, sizeof(e->label), "%s", e->name[0]);
	if (e->hardware && !attr->precise_ip)
		attr->precise_ip = 3; /* a sample without it has no address; falls as far as it must */
	if (!sysfs_pmu_type(root, "ibs_op", &ibs_type) && attr->type == ibs_type)
		finish_ibs(e);
	attr->sample_period = e->first_period;
}

int pmu_event_parse(const char *name, const char *root, struct pmu_event *e, struct err *err)
{
	struct perf_event_attr *attr = &e->attr[0];
	int rc;

	*e = (struct pmu_event){ .attr = { { .exclude_kernel = 1, .exclude_hv = 1 } } };
	if (!strncmp(name, "raw:", 4))
		rc = parse_raw(name, root, attr, err);
	else if (!strncmp(name, "mem:", 4))
		rc = parse_breakpoint(name, attr, err);
	else
		rc = parse_pfm(name, e, err);
	if (!rc)
		finish(e, name, root);
	return rc;
}
