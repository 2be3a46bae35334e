/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/pmu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/cpu_list.h"
#include "collector/perf_error.h"
#include "collector/pfm.h"
#include "collector/sysfs.h"
#include "collector/sysfs_event.h"

/* Loads of an L3 miss, precise: the same on every Intel core since Haswell (SDM volume 3, table of MEM_LOAD_RETIRED).
 */
#define RAW_L3_MISS 0x20d1

/* About how many events make one sample at first; the source adapts it. */
#define PERIOD_LOADS  100003
#define PERIOD_MISSES 1009
#define PERIOD_IBS    0x40000
#define MIN_PERIOD    101
#define MIN_IBS	      0x1000

static const char *const core_pmus[] = { "cpu", "cpu_core", "cpu_atom" };

struct family {
	const char *misses, *latency, *stores;
};

/* Event names by Intel generation; the first that libpfm4 encodes for the CPU that it detects. */
static const struct family families[] = {
	{ "MEM_LOAD_RETIRED:L3_MISS", "MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=3", "MEM_INST_RETIRED:ALL_STORES" },
	{ "MEM_LOAD_UOPS_RETIRED:L3_MISS", "MEM_TRANS_RETIRED:LOAD_LATENCY:ldlat=3", "MEM_UOPS_RETIRED:ALL_STORES" },
	{ "MEM_LOAD_UOPS_RETIRED:LLC_MISS", "MEM_TRANS_RETIRED:LATENCY_ABOVE_THRESHOLD:ldlat=3",
	  "MEM_UOPS_RETIRED:ALL_STORES" },
};

/* Newer server cores than libpfm4 4.13 knows have the encodings of this one. */
#define NEAREST "spr::"

static struct pmu_event *next_candidate(struct pmu_event *v, size_t *nr)
{
	struct pmu_event *e = &v[*nr];

	*e = (struct pmu_event){ .period_align = 1, .min_period = MIN_PERIOD, .hardware = true };
	return e;
}

/* What all PMU events share; period 0: counts only. */
static struct perf_event_attr *add_event(struct pmu_event *e, const char *name, uint64_t period)
{
	size_t i = e->nr++;

	snprintf(e->name[i], sizeof(e->name[i]), "%s", name);
	e->leader[i] = -1;
	e->attr[i] = (struct perf_event_attr){
		.sample_period = period, .exclude_kernel = 1, .exclude_hv = 1, .exclude_guest = 1
	};
	if (period)
		e->first_period = period;
	return &e->attr[i];
}

/* ---- AMD --------------------------------------------------------------------------------------- */

/*
 * IBS takes no exclude bits: they are -EINVAL, unless the kernel filters in software (swfilt). cnt_ctl counts
 * instructions' ops rather than cycles, so that stalled ones are not favoured.
 */
static bool ibs(const char *root, struct pmu_event *e)
{
	struct perf_event_attr *attr = add_event(e, "ibs_op", PERIOD_IBS);

	attr->exclude_kernel = attr->exclude_hv = attr->exclude_guest = 0;
	if (sysfs_pmu_type(root, "ibs_op", &attr->type))
		return false;
	sysfs_event_term(root, "ibs_op", "cnt_ctl", 1, attr);
	if (!sysfs_event_term(root, "ibs_op", "swfilt", 1, attr))
		attr->exclude_kernel = 1;
	e->ibs = true;
	e->min_period = MIN_IBS;
	e->period_align = 16; /* the kernel refuses the low four bits */
	snprintf(e->label, sizeof(e->label), "IBS op");
	return true;
}

/* ---- Intel through sysfs ---------------------------------------------------------------------- */

static void on_pmu(struct pmu_event *e, const char *root, const char *pmu)
{
	char file[sizeof(e->cpus_file[0])];

	snprintf(file, sizeof(file), SYSFS_PMU_DIR "%s/cpus", pmu);
	if (sysfs_exists(root, file))
		memcpy(e->cpus_file[e->nr - 1], file, sizeof(file));
}

static unsigned best_precise(const char *root, const char *pmu)
{
	long max = sysfs_pmu_number(root, pmu, "caps/max_precise", 3);

	return max > 3 ? 3 : max < 1 ? 0 : (unsigned)max;
}

/* One event of a PMU's events folder, appended to e; false: there is none, and e is as before. */
static bool add_sysfs_event(struct pmu_event *e, const char *root, const char *pmu, const char *event, uint64_t period)
{
	struct perf_event_attr *attr;
	char name[64];

	if (e->nr == PERF_ATTACH_NR_EVENTS)
		return false;
	snprintf(name, sizeof(name), "%s/%s/", pmu, event);
	attr = add_event(e, name, period);
	attr->precise_ip = period ? best_precise(root, pmu) : 0;
	if (sysfs_event_read(root, pmu, event, attr, NULL)) {
		e->nr--;
		return false;
	}
	on_pmu(e, root, pmu);
	return true;
}

