/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single values of a JSON recording. */
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/damo_number.h"
#include "collector/recording_json_internal.h"
#include "collector/text.h"

bool rj_bad(struct rj_reader *rd, const char *what, struct err *err)
{
	err_set(err, EBADMSG, "%s at byte %" PRIu64 " of the JSON text (line %" PRIu64 ")", what,
		json_pull_offset(&rd->j), json_pull_line(&rd->j));
	return false;
}

bool rj_is_text(enum json_token token)
{
	return token == JSON_STRING || token == JSON_NUMBER;
}

bool rj_bytes(struct rj_reader *rd, uint64_t *value, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	if (token == JSON_NULL)
		return true;
	if (token == JSON_ERROR)
		return false;
	return (rj_is_text(token) && damo_number_bytes(rd->j.text, value)) || rj_bad(rd, "a number is wrong", err);
}

bool rj_ns(struct rj_reader *rd, uint64_t unit_ns, uint64_t *value, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	if (token == JSON_NULL)
		return true;
	if (token == JSON_ERROR)
		return false;
	return (rj_is_text(token) && damo_number_ns(rd->j.text, unit_ns, value)) || rj_bad(rd, "a time is wrong", err);
}

bool rj_us(struct rj_reader *rd, uint64_t *value, struct err *err)
{
	uint64_t ns = *value * NSEC_PER_USEC;

	if (!rj_ns(rd, NSEC_PER_USEC, &ns, err))
		return false;
	*value = ns / NSEC_PER_USEC;
	return true;
}

bool rj_real(struct rj_reader *rd, double *value, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);
	char *end;

	if (token == JSON_NULL)
		return true;
	if (token == JSON_ERROR)
		return false;
	*value = rj_is_text(token) ? strtod(rd->j.text, &end) : -1;
	return (*value >= 0 && *value <= FLT_MAX) || rj_bad(rd, "a number is wrong", err);
}

bool rj_bool(struct rj_reader *rd, bool *value, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	*value = token == JSON_TRUE;
	return json_pull_skip(&rd->j, token, err);
}

bool rj_clean(struct rj_reader *rd, char *dst, size_t size, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	if (token == JSON_STRING)
		text_clean(dst, size, rd->j.text, rd->j.len);
	return json_pull_skip(&rd->j, token, err);
}

bool rj_numbers(struct rj_reader *rd, uint64_t *v, size_t max, size_t *nr, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	memset(v, 0, max * sizeof(*v));
	*nr = 0;
	if (token != JSON_ARRAY)
		return token != JSON_ERROR && rj_bad(rd, "a list of numbers is missing", err);
	while ((token = json_pull_next(&rd->j, err)) != JSON_ARRAY_END) {
		if (token == JSON_ERROR)
			return false;
		if (*nr == max || !rj_is_text(token) || !damo_number_bytes(rd->j.text, &v[(*nr)++]))
			return rj_bad(rd, "a list of numbers is wrong", err);
	}
	return true;
}

bool rj_skip_value(struct rj_reader *rd, struct err *err)
{
	return json_pull_skip(&rd->j, json_pull_next(&rd->j, err), err);
}

bool rj_members(struct rj_reader *rd, rj_take_fn take, void *ctx, struct err *err)
{
	enum json_token token;

	while ((token = json_pull_next(&rd->j, err)) == JSON_KEY)
		if (!take(rd, rd->j.text, ctx, err))
			return false;
	return token == JSON_OBJECT_END;
}

bool rj_object(struct rj_reader *rd, rj_take_fn take, void *ctx, struct err *err)
{
	enum json_token token = json_pull_next(&rd->j, err);

	return token == JSON_OBJECT ? rj_members(rd, take, ctx, err) : json_pull_skip(&rd->j, token, err);
}

bool rj_is(const char *a, const char *b)
{
	return *a == *b && strcmp(a, b) == 0;
}
