/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of /proc/PID/maps as a table. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "collector/mappings.h"

static const char text[] =
	"55d0c2a00000-55d0c2b80000 r-xp 00001000 fe:01 1835                       /usr/bin/kv-server\n"
	"55d0c4e21000-55d0c5e21000 rw-p 00000000 00:00 0                          [heap]\n"
	"7f0000000000-7f0000100000 rw-p 00000000 00:00 0 \n"
	"7f0000100000-7f4000000000 ---p 00000000 00:00 0 \n"
	"7f4000000000-7f4000001000 rw-s 00000000 00:01 77                         /memfd:x\x1b[2J (deleted)\n"
	"7ffc5f1c3000-7ffc5f1e4000 rw-p 00000000 00:00 0                          [stack]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

static struct mappings *parse(const char *s)
{
	return mappings_parse(s, strlen(s), NULL);
}

static void every_field_is_read(void **state)
{
	struct mappings *maps = parse(text);
	char perms[5], name[MAPPINGS_SHORT_NAME_SIZE];

	(void)state;
	assert_non_null(maps);
	assert_int_equal(maps->nr, 7);
	assert_int_equal(maps->v[0].start, 0x55d0c2a00000);
	assert_int_equal(maps->v[0].end, 0x55d0c2b80000);
	assert_int_equal(maps->v[0].offset, 0x1000);
	assert_int_equal(maps->v[0].inode, 1835);
	assert_string_equal(mapping_perms_text(perms, &maps->v[0]), "r-xp");
	assert_string_equal(mapping_perms_text(perms, &maps->v[4]), "rw-s");
	assert_string_equal(mappings_name(maps, &maps->v[0]), "/usr/bin/kv-server");
	assert_string_equal(mappings_short_name(name, maps, &maps->v[0]), "kv-server");
	assert_string_equal(mappings_short_name(name, maps, &maps->v[2]), "anon");
	assert_string_equal(mappings_short_name(name, maps, &maps->v[4]), "memfd:x\\x1b[2J");
	assert_false(mappings_is_deleted(maps, &maps->v[4])); /* shared memory never had a name */
	assert_false(mappings_is_deleted(maps, &maps->v[0]));
	assert_string_equal(mappings_name(maps, &maps->v[4]), "/memfd:x\\x1b[2J (deleted)");
	assert_int_equal(maps->v[0].kind, MAPPING_FILE);
	assert_int_equal(maps->v[1].kind, MAPPING_HEAP);
	assert_int_equal(maps->v[2].kind, MAPPING_ANON);
	assert_int_equal(maps->v[4].kind, MAPPING_SHM);
	assert_int_equal(maps->v[5].kind, MAPPING_STACK);
	assert_int_equal(maps->v[6].kind, MAPPING_VDSO);
	/* what has no permission at all is reserved, not mapped */
	assert_int_equal(maps->mapped_bytes, 0x180000 + 0x1000000 + 0x100000 + 0x1000 + 0x21000 + 0x1000);
	mappings_put(maps);
}

/* The mark goes from what is shown, of a file too; names that only look like it stay. */
static void deleted_files(void **state)
{
	struct mappings *maps = parse("1000-2000 r-xp 00000000 fe:01 5 /lib/libx.so.1 (deleted)\n"
				      "3000-4000 r-xp 00000000 fe:01 6 /lib/x(deleted)\n"
				      "5000-6000 r-xp 00000000 fe:01 7 / (deleted)\n");
	char name[MAPPINGS_SHORT_NAME_SIZE];

	(void)state;
	assert_string_equal(mappings_short_name(name, maps, &maps->v[0]), "libx.so.1");
	assert_true(mappings_is_deleted(maps, &maps->v[0]));
	assert_string_equal(mappings_short_name(name, maps, &maps->v[1]), "x(deleted)");
	assert_false(mappings_is_deleted(maps, &maps->v[1]));
	assert_string_equal(mappings_short_name(name, maps, &maps->v[2]), "/");
	mappings_put(maps);
}

/* What is of hugetlbfs is known by its device alone: name and kind are those of any file or shared memory. */
static void hugetlb_by_device(void **state)
{
	static const char mounts[] = "24 1 0:21 / /sys rw - sysfs sysfs rw\n"
				     "33 24 0:34 / /hugetlbfs rw shared:1 - tmpfs hugetlbfs rw\n"
				     "35 24 0:44 /a /dev/huge\\040pages rw,relatime shared:7 - hugetlbfs none rw\n"
				     "cut\n";
	static const char huge[] = "1000-2000 rw-p 00000000 00:2c 7 /dev/huge pages/x\n"
				   "2000-3000 rw-s 00000000 00:10 8 /memfd:huge (deleted)\n"
				   "3000-4000 rw-s 00000000 00:01 8 /memfd:small (deleted)\n"
				   "4000-5000 rw-p 00000000 00:00 0\n"
				   "5000-7000 rw-p 00000000 00:10 9 /anon_hugepage (deleted)\n";
	struct hugetlb_devices devices = { .v = { 0, makedev(0, 16) }, .nr = 2 };
	struct mappings *maps, *plain = parse(huge);

	(void)state;
	hugetlb_add_mounts(&devices, mounts);
	assert_true(hugetlb_has(&devices, makedev(0, 44)));
	assert_false(hugetlb_has(&devices, makedev(0, 21)));
	assert_false(hugetlb_has(&devices, makedev(0, 34)));
	assert_false(hugetlb_has(NULL, makedev(0, 44)));
	maps = mappings_parse_with(huge, strlen(huge), &devices, NULL);
	assert_int_equal(maps->v[0].perms, MAPPING_READ | MAPPING_WRITE | MAPPING_HUGETLB);
	assert_true(maps->v[1].perms & MAPPING_HUGETLB);
	assert_int_equal(maps->v[1].kind, MAPPING_SHM);
	assert_false(maps->v[2].perms & MAPPING_HUGETLB);
	assert_false(maps->v[3].perms & MAPPING_HUGETLB); /* no file: its device number means nothing */
	assert_int_equal(mappings_hugetlb_bytes(maps), 0x4000);
	assert_int_equal(mappings_hugetlb_bytes(plain), 0);
	assert_false(mappings_equal(maps, plain));
	mappings_put(maps);
	mappings_put(plain);
}

