/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of functions: of this very program, of a stripped copy with its debug file, and of files that are damaged. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/elf_names.h"
#include "collector/mappings.h"
#include "collector/rng.h"
#include "collector/symbols.h"
#include "tests/unit/file_tree.h"

/* What a C++ compiler calls app::cache::get(int). */
__attribute__((noinline)) int mangled(int i) __asm__("_ZN3app5cache3getEi");
__attribute__((noinline)) int mangled(int i)
{
	return i + 1;
}

__attribute__((noinline)) static int plain_function(int i)
{
	return i + 2;
}

static struct mappings *own_maps(void)
{
	static char text[1 << 20];
	struct err err = ERR_NONE;
	struct mappings *maps;
	FILE *f = fopen("/proc/self/maps", "r");
	size_t len = fread(text, 1, sizeof(text), f);

	fclose(f);
	maps = mappings_parse(text, len, &err);
	assert_non_null(maps);
	return maps;
}

static uint64_t code_at(int (*fn)(int))
{
	return (uint64_t)(uintptr_t)fn;
}

static uint64_t offset_of(int (*fn)(int))
{
	struct mappings *maps = own_maps();
	const struct mapping *m = mappings_find(maps, code_at(fn));
	uint64_t offset;

	assert_non_null(m);
	offset = m->offset + (code_at(fn) - m->start);
	mappings_put(maps);
	return offset;
}

static void names_of_this_program(void **state)
{
	struct symbols *s = symbols_new("/proc", SYMBOLS_NOW);
	struct mappings *maps = own_maps();
	char name[ELF_NAME_SIZE] = "";
	uint64_t within = 99;

	(void)state;
	assert_true(symbols_name(s, getpid(), maps, code_at(plain_function), name, sizeof(name), &within));
	assert_string_equal(name, "plain_function");
	assert_int_equal(within, 0);
	assert_true(symbols_name(s, getpid(), maps, code_at(mangled) + 1, name, sizeof(name), &within));
	assert_string_equal(name, "app::cache::get");
	assert_int_equal(within, 1);
	/* of the C library, whose table is of the kind that is shared */
	assert_true(symbols_name(s, getpid(), maps, (uint64_t)(uintptr_t)dlsym(RTLD_DEFAULT, "qsort"), name,
				 sizeof(name), &within));
	assert_non_null(strstr(name, "qsort"));
	/* a heap is no file, and what is not mapped is nothing */
	assert_false(symbols_name(s, getpid(), maps, (uint64_t)(uintptr_t)s, name, sizeof(name), &within));
	assert_false(symbols_name(s, getpid(), maps, 1, name, sizeof(name), &within));
	assert_false(symbols_name(NULL, getpid(), maps, code_at(mangled), name, sizeof(name), &within));
	mappings_put(maps);
	symbols_free(s);
}

/* The asking thread never waits; sooner or later the answer is there. More is asked for than there is room for. */
static void the_other_thread_answers(void **state)
{
	struct symbols *s = symbols_new("/proc", SYMBOLS_LATER);
	struct mappings *maps = own_maps();
	char name[ELF_NAME_SIZE];
	uint64_t within;
	int i;

	(void)state;
	for (uint64_t at = 0; at < 2000; at++)
		symbols_name(s, getpid(), maps, code_at(plain_function) + 16 * at, name, sizeof(name), &within);
	for (i = 0; i < 10000; i++) {
		if (symbols_name(s, getpid(), maps, code_at(mangled), name, sizeof(name), &within))
			break;
		usleep(1000);
	}
	assert_string_equal(name, "app::cache::get");
	/* freed with orders that nobody has looked at */
	for (uint64_t at = 0; at < 40; at++)
		symbols_name(s, getpid(), maps, code_at(mangled) - 16 * at, name, sizeof(name), &within);
	mappings_put(maps);
	symbols_free(s);
}