/* The loads and stores of one kind of core. */
static void add_core(struct pmu_event *e, const char *root, const char *pmu)
{
	size_t aux = e->nr;

	if (!best_precise(root, pmu))
		return;
	/* Since Sapphire Rapids loads have a data source only behind this one in a group: otherwise -ENODATA. */
	if (!add_sysfs_event(e, root, pmu, "mem-loads-aux", 0))
		aux = SIZE_MAX;
	if (add_sysfs_event(e, root, pmu, "mem-loads", PERIOD_LOADS)) {
		if (aux != SIZE_MAX)
			e->leader[e->nr - 1] = (int)aux;
	} else if (aux != SIZE_MAX) {
		e->nr--;
	}
	add_sysfs_event(e, root, pmu, "mem-stores", PERIOD_LOADS);
}

static bool sysfs_core(const char *root, struct pmu_event *e)
{
	for (size_t i = 0; i < sizeof(core_pmus) / sizeof(core_pmus[0]); i++)
		add_core(e, root, core_pmus[i]);
	snprintf(e->label, sizeof(e->label), "%s loads and stores", e->nr > 3 ? "hybrid" : "PEBS");
	return e->nr > 0;
}

/* ---- Intel through libpfm4 -------------------------------------------------------------------- */

static void from_pfm(struct perf_event_attr *attr, const struct pfm_event *p)
{
	attr->type = p->type;
	attr->config = p->config;
	attr->config1 = p->config1;
	attr->config2 = p->config2;
	attr->precise_ip = p->precise_ip;
	attr->exclude_user = p->exclude_user;
	attr->exclude_kernel = p->exclude_kernel;
	attr->exclude_hv = p->exclude_hv;
	attr->exclude_guest = p->exclude_guest;
	attr->exclude_host = p->exclude_host;
}

static bool add_pfm_event(struct pmu_event *e, const char *prefix, const char *name, unsigned precise, uint64_t period)
{
	struct perf_event_attr *attr;
	struct pfm_event p;
	char full[128];

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	if (pfm_encode(full, &p, NULL))
		return false;
	attr = add_event(e, full, period);
	from_pfm(attr, &p);
	/* Not by ":precise=", which some tables of libpfm4 4.13 refuse for events that do have it. */
	attr->precise_ip = precise;
	return true;
}

static bool libpfm(const char *prefix, unsigned precise, struct pmu_event *e)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && !e->nr; i++) {
		const struct family *f = &families[i];

		if (!add_pfm_event(e, prefix, f->misses, precise, PERIOD_MISSES) &&
		    !add_pfm_event(e, prefix, f->latency, precise, PERIOD_LOADS))
			continue;
		add_pfm_event(e, prefix, f->stores, precise, PERIOD_LOADS);
	}
	if (e->nr)
		snprintf(e->label, sizeof(e->label), "%s", e->name[0]);
	return e->nr > 0;
}

/* ---- the ladder -------------------------------------------------------------------------------- */

static bool is_intel(const char *root)
{
	char text[512];

	return sysfs_read_start(root, "/proc/cpuinfo", text, sizeof(text)) && strstr(text, "GenuineIntel");
}

static size_t intel_candidates(const char *root, struct pmu_event *v, size_t nr)
{
	unsigned precise = best_precise(root, "cpu");
	struct pmu_event *e = next_candidate(v, &nr);
	uint32_t type;

	nr += sysfs_core(root, e);
	if (sysfs_pmu_type(root, "cpu", &type) || !precise)
		return nr;
	e = next_candidate(v, &nr);
	nr += libpfm("", precise, e);
	if (!is_intel(root))
		return nr;
	e = next_candidate(v, &nr);
	if (libpfm(NEAREST, precise, e)) {
		e->guessed = true;
		nr++;
	}
	e = next_candidate(v, &nr);
	e->guessed = true;
	add_event(e, "raw:4,0x20d1", PERIOD_MISSES);
	e->attr[0].type = PERF_TYPE_RAW;
	e->attr[0].config = RAW_L3_MISS;
	e->attr[0].precise_ip = precise;
	snprintf(e->label, sizeof(e->label), "L3 misses (raw 0x20d1)");
	return nr + 1;
}

size_t pmu_candidates(const char *root, struct pmu_event v[PMU_NR_CANDIDATES])
{
	size_t nr = 0;

	nr += ibs(root, next_candidate(v, &nr));
	return intel_candidates(root, v, nr);
}

