/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86_lines.h - random instructions of every class that the emulator knows, as
 * code: a table of lines, each an instruction with random operands, or a few
 * bytes as they are.
 *
 * Memory is accessed by rbx (data), by rsp and r13 (the stack), and now and then
 * by any other register; r12 is a small index. Those four are not written but by
 * lines that put them back. Pure but for the numbers from rng.
 */
#ifndef TESTS_UNIT_X86_LINES_H
#define TESTS_UNIT_X86_LINES_H

#include <stddef.h>

#include "collector/rng.h"
#include "collector/x86/decode.h"

#define X86_LINES_MAX 256
extern const size_t x86_lines_nr;

const char *x86_line_name(size_t nr);
/*
 * Line nr, with other operands each time, at dst, which has room for X86_MAX_INSN bytes. How many there are; 0: it
 * cannot be encoded.
 */
size_t x86_line_encode(size_t nr, struct rng *rng, unsigned char *dst);

#endif
