/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_smaps: any bytes as smaps, in pieces whose size is the first byte. What
 * is handed over must be a range; cut in other pieces, the text must say the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "collector/smaps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *ctx, const struct smaps_entry *entry)
{
	uint64_t *sum = ctx;

	if (entry->start >= entry->end)
		abort();
	*sum = *sum * 31 + entry->start + entry->rss_bytes * 7 + entry->referenced_bytes;
}

static int parse(const char *text, size_t size, size_t piece, uint64_t *sum)
{
	struct smaps_parser parser;
	int rc = 0;

	*sum = 0;
	smaps_begin(&parser, take, sum);
	for (size_t at = 0; at < size && !rc; at += piece)
		rc = smaps_feed(&parser, text + at, size - at < piece ? size - at : piece, NULL);
	return rc ? rc : smaps_end(&parser, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole, cut;

	if (size < 2)
		return 0;
	if (parse((const char *)data + 1, size - 1, size, &whole) !=
		    parse((const char *)data + 1, size - 1, (size_t)data[0] + 1, &cut) ||
	    whole != cut)
		abort();
	return 0;
}
