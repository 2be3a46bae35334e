/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * damo_number.h - numbers in all the spellings that damo writes: "139,637",
 * "143.027 MiB", "3 s 200 ms", "max", and plain ones.
 *
 * Pure functions, any thread. True and *value, or false: it is no such number.
 * A negative number is none; what is too large becomes UINT64_MAX.
 */
#ifndef COLLECTOR_DAMO_NUMBER_H
#define COLLECTOR_DAMO_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* A count, or bytes with or without a unit (K, KB, KiB ... all of 1024). */
bool damo_number_bytes(const char *s, uint64_t *value);
/* A time. Units ns us ms s m h d; without a unit it is in units of unit_ns. */
bool damo_number_ns(const char *s, uint64_t unit_ns, uint64_t *value);

#endif
