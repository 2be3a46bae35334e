/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys by their names, as --keys and the help write them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "collector/text.h"
#include "tui/term.h"

/* Keys with a name of their own. The first of several names is the one that is written. */
static const struct {
	const char *name;
	uint32_t key;
} names[] = {
	{ "space", ' ' },
	{ "lt", '<' },
	{ "tab", TERM_KEY_TAB },
	{ "enter", TERM_KEY_ENTER },
	{ "esc", TERM_KEY_ESCAPE },
	{ "up", TERM_KEY_UP },
	{ "down", TERM_KEY_DOWN },
	{ "left", TERM_KEY_LEFT },
	{ "right", TERM_KEY_RIGHT },
	{ "home", TERM_KEY_HOME },
	{ "end", TERM_KEY_END },
	{ "pgup", TERM_KEY_PAGE_UP },
	{ "pgdn", TERM_KEY_PAGE_DOWN },
	{ "backspace", TERM_KEY_BACKSPACE },
	{ "del", TERM_KEY_DELETE },
	{ "ins", TERM_KEY_INSERT },
	{ "backtab", TERM_KEY_BACKTAB },
	{ "resize", TERM_KEY_RESIZE },
	{ "mouse", TERM_KEY_MOUSE },
	{ "return", TERM_KEY_ENTER },
	{ "escape", TERM_KEY_ESCAPE },
};

#define NR_NAMES (sizeof(names) / sizeof(*names))

#define LAST_FUNCTION_KEY 12

static const char *own_name(uint32_t key)
{
	for (size_t i = 0; i < NR_NAMES; i++) {
		if (names[i].key == key)
			return names[i].name;
	}
	return NULL;
}

const char *term_key_name(char dst[16], uint32_t key)
{
	const char *name = own_name(key);

	/* In a sentence '<' stands for itself; only --keys needs <lt>. */
	if (key == '<')
		strcpy(dst, "<");
	else if (name)
		snprintf(dst, 16, "%s", name);
	else if (key > TERM_KEY_F0 && key <= TERM_KEY_F0 + LAST_FUNCTION_KEY)
		snprintf(dst, 16, "f%u", key - TERM_KEY_F0);
	else if (key < 0x20)
		snprintf(dst, 16, "ctrl-%c", key >= 1 && key <= 26 ? (int)key + 'a' - 1 : (int)key + '@');
	else if (key < 0x110000 && grid_char_width(key) > 0)
		dst[term_utf8_encode(dst, key)] = '\0';
	else
		snprintf(dst, 16, "u+%x", key);
	return dst;
}

static bool parse_ctrl(const char *name, size_t len, uint32_t *key)
{
	unsigned char c;

	if (len != 6 || memcmp(name, "ctrl-", 5) != 0)
		return false;
	c = (unsigned char)name[5];
	if (c >= 'a' && c <= 'z')
		*key = c - 'a' + 1u;
	else if (c >= '@' && c <= '_')
		*key = c - '@';
	else
		return false;
	return true;
}

/* digits of base, up to max; nothing else */
static bool parse_digits(const char *s, size_t len, unsigned base, uint32_t max, uint32_t *value)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t v = 0;

	if (len == 0 || len > 6)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char *digit = memchr(digits, s[i], base);

		if (!digit)
			return false;
		v = v * base + (uint32_t)(digit - digits);
	}
	*value = v;
	return v <= max;
}

static bool parse_name(const char *name, size_t len, uint32_t *key)
{
	for (size_t i = 0; i < NR_NAMES; i++) {
		if (strlen(names[i].name) == len && memcmp(names[i].name, name, len) == 0) {
			*key = names[i].key;
			return true;
		}
	}
	if (parse_ctrl(name, len, key))
		return true;
	if (len > 2 && memcmp(name, "u+", 2) == 0)
		return parse_digits(name + 2, len - 2, 16, 0x10ffff, key);
	if (len > 1 && name[0] == 'f' && parse_digits(name + 1, len - 1, 10, LAST_FUNCTION_KEY, key) && *key > 0) {
		*key += TERM_KEY_F0;
		return true;
	}
	return false;
}

static int unknown_key(const char *name, size_t len, struct err *err)
{
	char list[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < NR_NAMES && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, " %s", names[i].name);
	return err_set(err, EINVAL,
		       "no key <%.*s>; there are:%s f1 ... f12 ctrl-a ... ctrl-z, and u+ with a code point",
		       len < 20 ? (int)len : 20, name, list);
}

const char *term_key_parse(const char *keys, uint32_t *key, struct err *err)
{
	const char *end = keys + strlen(keys), *close;
	size_t len;

	if (*keys == '\0') {
		err_set(err, EINVAL, "a key is missing");
		return NULL;
	}
	if (*keys != '<') {
		len = text_utf8_decode(keys, end, key);
		if (len == 0)
			err_set(err, EINVAL, "keys are UTF-8 text; this is not: %.20s", keys);
		return len ? keys + len : NULL;
	}
	close = strchr(keys, '>');
	if (!close) {
		err_set(err, EINVAL, "\"%.20s\" has no >; a named key is written <name>, and < itself <lt>", keys);
		return NULL;
	}
	len = (size_t)(close - keys - 1);
	if (!parse_name(keys + 1, len, key)) {
		unknown_key(keys + 1, len, err);
		return NULL;
	}
	return close + 1;
}