static void found_by_address(void **state)
{
	struct mappings *maps = parse(text);

	(void)state;
	assert_ptr_equal(mappings_find(maps, 0x55d0c2a00000), &maps->v[0]);
	assert_ptr_equal(mappings_find(maps, 0x55d0c2b7ffff), &maps->v[0]);
	assert_null(mappings_find(maps, 0x55d0c2b80000));
	assert_null(mappings_find(maps, 0));
	assert_ptr_equal(mappings_from(maps, 0), &maps->v[0]);
	assert_ptr_equal(mappings_from(maps, 0x55d0c2b80000), &maps->v[1]);
	assert_null(mappings_from(maps, UINT64_MAX));
	mappings_put(maps);
}

static void what_the_kernel_does_not_write_is_refused(void **state)
{
	static const char *const bad[] = {
		"55d0-55e0 r-xp 0 0:0 0\n",			    /* not page aligned */
		"2000-1000 r-xp 0 0:0 0\n",			    /* ends before it starts */
		"1000-1000 r-xp 0 0:0 0\n",			    /* empty */
		"1000-3000 r-xp 0 0:0 0\n2000-4000 r-xp 0 0:0 0\n", /* overlaps */
		"1000-2000 r-xq 0 0:0 0\n",			    /* permissions */
		"1000-2000 r-x\n",				    /* cut */
		"1000\n",
		"-\n",
		"xyz\n",
		"\n",
		"10000000000001000-10000000000002000 rw-p 0 0:0 0\n", /* 17 digits */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = ERR_NONE;

		assert_null(mappings_parse(bad[i], strlen(bad[i]), &err));
		assert_int_equal(err.code, EBADMSG);
	}
}

static void every_cut_of_a_good_text_is_survived(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		char *copy = malloc(len + 1); /* exactly as long, so that a sanitizer sees a read behind it */
		struct mappings *maps;

		memcpy(copy, text, len);
		maps = mappings_parse(copy, len, NULL);
		mappings_put(maps);
		free(copy);
	}
}

static void equal_tables_are_equal(void **state)
{
	struct mappings *a = parse(text), *b = parse(text), *c;
	char other[sizeof(text)];

	(void)state;
	assert_true(mappings_equal(a, b));
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		memcpy(other, text, sizeof(text));
		other[i] = other[i] == '1' ? '2' : '1';
		c = parse(other);
		/* the device number is read over: a file is known by its inode and name */
		if (c && !strchr("fe:01", text[i]) && !strchr("0", text[i]))
			assert_false(mappings_equal(a, c));
		mappings_put(c);
	}
	assert_false(mappings_equal(a, NULL));
	mappings_put(a);
	mappings_put(b);
}

static void names_of_one_file_are_kept_once(void **state)
{
	struct mappings *maps = parse("1000-2000 r--p 0 0:0 5 /lib/x.so\n2000-3000 r-xp 1000 0:0 5 /lib/x.so\n");

	(void)state;
	assert_int_equal(maps->v[0].name, maps->v[1].name);
	assert_int_equal(maps->sz_names, sizeof("/lib/x.so"));
	mappings_put(maps);
}

static void references_are_counted(void **state)
{
	struct mappings *maps = parse(text), *again = mappings_get(maps);

	(void)state;
	mappings_put(maps);
	assert_int_equal(again->nr, 7); /* a sanitizer would see it freed */
	mappings_put(again);
	mappings_put(NULL);
	assert_null(mappings_get(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_read),
		cmocka_unit_test(deleted_files),
		cmocka_unit_test(hugetlb_by_device),
		cmocka_unit_test(found_by_address),
		cmocka_unit_test(what_the_kernel_does_not_write_is_refused),
		cmocka_unit_test(every_cut_of_a_good_text_is_survived),
		cmocka_unit_test(equal_tables_are_equal),
		cmocka_unit_test(names_of_one_file_are_kept_once),
		cmocka_unit_test(references_are_counted),
	};

	return cmocka_run_group_tests_name("mappings", tests, NULL, NULL);
}
