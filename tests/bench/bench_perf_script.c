/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_perf_script: the same samples through perf script and through ours.
 *
 * perf record writes page faults of this program's own "touch" mode, each with its address, to a file. Then by turns:
 * perf script prints their addresses, and nothing else, to /dev/null; the real source takes the file's records from a
 * ring and counts them in 1 000 regions. Reading the file and filling the ring is in our time. "bench_perf_script
 * DAMONTOP" also plays the file by that program. CPU times, of all of each program or pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collector/attrs.h"
#include "collector/clock.h"
#include "collector/region.h"
#include "collector/sources/perf.h"
#include "tests/bench/bench_stat.h"
#include "tests/unit/perf_sim.h"

#define NR_ROUNDS  7
#define NR_REGIONS 1000
#define NR_PAGES   128 /* of the ring: as the source takes them by default */
#define SZ_TOUCH   ((size_t)64 << 20)
#define NR_TOUCHES 100
/* As perf record -d lays out a page fault. */
#define FILE_TYPE \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | (uint64_t)PERF_SAMPLE_DATA_SRC)

extern char **environ;

struct file_record {
	struct perf_event_header header;
	uint64_t ip;
	uint32_t pid, tid;
	uint64_t time, addr, data_src;
};

/* The same in a ring: with the event's id, and without the data source that a page fault never has. */
struct ring_record {
	struct perf_event_header header;
	uint64_t id, ip;
	uint32_t pid, tid;
	uint64_t time, addr;
};

struct bench {
	struct sink sink;
	struct regions regions;
	uint64_t nr_reports, nr_samples; /* samples: in the file, of the process */
	pid_t pid;
	char path[128];
	struct perf_sim ring;
};

/* ---- what is recorded ---- */

