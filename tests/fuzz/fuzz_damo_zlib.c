/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_damo_zlib: json_compressed. Half of the mutations are made in the compressed bytes, which is how files are
 * damaged; the others in the text within, which no mutation of compressed bytes would reach.
 */
#include <zlib.h>

#include "tests/fuzz/recording_target.h"

#define MAX_TEXT (1u << 20)

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return read_recording(data, size, "json");
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static uint8_t text[MAX_TEXT], packed[MAX_TEXT];
	uLongf sz_text = MAX_TEXT / 2, sz_packed = sizeof(packed);
	size_t mutated;

	if (seed % 2 || uncompress(text, &sz_text, data, size) != Z_OK)
		return LLVMFuzzerMutate(data, size, max_size);
	mutated = LLVMFuzzerMutate(text, sz_text, MAX_TEXT / 2);
	if (compress2(packed, &sz_packed, text, mutated, 1) != Z_OK || sz_packed > max_size)
		return LLVMFuzzerMutate(data, size, max_size);
	memcpy(data, packed, sz_packed);
	return sz_packed;
}