int pmu_present(const char *root, struct err *err)
{
	char devices[128], cpu[80];
	uint32_t type;

	if (!sysfs_pmu_type(root, "ibs_op", &type))
		return 0;
	for (size_t i = 0; i < sizeof(core_pmus) / sizeof(core_pmus[0]); i++)
		if (!sysfs_pmu_type(root, core_pmus[i], &type) && best_precise(root, core_pmus[i]))
			return 0;
	return err_set(
		err, ENOENT,
		"no PMU that samples data addresses (a VM or a container?). CPU: %s. Devices: %s. A software event "
		"works everywhere: -e perf::PAGE-FAULTS",
		perf_cpu_name(cpu, sizeof(cpu), root), perf_device_names(devices, sizeof(devices), root));
}

/* ---- what is asked for ------------------------------------------------------------------------ */

void pmu_event_want(struct pmu_event *e, bool phys)
{
	/*
	 * No TIME for a PMU: reports do not need it, and without it PEBS may fill its buffer before it interrupts.
	 * No PERIOD for software events: with it they make a sample of every event, whatever the period
	 * (perf_swevent_event() in kernel/events/core.c).
	 */
	if (e->hardware)
		e->sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_ADDR | PERF_SAMPLE_PERIOD |
				 PERF_SAMPLE_DATA_SRC | PERF_SAMPLE_WEIGHT_STRUCT | PERF_SAMPLE_DATA_PAGE_SIZE |
				 (phys ? PERF_SAMPLE_PHYS_ADDR : 0);
	else
		e->sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR |
				 (phys ? PERF_SAMPLE_PHYS_ADDR : 0);
	for (size_t i = 0; i < e->nr; i++) {
		e->attr[i].sample_type = e->sample_type;
		e->attr[i].use_clockid = !e->hardware;
		e->attr[i].clockid = e->hardware ? 0 : 1 /* CLOCK_MONOTONIC */;
	}
}

static void set_type(struct pmu_event *e, uint64_t type)
{
	for (size_t i = 0; i < e->nr; i++)
		e->attr[i].sample_type = type;
}

/* A field that an older kernel does not have, newest first, and what it had instead. */
static const struct {
	uint64_t field, instead;
} newer_fields[] = {
	{ PERF_SAMPLE_WEIGHT_STRUCT, PERF_SAMPLE_WEIGHT }, /* 5.12 */
	{ PERF_SAMPLE_DATA_PAGE_SIZE, 0 },		   /* 5.11 */
	{ PERF_SAMPLE_PHYS_ADDR, 0 },			   /* 4.13 */
};

static bool drop_field(struct pmu_event *e)
{
	uint64_t type = e->attr[0].sample_type;

	for (size_t i = 0; i < sizeof(newer_fields) / sizeof(newer_fields[0]); i++) {
		if (!(type & newer_fields[i].field))
			continue;
		set_type(e, (type & ~newer_fields[i].field) | newer_fields[i].instead);
		return true;
	}
	return false;
}

/* One precise level down for those that are highest, and all fields again. */
static bool lower_precise(struct pmu_event *e)
{
	unsigned highest = 0;

	for (size_t i = 0; i < e->nr; i++)
		if (e->attr[i].precise_ip > highest)
			highest = e->attr[i].precise_ip;
	if (highest < 2)
		return false;
	for (size_t i = 0; i < e->nr; i++)
		if (e->attr[i].precise_ip == highest)
			e->attr[i].precise_ip = (highest - 1) & 3;
	set_type(e, e->sample_type);
	return true;
}

static bool drop_phys(struct pmu_event *e)
{
	if (!(e->attr[0].sample_type & PERF_SAMPLE_PHYS_ADDR))
		return false;
	e->sample_type &= ~(uint64_t)PERF_SAMPLE_PHYS_ADDR;
	set_type(e, e->attr[0].sample_type & ~(uint64_t)PERF_SAMPLE_PHYS_ADDR);
	e->no_phys = true;
	return true;
}

static bool drop_data_src(struct pmu_event *e)
{
	if (!(e->attr[0].sample_type & PERF_SAMPLE_DATA_SRC))
		return false;
	e->sample_type &= ~(uint64_t)PERF_SAMPLE_DATA_SRC;
	set_type(e, e->attr[0].sample_type & ~(uint64_t)PERF_SAMPLE_DATA_SRC);
	return true;
}

bool pmu_event_soften(struct pmu_event *e, int rc)
{
	switch (rc) {
	case -EACCES:
	case -EPERM:
		return drop_phys(e);
	case -EINVAL:
		return drop_field(e) || lower_precise(e);
	case -EOPNOTSUPP:
		return lower_precise(e);
	case -ENODATA:
		return drop_data_src(e);
	default:
		return false;
	}
}