static int touch(void)
{
	char *mem = mmap(NULL, SZ_TOUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	bench_must(mem != MAP_FAILED && !madvise(mem, SZ_TOUCH, MADV_NOHUGEPAGE), "no memory to touch");
	for (int round = 0; round < NR_TOUCHES; round++) {
		for (size_t off = 0; off < SZ_TOUCH; off += 4096)
			((volatile char *)mem)[off] = 1;
		madvise(mem, SZ_TOUCH, MADV_DONTNEED);
	}
	return 0;
}

/* Runs a program with its output thrown away; its CPU time in seconds, or -1 where it fails. */
static double run(const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	int status, rc;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc || wait4(pid, &status, 0, &usage) != pid || status)
		return -1;
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void record(struct bench *b)
{
	const char *const argv[] = { "perf", "record", "-q", "-e",    "page-faults:u",	"-c", "1", "-d", "-m", "2048",
				     "-B",   "-N",     "-o", b->path, "/proc/self/exe", NULL, NULL };
	const char *own[sizeof(argv) / sizeof(argv[0])];
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	bench_must(len > 0, "cannot tell where this program is");
	self[len] = '\0';
	memcpy(own, argv, sizeof(argv));
	own[14] = self;
	own[15] = "touch";
	bench_must(run(own) >= 0, "perf record fails (package linux-perf; kernel.perf_event_paranoid at most 2)");
}

/* ---- ours ---- */

static void count(struct sink *sink, const struct report *v, size_t nr)
{
	struct bench *b = (struct bench *)(void *)sink;

	regions_add(&b->regions, v, nr);
	b->nr_reports += nr;
}

static struct source *open_source(struct bench *b)
{
	struct source_params params = { .clock = &clock_system, .root = "", .attrs = attrs_default() };
	struct err err = ERR_NONE;
	struct pmu_event event;
	struct source *source;

	params.attrs.period = 1;
	bench_must(!pmu_event_parse("perf::PAGE-FAULTS", "", &event, &err), err.text);
	pmu_event_want(&event, false);
	bench_must(!perf_source_open_files(&source, &params, &event, b->pid, &b->ring.fd, 1, NR_PAGES, &err), err.text);
	return source;
}

/* In our time, so without a call for each (as perf_sim_write_raw() would be). */
static void put(struct bench *b, uint64_t head, const struct ring_record *r)
{
	size_t off = head & (b->ring.sz_data - 1),
	       first = b->ring.sz_data - off < sizeof(*r) ? b->ring.sz_data - off : sizeof(*r);

	memcpy(b->ring.data + off, r, first);
	memcpy(b->ring.data, (const char *)r + first, sizeof(*r) - first);
}

static void drain(struct bench *b, struct source *source, uint64_t head)
{
	__atomic_store_n(&b->ring.page->data_head, head, __ATOMIC_RELEASE);
	bench_must(!source_perf.drain(source, &b->sink, NULL), "drain");
}

/* All samples in [at, end) of the file through the ring. */
static void feed(struct bench *b, struct source *source, const unsigned char *at, const unsigned char *end)
{
	uint64_t head = b->ring.page->data_tail;

	while (at + sizeof(struct perf_event_header) <= end) {
		const struct file_record *f = (const struct file_record *)(const void *)at;
		struct ring_record r = { .header = f->header, .id = 1 };

		bench_must(f->header.size >= sizeof(f->header) && at + f->header.size <= end, "perf.data is damaged");
		at += f->header.size;
		if (f->header.type != PERF_RECORD_SAMPLE || f->header.size != sizeof(*f))
			continue;
		r.header.size = sizeof(r);
		r.ip = f->ip;
		r.pid = f->pid;
		r.tid = f->tid;
		r.time = f->time;
		r.addr = f->addr;
		if (head - b->ring.page->data_tail + sizeof(r) > b->ring.sz_data)
			drain(b, source, head);
		put(b, head, &r);
		head += sizeof(r);
	}
	drain(b, source, head);
}

/* The place of the data, and the pid and address range of the samples. */
struct content {
	const unsigned char *data, *end;
	struct range range;
};

static struct content look(struct bench *b, const unsigned char *file, size_t size)
{
	const uint64_t *head = (const uint64_t *)(const void *)file; /* magic, size, attr_size, attrs, data, types */
	struct content c = { .range = { .start = UINT64_MAX } };
	struct perf_event_attr attr = { 0 };
	const unsigned char *at;

	bench_must(size > 104 && !memcmp(file, "PERFILE2", 8) && head[5] + head[6] <= size, "not a perf.data");
	memcpy(&attr, file + head[3], head[2] - 16 < sizeof(attr) ? head[2] - 16 : sizeof(attr));
	bench_must(attr.sample_type == FILE_TYPE, "this perf lays out its samples in another way");
	c.data = file + head[5];
	c.end = c.data + head[6];
	for (at = c.data; at + sizeof(struct perf_event_header) <= c.end;) {
		const struct file_record *f = (const struct file_record *)(const void *)at;

		bench_must(f->header.size >= sizeof(f->header), "perf.data is damaged");
		at += f->header.size;
		if (f->header.type != PERF_RECORD_SAMPLE)
			continue;
		b->pid = (pid_t)f->pid;
		b->nr_samples++;
		c.range.start = f->addr < c.range.start ? f->addr : c.range.start;
		c.range.end = f->addr > c.range.end ? f->addr : c.range.end;
	}
	c.range.start &= ~UINT64_C(4095);
	c.range.end = (c.range.end | 4095) + 1;
	return c;
}

static double own_cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const unsigned char *map_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const unsigned char *file;
	struct stat st;

	bench_must(fd >= 0 && !fstat(fd, &st), "perf.data cannot be opened");
	*size = (size_t)st.st_size;
	file = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	bench_must(file != MAP_FAILED, "perf.data cannot be mapped");
	close(fd);
	return file;
}

