/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * array.h - arrays that grow, and ranges in order.
 *
 * Plain memory, which the caller frees with free(). Any thread.
 */
#ifndef COLLECTOR_ARRAY_H
#define COLLECTOR_ARRAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Room for nr elements of size bytes: the array at v, perhaps moved, or NULL (then v and *cap stay as they were). */
static inline void *array_grow(void *v, size_t *cap, size_t nr, size_t size)
{
	size_t new_cap = *cap * 2 > nr ? *cap * 2 : nr;

	if (nr <= *cap)
		return v;
	if (new_cap < 64)
		new_cap = 64;
	v = realloc(v, new_cap * size);
	if (v)
		*cap = new_cap;
	return v;
}

/*
 * Of nr half-open ranges in order, in elements of size bytes with their end (uint64_t) at end_at: the first that ends
 * above addr; nr where there is none.
 */
static inline size_t array_first_above(const void *v, size_t nr, size_t size, size_t end_at, uint64_t addr)
{
	size_t lo = 0, hi = nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (*(const uint64_t *)(const void *)((const char *)v + mid * size + end_at) > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

#endif
