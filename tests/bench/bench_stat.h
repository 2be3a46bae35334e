/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_stat.h - what the benches share: order statistics, and ending with a
 * reason. A line of the table at the end of make bench is "figure" and three fields parted by
 * tabs: what, how much, the goal (- where there is none).
 */
#ifndef TESTS_BENCH_BENCH_STAT_H
#define TESTS_BENCH_BENCH_STAT_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static inline int bench_by_value(const void *va, const void *vb)
{
	double a = *(const double *)va, b = *(const double *)vb;

	return (a > b) - (a < b);
}

/* Sorts v. nr > 0. */
static inline double bench_quantile(double *v, size_t nr, double q)
{
	qsort(v, nr, sizeof(*v), bench_by_value);
	return v[(size_t)(q * (double)(nr - 1) + 0.5)];
}

static inline void bench_must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

#endif
