/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/lru_gen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A line without its newline, read from left to right. */
struct line {
	const char *p, *end;
};

static bool next_line(const char **text, const char *end, struct line *line)
{
	const char *newline;

	if (*text >= end)
		return false;
	newline = memchr(*text, '\n', (size_t)(end - *text));
	*line = (struct line){ *text, newline ? newline : end };
	*text = newline ? newline + 1 : end;
	return true;
}

static void skip_blanks(struct line *line)
{
	while (line->p < line->end && *line->p == ' ')
		line->p++;
}

static bool take_word(struct line *line, const char *word)
{
	size_t len = strlen(word);

	skip_blanks(line);
	if ((size_t)(line->end - line->p) < len || memcmp(line->p, word, len) != 0)
		return false;
	line->p += len;
	return true;
}

static bool take_number(struct line *line, uint64_t *value)
{
	const char *begin;

	skip_blanks(line);
	*value = 0;
	for (begin = line->p; line->p < line->end && *line->p >= '0' && *line->p <= '9'; line->p++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*line->p - '0'), value))
			return false;
	return line->p > begin;
}

/* Lines of the memcg found: up to the next one. */
static int read_nodes(const char *text, const char *end, struct lru_gen_node *v, size_t max)
{
	struct line line;
	uint64_t number;
	size_t nr = 0;

	while (next_line(&text, end, &line) && !take_word(&line, "memcg")) {
		bool is_node = take_word(&line, "node");

		if (!take_number(&line, &number) || (is_node ? number > UINT16_MAX : nr == 0))
			return -EBADMSG;
		if (is_node && nr++ < max)
			v[nr - 1] = (struct lru_gen_node){ .node = (uint32_t)number };
		else if (!is_node && nr <= max)
			v[nr - 1].max_gen = number; /* the last line is the youngest */
	}
	return (int)nr;
}

int lru_gen_find(const char *text, size_t len, uint64_t memcg, struct lru_gen_node *v, size_t max)
{
	const char *end = text + len;
	struct line line;
	uint64_t id;

	while (next_line(&text, end, &line)) {
		if (!take_word(&line, "memcg"))
			continue;
		if (!take_number(&line, &id))
			return -EBADMSG;
		if (id == memcg)
			return read_nodes(text, end, v, max);
	}
	return 0;
}

size_t lru_gen_aging_command(char dst[LRU_GEN_COMMAND_SIZE], uint64_t memcg, const struct lru_gen_node *node)
{
	return (size_t)snprintf(dst, LRU_GEN_COMMAND_SIZE, "+ %" PRIu64 " %" PRIu32 " %" PRIu64 " 1 1\n", memcg,
				node->node, node->max_gen);
}
