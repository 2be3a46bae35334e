/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/x86/code_cache.h"

#include <stdlib.h>
#include <string.h>

#include "collector/x86/decode.h"

/* Sets of 4 ways: 32 Ki decodings, 1 MiB. redis and sqlite use 18 000 addresses in a few seconds. */
#define NR_SETS	 8192
#define NR_WAYS	 4
#define NR_PAGES 64

/* An address of user space has its top byte clear (57 bits at most): it holds the epoch of volatile code. */
#define EPOCH_SHIFT 56
#define ADDR_MASK   ((UINT64_C(1) << EPOCH_SHIFT) - 1)
#define NO_KEY	    UINT64_MAX

struct entry {
	uint64_t key; /* address, epoch on top (0: stays) */
	struct uop uop;
};

struct page {
	uint64_t key;
	unsigned char bytes[CODE_PAGE_BYTES];
};

struct code_cache {
	struct code_reader reader;
	uint64_t epoch; /* 1 ... 255 */
	uint64_t nr_decoded;
	struct entry entries[NR_SETS][NR_WAYS]; /* a set's newest first */
	struct page pages[NR_PAGES];
};

static const struct uop nowhere = { .op = UOP_STOP, .base = UOP_NO_REG, .index = UOP_NO_REG };

struct code_cache *code_cache_new(const struct code_reader *reader)
{
	struct code_cache *cache = malloc(sizeof(*cache));

	if (!cache)
		return NULL;
	cache->reader = *reader;
	cache->nr_decoded = 0;
	code_cache_drop(cache);
	return cache;
}

void code_cache_free(struct code_cache *cache)
{
	free(cache);
}

uint64_t code_cache_nr_decoded(const struct code_cache *cache)
{
	return cache->nr_decoded;
}

void code_cache_drop(struct code_cache *cache)
{
	cache->epoch = 1;
	for (unsigned i = 0; i < NR_SETS; i++)
		for (unsigned k = 0; k < NR_WAYS; k++)
			cache->entries[i][k].key = NO_KEY;
	for (unsigned i = 0; i < NR_PAGES; i++)
		cache->pages[i].key = NO_KEY;
}

void code_cache_age(struct code_cache *cache)
{
	/* The 256th epoch would take the first one's entries for its own. */
	if (++cache->epoch > 255)
		code_cache_drop(cache);
}

static bool matches(const struct code_cache *cache, uint64_t key, uint64_t addr)
{
	uint64_t epoch = key >> EPOCH_SHIFT;

	return (key & ADDR_MASK) == addr && (epoch == 0 || epoch == cache->epoch);
}

/* The page at addr, from memory or read now; NULL: cannot be read. */
static const struct page *get_page(struct code_cache *cache, uint64_t addr)
{
	struct page *page = &cache->pages[(addr / CODE_PAGE_BYTES) % NR_PAGES];
	bool may_change = false;

	if (page->key != NO_KEY && matches(cache, page->key, addr))
		return page;
	page->key = NO_KEY;
	if (!cache->reader.read(cache->reader.ctx, addr, page->bytes, &may_change))
		return NULL;
	page->key = addr | (may_change ? cache->epoch << EPOCH_SHIFT : 0);
	return page;
}

size_t code_cache_read(struct code_cache *cache, uint64_t addr, unsigned char *dst, size_t len, bool *may_change)
{
	size_t done = 0;

	*may_change = false;
	while (done < len) {
		uint64_t at = addr + done, offset = at % CODE_PAGE_BYTES;
		const struct page *page = at & ~ADDR_MASK ? NULL : get_page(cache, at - offset);
		size_t part = CODE_PAGE_BYTES - offset;

		if (!page)
			break;
		if (part > len - done)
			part = len - done;
		memcpy(dst + done, page->bytes + offset, part);
		done += part;
		*may_change |= page->key >> EPOCH_SHIFT != 0;
	}
	return done;
}

static const struct uop *decode_into(struct code_cache *cache, struct entry *set, uint64_t addr)
{
	unsigned char bytes[X86_MAX_INSN];
	bool may_change;
	size_t len = code_cache_read(cache, addr, bytes, sizeof(bytes), &may_change);

	memmove(set + 1, set, (NR_WAYS - 1) * sizeof(*set));
	set->uop = uop_decode(bytes, len);
	/* What cannot be read now may be readable later. */
	set->key = addr | (len && !may_change ? 0 : cache->epoch << EPOCH_SHIFT);
	cache->nr_decoded++;
	return &set->uop;
}

const struct uop *code_cache_get(struct code_cache *cache, uint64_t addr)
{
	struct entry *set = cache->entries[(addr ^ addr >> 13) % NR_SETS];

	if (addr & ~ADDR_MASK)
		return &nowhere;
	for (unsigned i = 0; i < NR_WAYS; i++)
		if (set[i].key != NO_KEY && matches(cache, set[i].key, addr))
			return &set[i].uop;
	return decode_into(cache, set, addr);
}
