/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decode.h - bytes of x86-64 code to a uop, by Zydis.
 *
 * Pure; any thread.
 */
#ifndef COLLECTOR_X86_DECODE_H
#define COLLECTOR_X86_DECODE_H

#include <stddef.h>

#include "collector/x86/uop.h"

/* The longest instruction. */
#define X86_MAX_INSN 15

/*
 * Decodes the instruction at the start of code, of which len bytes can be read. What is not an
 * instruction, or is cut off, gives UOP_STOP with len 0.
 */
struct uop uop_decode(const unsigned char *code, size_t len);

#endif