/* A process that is gone, or another file under the name: no answer, and no question again. */
static void nothing_to_look_in(void **state)
{
	struct symbols *s = symbols_new("/nowhere", SYMBOLS_NOW);
	struct mappings *maps = own_maps();
	char name[ELF_NAME_SIZE];
	uint64_t within;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_false(symbols_name(s, getpid(), maps, code_at(mangled), name, sizeof(name), &within));
	mappings_put(maps);
	symbols_free(s);
}

/* ---- files ---- */

struct folder {
	struct file_tree tree;
	char copy[96], command[1024];
};

static struct folder folder_new(void)
{
	char self[512] = "";
	struct folder f;

	file_tree_new(&f.tree);
	snprintf(f.copy, sizeof(f.copy), "%s/copy", f.tree.root);
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	snprintf(f.command, sizeof(f.command), "cp '%s' %s", self, f.copy);
	assert_int_equal(system(f.command), 0);
	return f;
}

static void folder_end(struct folder *f)
{
	file_tree_free(&f->tree);
}

static int find_in(const char *path, const char *debug_dir, struct elf_name *name)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	assert_true(fd >= 0);
	rc = elf_names_find(fd, debug_dir, name, 1);
	close(fd);
	return rc;
}

static void stripped_with_a_debug_file(void **state)
{
	struct elf_name name = { .offset = offset_of(plain_function) };
	struct folder f = folder_new();

	(void)state;
	snprintf(f.command, sizeof(f.command),
		 "cd %s && id=$(readelf -n copy | sed -n 's/.*Build ID: //p') && rest=${id#??} && "
		 "mkdir -p .build-id/${id%%$rest} && objcopy --only-keep-debug copy .build-id/${id%%$rest}/$rest.debug "
		 "&& "
		 "strip copy",
		 f.tree.root);
	assert_int_equal(system(f.command), 0);
	assert_int_equal(find_in(f.copy, NULL, &name), 0);
	assert_string_equal(name.text, "");
	assert_int_equal(name.start, name.end);
	assert_int_equal(find_in(f.copy, f.tree.root, &name), 0);
	assert_string_equal(name.text, "plain_function");
	assert_int_equal(name.start, name.offset);
	assert_true(name.end > name.start);
	folder_end(&f);
}

static void damaged_files(void **state)
{
	struct rng rng = rng_seeded(5);
	struct folder f = folder_new();
	struct stat st;

	(void)state;
	assert_int_equal(stat(f.copy, &st), 0);
	for (int i = 0; i < 300; i++) {
		struct elf_name name = { .offset = i % 2 ? offset_of(mangled) : rng_next(&rng) };
		int fd = open(f.copy, O_RDWR | O_CLOEXEC);
		/* mostly where the headers are: a flipped byte of code does nothing */
		uint64_t at = i % 3 ? rng_below(&rng, 1024) : (uint64_t)st.st_size - 1 - rng_below(&rng, 4096);
		unsigned char byte = (unsigned char)rng_next(&rng);

		assert_true(fd >= 0);
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
		elf_names_find(fd, NULL, &name, 1);
		assert_true(memchr(name.text, 0, sizeof(name.text)) != NULL);
		if (i % 20 == 19)
			assert_int_equal(ftruncate(fd, (off_t)rng_below(&rng, (uint64_t)st.st_size)), 0);
		close(fd);
		if (i % 20 == 19) {
			find_in(f.copy, NULL, &name);
			folder_end(&f);
			f = folder_new();
		}
	}
	folder_end(&f);
}

static void no_elf_file(void **state)
{
	struct folder f = folder_new();
	struct elf_name name = { .offset = 5, .text = "x" };
	FILE *out = fopen(f.copy, "w");

	(void)state;
	fputs("not a program", out);
	fclose(out);
	assert_int_equal(find_in(f.copy, NULL, &name), -EBADMSG);
	assert_string_equal(name.text, "");
	folder_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_this_program), cmocka_unit_test(the_other_thread_answers),
		cmocka_unit_test(nothing_to_look_in),	 cmocka_unit_test(stripped_with_a_debug_file),
		cmocka_unit_test(damaged_files),	 cmocka_unit_test(no_elf_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
