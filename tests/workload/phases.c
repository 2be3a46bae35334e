/* SPDX-License-Identifier: GPL-2.0-or-later */
/* phases.c - the phase file: README.md has its grammar. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/workload/workload.h"

const char *const map_kind_names[NR_MAP_KINDS] = { "anon", "shared", "memfd", "file", "hugetlb" };
const char *const pattern_names[NR_PATTERNS] = { "random", "sequential", "chase", "touch", "sweep" };

#define MAX_WORDS 24

struct parser {
	struct plan *plan;
	const char *file;
	unsigned line;
	struct phase *phase; /* the one that access lines go to */
	unsigned nr_words;
	char *words[MAX_WORDS];
};

static _Noreturn void bad(const struct parser *p, const char *what, const char *word)
{
	die(2, "%s:%u: %s '%s'", p->file, p->line, what, word ? word : "");
}

struct unit {
	const char *name;
	double factor;
};

static const struct unit sizes[] = { { "", 1 },	       { "k", 1024 },	 { "K", 1024 },	   { "m", 1048576 },
				     { "M", 1048576 }, { "g", 1 << 30 }, { "G", 1 << 30 }, { NULL, 0 } };
static const struct unit rates[] = { { "", 1 }, { "k", 1e3 }, { "m", 1e6 }, { "g", 1e9 }, { NULL, 0 } };
static const struct unit times[] = { { "us", 1e3 }, { "ms", 1e6 },   { "s", 1e9 },
				     { "m", 60e9 }, { "h", 3600e9 }, { NULL, 0 } };

static double number(const struct parser *p, const char *text, const struct unit *units)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text)
		bad(p, "not a number", text);
	for (; units->name; units++)
		if (!strcmp(units->name, end))
			return v * units->factor;
	bad(p, "not a known unit", text);
}

static unsigned name_index(const struct parser *p, const char *text, const char *const *names, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		if (!strcmp(text, names[i]))
			return i;
	bad(p, "not known", text);
}

