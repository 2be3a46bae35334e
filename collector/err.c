/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collector/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "collector/text.h"

int err_set(struct err *err, int code, const char *fmt, ...)
{
	char raw[ERR_TEXT_SIZE];
	va_list ap;

	if (!err || err->code)
		return -code;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	err->code = code;
	text_clean_str(err->text, sizeof(err->text), raw);
	return -code;
}
