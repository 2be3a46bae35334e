/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * space.h - addresses of several processes in one order.
 *
 * Where children are watched too, a snapshot and all that is made of it (axis,
 * history, panels, recordings) hold addresses of several address spaces. A user
 * address has at most 56 bits (57 with five levels of page tables, of which the
 * kernel has the upper half), so the bits above carry the number of its process:
 * a place. Places sort by process, then by address, and need no second key.
 * Space 0 is the process that was asked for, and a place in it is the address
 * itself: with one process there is no difference. Addresses with the top bit
 * (the kernel's half) belong to no space and stay as they are.
 *
 * Sources, targets and regions have plain addresses. They become places where
 * snapshots are put together (snapshot_join.c), and plain again where one is
 * printed, typed, or handed to a target. Pure; any thread.
 */
#ifndef COLLECTOR_SPACE_H
#define COLLECTOR_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#define SPACE_SHIFT 56
/* Numbers of spaces. More than are watched at once, so that a number comes back late. */
#define SPACE_MAX	   128
#define SPACE_ADDRESS_MASK ((UINT64_C(1) << SPACE_SHIFT) - 1)
#define SPACE_KERNEL_HALF  (UINT64_C(1) << 63)

static inline uint64_t space_place(unsigned space, uint64_t address)
{
	return address & ~SPACE_ADDRESS_MASK ? address : (uint64_t)space << SPACE_SHIFT | address;
}

static inline unsigned space_of(uint64_t place)
{
	return place & SPACE_KERNEL_HALF ? 0 : (unsigned)(place >> SPACE_SHIFT);
}

static inline uint64_t space_address(uint64_t place)
{
	return place & SPACE_KERNEL_HALF ? place : place & SPACE_ADDRESS_MASK;
}

/* The end of a range as an address: the end of a space is not the beginning of the next. */
static inline uint64_t space_end_address(uint64_t end)
{
	return end ? space_address(end - 1) + 1 : 0;
}

/*
 * The part of [*start, *end), places, that lies in this space, as addresses. False: none does.
 */
static inline bool space_part(unsigned space, uint64_t *start, uint64_t *end)
{
	uint64_t first = (uint64_t)space << SPACE_SHIFT, last = first + SPACE_ADDRESS_MASK;

	if (*start > last || *end <= first || *start >= *end)
		return false;
	*start = *start > first ? *start - first : 0;
	*end = *end - 1 < last ? *end - first : SPACE_ADDRESS_MASK + 1;
	return true;
}

#endif
