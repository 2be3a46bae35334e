/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/pfm.h"

#include <errno.h>
#include <perfmon/pfmlib_perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/text.h"

/* An event name is a line that somebody typed. */
#define MAX_NAME 256

static const char *const environment[] = { "LIBPFM_FORCE_PMU", "LIBPFM_ENCODE_INACTIVE", "LIBPFM_DISABLED_PMUS" };

/* libpfm4 keeps its state in globals and is not safe to initialise twice at once: the one place where we do as well. */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void)
{
	/* Lets "spr::NAME" be encoded on a CPU that libpfm4 does not know: names without a prefix are not affected. */
	setenv("LIBPFM_ENCODE_INACTIVE", "1", 0);
	pfm_initialize();
}

const char *pfm_environment(char *dst, size_t size)
{
	char value[64];
	size_t len = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < sizeof(environment) / sizeof(environment[0]); i++) {
		const char *raw = getenv(environment[i]);

		if (!raw || strcmp(environment[i], "LIBPFM_ENCODE_INACTIVE") == 0)
			continue;
		text_clean_str(value, sizeof(value), raw);
		len += (size_t)snprintf(dst + len, size - len, "%s%s=%s", len ? " " : "", environment[i], value);
		if (len >= size)
			break;
	}
	return dst;
}

static int refuse(const char *name, int rc, struct err *err)
{
	char env[128], core[32], shown[96];

	text_clean_str(shown, sizeof(shown), name);
	pfm_environment(env, sizeof(env));
	pfm_core_name(core, sizeof(core));
	if (rc == PFM_ERR_NOINIT)
		return err_set(err, ENOTSUP, "%s: libpfm4 does not start: %s%s%s", shown, pfm_strerror(rc),
			       env[0] ? "; in force: " : "", env);
	return err_set(err, EINVAL,
		       "%s: libpfm4 %s (CPU events: %s%s%s). Write PMU::EVENT:UMASK:precise=2, as in "
		       "perf::PAGE-FAULTS, or raw:TYPE,CONFIG",
		       shown, pfm_strerror(rc), core[0] ? core : "none known", env[0] ? "; in force: " : "", env);
}

int pfm_encode(const char *name, struct pfm_event *event, struct err *err)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };
	pfm_perf_encode_arg_t arg = { .attr = &attr, .size = sizeof(arg) };
	int rc;

	pthread_once(&once, start);
	if (strlen(name) > MAX_NAME)
		return err_set(err, EINVAL, "the event's name is longer than %d characters", MAX_NAME);
	rc = pfm_get_os_event_encoding(name, PFM_PLM3, PFM_OS_PERF_EVENT_EXT, &arg);
	if (rc != PFM_SUCCESS)
		return refuse(name, rc, err);
	*event = (struct pfm_event){
		.type = attr.type,
		.config = attr.config,
		.config1 = attr.config1,
		.config2 = attr.config2,
		.sample_period = attr.sample_period,
		.freq = attr.freq,
		.precise_ip = attr.precise_ip,
		.exclude_user = attr.exclude_user,
		.exclude_kernel = attr.exclude_kernel,
		.exclude_hv = attr.exclude_hv,
		.exclude_guest = attr.exclude_guest,
		.exclude_host = attr.exclude_host,
	};
	return 0;
}

const char *pfm_core_name(char *dst, size_t size)
{
	pfm_pmu_info_t info;

	pthread_once(&once, start);
	dst[0] = '\0';
	for (int pmu = PFM_PMU_NONE; pmu < PFM_PMU_MAX; pmu++) {
		info = (pfm_pmu_info_t){ .size = sizeof(info) };
		if (pfm_get_pmu_info((pfm_pmu_t)pmu, &info) != PFM_SUCCESS || !info.is_present ||
		    info.type != PFM_PMU_TYPE_CORE)
			continue;
		/* The architected one is there beside the model's own, and has no memory events. */
		if (!dst[0] || strcmp(dst, "ix86arch") == 0)
			text_clean_str(dst, size, info.name);
	}
	return dst;
}
