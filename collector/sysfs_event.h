/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysfs_event.h - a PMU as sysfs describes it: type, events, and the fields
 * that its terms fill.
 *
 * /sys/bus/event_source/devices/PMU/{type,events/NAME,format/TERM}: Linux's
 * ABI/testing/sysfs-bus-event_source-devices-format and -events. The text is
 * not trusted: what is not exactly of that form is refused. Any thread.
 */
#ifndef COLLECTOR_SYSFS_EVENT_H
#define COLLECTOR_SYSFS_EVENT_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

#include "collector/err.h"

#define SYSFS_PMU_DIR "/sys/bus/event_source/devices/"

/* The perf_event_attr type of a PMU below root. 0; -ENOENT: no such PMU, -EBADMSG. */
int sysfs_pmu_type(const char *root, const char *pmu, uint32_t *type);

/* A number below the PMU's folder, such as caps/max_precise; fallback where there is none. */
long sysfs_pmu_number(const char *root, const char *pmu, const char *file, long fallback);

/*
 * Puts value into the bits that format/TERM names ("config:0-7,32-35"), on top of what attr has. 0; -ENOENT: the PMU
 * has no such term; -ERANGE: value has more bits than the term; -EBADMSG: not a format.
 */
int sysfs_event_term(const char *root, const char *pmu, const char *term, uint64_t value, struct perf_event_attr *attr);

/*
 * Fills type and config words of attr from events/NAME ("event=0xcd,umask=0x1,ldlat=3"). 0; -ENOENT: the PMU has no
 * such event; -EBADMSG, -ERANGE with a message.
 */
int sysfs_event_read(const char *root, const char *pmu, const char *event, struct perf_event_attr *attr,
		     struct err *err);

/* The two parsers, pure. */
int sysfs_format_apply(const char *format, uint64_t value, struct perf_event_attr *attr);

#endif
