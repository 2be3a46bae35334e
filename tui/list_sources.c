/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/list_sources.h"

static void print_permits(FILE *out, const struct source_ops *ops, const struct source_params *params)
{
	char text[200] = "";

	ops->permits(params, text, sizeof(text));
	if (*text)
		fprintf(out, "%-21s %s\n", "", text);
}

void list_sources(FILE *out, const struct source_params *params)
{
	const struct source_ops *chosen = source_choose(params, NULL, 0, NULL);

	for (size_t i = 0; source_table[i]; i++) {
		const struct source_ops *ops = source_table[i];
		struct err why = ERR_NONE;
		int rc = ops->probe(params, &why);

		fprintf(out, "%-16s %s%s\n", ops->name, rc ? "no   " : "yes  ", ops->sees);
		if (rc)
			fprintf(out, "%-21s why not: %s\n", "", why.text);
		if (ops->permits)
			print_permits(out, ops, params);
		if (ops->side_effect)
			fprintf(out, "%-21s side effect: %s\n", "", ops->side_effect);
		if (ops == chosen)
			fprintf(out, "%-21s auto takes this one\n", "");
	}
	if (!chosen)
		fprintf(out, "\nauto finds no source that is usable here.\n");
}