static void copy_name(const struct parser *p, char *to, const char *from)
{
	if (!from[0] || strlen(from) >= NAME_SIZE)
		bad(p, "a name has 1 to 31 characters", from);
	for (const char *c = from; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_.-", *c))
			bad(p, "a name has letters, digits and _.- only", from);
	strcpy(to, from);
}

/* The value of KEY=VALUE, or NULL where the word is another key. */
static const char *value(const char *word, const char *key)
{
	size_t n = strlen(key);

	return strncmp(word, key, n) || word[n] != '=' ? NULL : word + n + 1;
}

static bool yes(const struct parser *p, const char *text)
{
	static const char *const names[] = { "no", "yes" };

	return name_index(p, text, names, 2);
}

static const char *word(const struct parser *p, unsigned i)
{
	if (i >= p->nr_words)
		bad(p, "something is missing after", p->words[p->nr_words - 1]);
	return p->words[i];
}

/* map NAME KIND SIZE [count= stride= node= huge= populate= path=] */
static void parse_map(struct parser *p)
{
	struct map *map = &p->plan->maps[p->plan->nr_maps];
	const char *v;

	if (p->plan->nr_maps++ == MAX_MAPS)
		bad(p, "too many maps at", word(p, 1));
	*map = (struct map){ .count = 1, .node = -1, .populate = true };
	copy_name(p, map->name, word(p, 1));
	map->kind = name_index(p, word(p, 2), map_kind_names, NR_MAP_KINDS);
	map->size = number(p, word(p, 3), sizes);
	for (unsigned i = 4; i < p->nr_words; i++) {
		const char *w = p->words[i];

		if ((v = value(w, "count")))
			map->count = number(p, v, sizes);
		else if ((v = value(w, "stride")))
			map->stride = number(p, v, sizes);
		else if ((v = value(w, "node")))
			map->node = number(p, v, sizes);
		else if ((v = value(w, "huge")))
			map->huge = yes(p, v);
		else if ((v = value(w, "populate")))
			map->populate = yes(p, v);
		else if ((v = value(w, "path")) && strlen(v) < sizeof(map->path))
			strcpy(map->path, v);
		else
			bad(p, "not known", w);
	}
	if (!map->stride)
		map->stride = map->size;
	if (!map->size || map->size % SZ_PAGE || map->stride % SZ_PAGE || map->stride < map->size || !map->count)
		bad(p, "size and stride are whole pages, stride >= size:", map->name);
}

/* phase NAME DURATION [rate= threads=] */
static void parse_phase(struct parser *p)
{
	struct phase *phase = &p->plan->phases[p->plan->nr_phases];
	const char *v;

	if (p->plan->nr_phases++ == MAX_PHASES)
		bad(p, "too many phases at", word(p, 1));
	*phase = (struct phase){ .nr_threads = 1 };
	copy_name(p, phase->name, word(p, 1));
	phase->duration_ns = number(p, word(p, 2), times);
	for (unsigned i = 3; i < p->nr_words; i++) {
		if ((v = value(p->words[i], "rate")))
			phase->rate = number(p, v, rates);
		else if ((v = value(p->words[i], "threads")))
			phase->nr_threads = number(p, v, sizes);
		else
			bad(p, "not known", p->words[i]);
	}
	if (!phase->duration_ns || phase->nr_threads < 1 || phase->nr_threads > MAX_THREADS)
		bad(p, "a phase lasts a while and has 1 to 32 threads:", phase->name);
	if (phase->nr_threads > p->plan->nr_threads)
		p->plan->nr_threads = phase->nr_threads;
	p->phase = phase;
}

/* MAP or MAP+OFFSET or MAP+OFFSET:LENGTH */
static void parse_range(struct parser *p, struct access *a, const char *text)
{
	char *copy = strdup(text), *plus = strchr(copy, '+'), *colon = strchr(copy, ':');

	if (colon)
		*colon++ = 0;
	if (plus)
		*plus++ = 0;
	for (unsigned i = 0; i < p->plan->nr_maps; i++)
		if (!strcmp(p->plan->maps[i].name, copy))
			a->map = &p->plan->maps[i];
	if (!a->map)
		bad(p, "no such map", copy);
	a->offset = plus ? number(p, plus, sizes) : 0;
	if (a->offset >= a->map->size)
		bad(p, "begins after the end of the map:", text);
	a->length = colon ? number(p, colon, sizes) : a->map->size - a->offset;
	if (a->offset % SZ_LINE || a->length % SZ_LINE || !a->length || a->length > a->map->size - a->offset)
		bad(p, "not inside the map, or not a multiple of 64 bytes:", text);
	free(copy);
}

/* FIRST:COUNT[:STEP] */
static void parse_parts(struct parser *p, struct access *a, const char *text)
{
	a->step = 1;
	if (sscanf(text, "%u:%u:%u", &a->first, &a->nr_parts, &a->step) < 2 || !a->nr_parts || !a->step)
		bad(p, "not FIRST:COUNT[:STEP]:", text);
	if (a->first + (uint64_t)(a->nr_parts - 1) * a->step >= a->map->count)
		bad(p, "the map has no such members:", text);
}

/* ON/EVERY */
static void parse_duty(struct parser *p, struct access *a, const char *text)
{
	char *copy = strdup(text), *slash = strchr(copy, '/');

	if (!slash)
		bad(p, "not ON/EVERY:", text);
	*slash = 0;
	a->on_ns = number(p, copy, times);
	a->every_ns = number(p, slash + 1, times);
	if (!a->on_ns || a->on_ns > a->every_ns)
		bad(p, "not ON/EVERY:", text);
	free(copy);
}

static void check_access(struct parser *p, struct access *a, const char *text)
{
	if (a->thread >= (int)p->phase->nr_threads)
		bad(p, "the phase has no such thread:", text);
	if (a->pattern == PATTERN_CHASE && (a->drift || a->write))
		bad(p, "a chase reads and does not drift:", text);
	if (!a->weight)
		bad(p, "weight is at least 1:", text);
	a->map->written |= a->write;
}

/* access RANGE [pattern= op= weight= rate= thread= part= drift= on=] */
static void parse_access(struct parser *p)
{
	struct access *a;
	const char *v;

	if (!p->phase || p->phase->nr_access == MAX_ACCESS)
		bad(p, "no phase, or too many accesses in it:", word(p, 1));
	a = &p->phase->access[p->phase->nr_access++];
	*a = (struct access){ .weight = 1, .step = 1 };
	parse_range(p, a, word(p, 1));
	a->nr_parts = a->map->count;
	for (unsigned i = 2; i < p->nr_words; i++) {
		const char *w = p->words[i];

		if ((v = value(w, "pattern")))
			a->pattern = name_index(p, v, pattern_names, NR_PATTERNS);
		else if ((v = value(w, "op")))
			a->write = name_index(p, v, (const char *const[]){ "read", "write" }, 2);
		else if ((v = value(w, "weight")))
			a->weight = number(p, v, rates);
		else if ((v = value(w, "rate")))
			a->rate = number(p, v, rates);
		else if ((v = value(w, "thread")))
			a->thread = strcmp(v, "all") ? (int)number(p, v, sizes) : -1;
		else if ((v = value(w, "part")))
			parse_parts(p, a, v);
		else if ((v = value(w, "drift")))
			a->drift = (int64_t)number(p, v, sizes) / (int64_t)SZ_PAGE * (int64_t)SZ_PAGE;
		else if ((v = value(w, "on")))
			parse_duty(p, a, v);
		else
			bad(p, "not known", w);
	}
	check_access(p, a, p->words[1]);
}

/* KEY VALUE, for the whole plan */
static void parse_setting(struct parser *p)
{
	struct plan *plan = p->plan;
	const char *key = p->words[0], *v = word(p, 1);

	if (!strcmp(key, "seed"))
		plan->seed = strtoull(v, NULL, 0);
	else if (!strcmp(key, "loop"))
		plan->loops = number(p, v, sizes);
	else if (!strcmp(key, "slice"))
		plan->slice_ns = number(p, v, times);
	else if (!strcmp(key, "flush"))
		plan->flush_ns = strcmp(v, "no") ? (uint64_t)number(p, v, times) : 0;
	else if (!strcmp(key, "pages"))
		plan->count_pages = yes(p, v);
	else
		bad(p, "not known", key);
}

static void parse_line(struct parser *p, char *line)
{
	char *save = NULL;

	line[strcspn(line, "#\n")] = 0;
	p->nr_words = 0;
	for (char *w = strtok_r(line, " \t\r", &save); w; w = strtok_r(NULL, " \t\r", &save)) {
		if (p->nr_words == MAX_WORDS)
			bad(p, "too many words at", w);
		p->words[p->nr_words++] = w;
	}
	if (!p->nr_words)
		return;
	if (!strcmp(p->words[0], "map"))
		parse_map(p);
	else if (!strcmp(p->words[0], "phase"))
		parse_phase(p);
	else if (!strcmp(p->words[0], "access"))
		parse_access(p);
	else
		parse_setting(p);
}

void plan_read(struct plan *plan, const char *file)
{
	struct parser p = { .plan = plan, .file = file };
	FILE *in = strcmp(file, "-") ? fopen(file, "r") : stdin;
	char *line = NULL;
	size_t sz = 0;

	if (!in)
		die(2, "%s: %s", file, strerror(errno));
	*plan = (struct plan){ .loops = 1, .seed = 1, .slice_ns = NSEC_PER_SEC, .nr_threads = 1 };
	while (getline(&line, &sz, in) > 0) {
		p.line++;
		parse_line(&p, line);
	}
	free(line);
	if (in != stdin)
		fclose(in);
	if (!plan->nr_phases || plan->slice_ns < NSEC_PER_MSEC)
		die(2, "%s: no phase, or a slice below 1ms", file);
	for (unsigned i = 0; i < plan->nr_phases; i++)
		for (unsigned j = 0; j < plan->phases[i].nr_access; j++)
			if (plan->phases[i].access[j].pattern == PATTERN_CHASE &&
			    plan->phases[i].access[j].map->written)
				die(2, "%s: map %s is chased and written", file, plan->phases[i].access[j].map->name);
}
