/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rng.h - seeded random numbers (SplitMix64, Steele, Lea and Flood 2014).
 *
 * The caller owns the state and passes it in; the same seed gives the same
 * numbers on every machine. One thread at a time has a state. Not for secrets.
 */
#ifndef COLLECTOR_RNG_H
#define COLLECTOR_RNG_H

#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline struct rng rng_seeded(uint64_t seed)
{
	return (struct rng){ .state = seed };
}

static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* A number in [0, bound), bound > 0; the bias is below 2^-32 for bounds below 2^32. */
static inline uint64_t rng_below(struct rng *rng, uint64_t bound)
{
	return (uint64_t)(((unsigned __int128)rng_next(rng) * bound) >> 64);
}

/* A number in [0, 1). */
static inline double rng_unit(struct rng *rng)
{
	return (double)(rng_next(rng) >> 11) * 0x1.0p-53;
}

#endif