/* One pass over the file, from opening it on; its CPU time in seconds. */
static double own_pass(struct bench *b, const struct range *range)
{
	struct attrs attrs = attrs_default();
	double from = own_cpu_s();
	const unsigned char *file;
	const uint64_t *head;
	struct source *source;
	size_t size;

	file = map_file(b->path, &size);
	head = (const uint64_t *)(const void *)file;
	attrs.min_nr_regions = attrs.max_nr_regions = NR_REGIONS;
	regions_init(&b->regions, REGION_COUNT_EVENTS);
	regions_set_ranges(&b->regions, range, 1, &attrs);
	b->nr_reports = 0;
	b->ring.page->data_head = b->ring.page->data_tail = 0;
	source = open_source(b);
	feed(b, source, file + head[5], file + head[5] + head[6]);
	bench_must(b->nr_reports == b->nr_samples && !b->regions.nr_outside, "samples are missing");
	source_perf.close(source);
	regions_free(&b->regions);
	munmap((void *)(uintptr_t)file, size);
	return own_cpu_s() - from;
}

/* ---- both ---- */

static void figure(const char *what, const char *goal, double *ratio, size_t nr, double million)
{
	printf("figure\t%s\t%.1f (quartiles %.1f to %.1f), %.1f million samples/s\t%s\n", what,
	       bench_quantile(ratio, nr, 0.5), bench_quantile(ratio, nr, 0.25), bench_quantile(ratio, nr, 0.75),
	       million, goal);
}

static void compare(struct bench *b, const struct range *range, const char *damontop)
{
	const char *const script[] = { "perf", "script", "-i", b->path, "-F", "addr", NULL };
	const char *const replay[] = { damontop, "-r", b->path, "--json", NULL };
	double perf[NR_ROUNDS], own[NR_ROUNDS], played[NR_ROUNDS], n = (double)b->nr_samples / 1e6;

	for (int i = 0; i < NR_ROUNDS; i++) {
		double perf_s = run(script), played_s = damontop ? run(replay) : perf_s, own_s = own_pass(b, range);

		bench_must(perf_s > 0, "perf script fails");
		bench_must(played_s > 0, "damontop -r fails");
		perf[i] = n / perf_s;
		own[i] = perf_s / own_s;
		played[i] = perf_s / played_s;
	}
	printf("%.2f million samples; perf script: %.2f million/s (quartiles %.2f to %.2f)\n", n,
	       bench_quantile(perf, NR_ROUNDS, 0.5), bench_quantile(perf, NR_ROUNDS, 0.25),
	       bench_quantile(perf, NR_ROUNDS, 0.75));
	figure("ring to regions, times perf script on the same samples", ">= 5", own, NR_ROUNDS,
	       bench_quantile(perf, NR_ROUNDS, 0.5) * bench_quantile(own, NR_ROUNDS, 0.5));
	if (damontop)
		figure("damontop -r perf.data --json, times perf script", "-", played, NR_ROUNDS,
		       bench_quantile(perf, NR_ROUNDS, 0.5) * bench_quantile(played, NR_ROUNDS, 0.5));
}

int main(int argc, char **argv)
{
	struct bench b = { .sink = { .reports = count } };
	const char *tmp = getenv("TMPDIR");
	char dir[96];
	const unsigned char *file;
	struct content content;
	size_t size;

	if (argc > 1 && !strcmp(argv[1], "touch"))
		return touch();
	snprintf(dir, sizeof(dir), "%.64s/bench-perf-XXXXXX", tmp ? tmp : "/tmp");
	bench_must(mkdtemp(dir) != NULL, "no temporary folder");
	snprintf(b.path, sizeof(b.path), "%s/perf.data", dir);
	record(&b);
	bench_must(perf_sim_open(&b.ring, NR_PAGES, 0), "no ring");
	file = map_file(b.path, &size);
	/* Open files and mappings outlive their names, but perf and damontop want the name. */
	content = look(&b, file, size);
	compare(&b, &content.range, argc > 1 ? argv[1] : NULL);
	unlink(b.path);
	rmdir(dir);
	return 0;
}
