/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/sources/clock_code.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "collector/mapped_file.h"

#define RED_ZONE    128
#define STACK_ABOVE 65536

/* Bytes of files mapped read-only stay what they are; a JIT's do not. A mapping we have not heard of yet may be either.
 */
static bool may_change_under_us(const struct mapping *m)
{
	return !m || !(m->kind == MAPPING_FILE || m->kind == MAPPING_VDSO) || (m->perms & MAPPING_WRITE);
}

static bool read_file(const struct clock_code *code, const struct mapping *m, uint64_t addr, unsigned char *dst)
{
	int fd = m ? mapped_file_open(code->target->proc_fd, code->target->maps, m) : -1;
	ssize_t got;

	if (fd < 0)
		return false;
	memset(dst, 0, CODE_PAGE_BYTES);
	got = pread(fd, dst, CODE_PAGE_BYTES, (off_t)(m->offset + (addr - m->start)));
	close(fd);
	return got > 0;
}

static bool read_page(void *ctx, uint64_t addr, unsigned char dst[CODE_PAGE_BYTES], bool *may_change)
{
	const struct clock_code *code = ctx;
	const struct mapping *m = mappings_find(code->target->maps, addr);

	/* Nothing but code: what stands beside it is none of our business. */
	if (m && !(m->perms & MAPPING_EXEC))
		return false;
	*may_change = may_change_under_us(m);
	if (code->mem_fd >= 0)
		return pread(code->mem_fd, dst, CODE_PAGE_BYTES, (off_t)addr) == CODE_PAGE_BYTES;
	return read_file(code, m, addr, dst);
}

/* FNV-1a over what makes an executable mapping what it is. */
static uint64_t add_word(uint64_t hash, uint64_t word)
{
	for (int i = 0; i < 8; i++)
		hash = (hash ^ (word >> (8 * i) & 0xff)) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t exec_signature(const struct mappings *maps)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < maps->nr; i++) {
		const struct mapping *m = &maps->v[i];

		if (!(m->perms & MAPPING_EXEC))
			continue;
		hash = add_word(hash, m->start);
		hash = add_word(hash, m->end);
		hash = add_word(hash, m->inode);
		hash = add_word(hash, m->offset ^ m->perms);
	}
	return hash;
}

int clock_code_open(struct clock_code *code, const struct target *target, struct err *err)
{
	struct code_reader reader = { .read = read_page, .ctx = code };

	*code = (struct clock_code){ .target = target, .mem_fd = -1 };
	code->cache = code_cache_new(&reader);
	code->back = code->cache ? look_back_new(code->cache) : NULL;
	if (!code->back) {
		clock_code_close(code);
		return err_set(err, ENOMEM, "Out of memory for decoded instructions");
	}
	code->mem_fd = target_open_file(target, "mem", O_RDONLY | O_CLOEXEC);
	code->exec_signature = exec_signature(target->maps);
	return 0;
}

void clock_code_close(struct clock_code *code)
{
	if (code->cache && code->mem_fd >= 0)
		close(code->mem_fd);
	look_back_free(code->back);
	code_cache_free(code->cache);
	*code = (struct clock_code){ .mem_fd = -1 };
}

void clock_code_drop(struct clock_code *code)
{
	code_cache_drop(code->cache);
	look_back_drop(code->back);
}

struct x86_found clock_code_find(struct clock_code *code, const struct x86_sample *sample)
{
	uint64_t followed = look_back_followed(code->cache, sample->ip);
	struct x86_found found = { .nr = 0 };

	/* What the timer has met waiting is the pointer, not what comes after it. */
	if (followed)
		found = x86_find_access_of(sample, code->cache, followed);
	if (!found.nr)
		found = x86_find_access(sample, code->cache);
	return found.nr ? found : look_back_find(code->back, sample);
}

void clock_code_update(struct clock_code *code, unsigned changes)
{
	uint64_t signature;

	if (changes & TARGET_CHANGED_EXEC) {
		/* The old descriptor shows the old program's memory. */
		if (code->mem_fd >= 0)
			close(code->mem_fd);
		code->mem_fd = target_open_file(code->target, "mem", O_RDONLY | O_CLOEXEC);
	}
	if (!(changes & (TARGET_CHANGED_EXEC | TARGET_CHANGED_MAPPINGS)))
		return;
	signature = exec_signature(code->target->maps);
	if (signature != code->exec_signature || (changes & TARGET_CHANGED_EXEC))
		clock_code_drop(code);
	code->exec_signature = signature;
}

void clock_stack_window(const struct mappings *maps, uint64_t sp, uint64_t *start, uint64_t *end)
{
	const struct mapping *m = mappings_find(maps, sp);

	*start = sp < RED_ZONE ? 0 : sp - RED_ZONE;
	*end = sp + STACK_ABOVE < sp ? UINT64_MAX : sp + STACK_ABOVE;
	if (!m)
		return;
	if (m->kind == MAPPING_STACK) {
		*start = m->start;
		*end = m->end;
	} else if (*end > m->end) {
		*end = m->end;
	}
}
