/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/completion.h"

#include <errno.h>
#include <string.h>

#include "collector/source.h"
#include "tui/app.h"
#include "tui/option_rows.h"
#include "tui/report.h"
#include "tui/theme.h"

static const char *source_word(size_t i)
{
	if (i == 0)
		return "auto";
	return source_table[i - 1] ? source_table[i - 1]->name : NULL;
}

static const char *shell_word(size_t i)
{
	static const char *const names[] = { [COMPLETION_BASH] = "bash", [COMPLETION_ZSH] = "zsh" };

	return i < sizeof(names) / sizeof(names[0]) ? names[i] : NULL;
}

static int check_sources(const char *text, struct err *err)
{
	const struct source_ops *list[SOURCE_MAX_AT_ONCE + 1];

	return source_parse_list(text, list, err);
}

static const struct option_values values[] = {
	{ "PID", OPTION_VALUES_PIDS, NULL, false, NULL },
	{ "FILE", OPTION_VALUES_FILES, NULL, false, NULL },
	{ "DIR", OPTION_VALUES_DIRS, NULL, false, NULL },
	{ "SOURCE", OPTION_VALUES_WORDS, source_word, false, check_sources },
	{ "OVERLAY", OPTION_VALUES_WORDS, app_overlay_name, false, NULL },
	{ "THEME", OPTION_VALUES_WORDS, theme_shipped_name, true, NULL },
	{ "MODE", OPTION_VALUES_WORDS, options_contrast_name, false, NULL },
	{ "ORDER", OPTION_VALUES_WORDS, axis_share_word, false, NULL },
	{ "WHEN", OPTION_VALUES_WORDS, options_color_name, false, NULL },
	{ "HOW", OPTION_VALUES_WORDS, options_split_name, false, NULL },
	{ "KIND", OPTION_VALUES_WORDS, report_kind_name, false, NULL },
	{ "FORMAT", OPTION_VALUES_WORDS, options_format_name, false, NULL },
	{ "SHELL", OPTION_VALUES_WORDS, shell_word, false, NULL },
};

const struct option_values *option_values_of(const char *arg)
{
	for (size_t i = 0; arg && i < sizeof(values) / sizeof(values[0]); i++)
		if (strcmp(values[i].arg, arg) == 0)
			return &values[i];
	return NULL;
}

int completion_parse_shell(const char *name, enum completion_shell *shell, struct err *err)
{
	for (size_t i = 0; shell_word(i); i++) {
		if (strcmp(shell_word(i), name) == 0) {
			*shell = (enum completion_shell)i;
			return 0;
		}
	}
	return err_set(err, EINVAL, "completion: \"%s\" is neither bash nor zsh", name);
}

static void print_words(FILE *out, const char *(*word)(size_t i))
{
	for (size_t i = 0; word(i); i++)
		fprintf(out, "%s%s", i ? " " : "", word(i));
}

/* ---- bash ---- */

static const char bash_begin[] =
	"# bash completion of damontop, made by \"damontop --completion bash\"\n"
	"_damontop()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words= kind= i\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\t# After -- comes a command, with its own arguments.\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\t[[ ${COMP_WORDS[i]} == -- ]] || continue\n"
	"\t\tkind=-f\n"
	"\t\t((COMP_CWORD == i + 1)) && kind=-c\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen $kind -- \"$cur\")\n"
	"\t\treturn\n"
	"\tdone\n"
	"\t# --option=value comes as three words.\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=\n"
	"\telif [[ $prev == = ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
	"\tfi\n"
	"\tcase $prev in\n";

static const char bash_end[] = "\tesac\n"
			       "\t[[ -z $kind ]] || compopt -o filenames 2>/dev/null\n"
			       "\tmapfile -t COMPREPLY < <(compgen $kind -W \"$words\" -- \"$cur\")\n"
			       "}\n"
			       "complete -F _damontop damontop\n";

static void print_bash_values(FILE *out, const struct option_values *v)
{
	if (!v) {
		fputs("return ;;\n", out);
		return;
	}
	switch (v->kind) {
	case OPTION_VALUES_PIDS:
		fputs("words=$(printf '%s ' /proc/[0-9]*) words=${words//\\/proc\\//} ;;\n", out);
		break;
	case OPTION_VALUES_FILES:
		fputs("kind=-f ;;\n", out);
		break;
	case OPTION_VALUES_DIRS:
		fputs("kind=-d ;;\n", out);
		break;
	case OPTION_VALUES_WORDS:
		fputs("words='", out);
		print_words(out, v->word);
		fputs(v->path_too ? "'; [[ $cur != */* ]] || kind=-f ;;\n" : "' ;;\n", out);
		break;
	}
}

static void print_bash(FILE *out)
{
	fputs(bash_begin, out);
	for (size_t i = 0; i < option_rows_nr; i++) {
		const struct option_row *row = &option_rows[i];

		if (!row->arg)
			continue;
		fputc('\t', out);
		if (row->letter)
			fprintf(out, "-%c|", row->letter);
		fprintf(out, "--%s) ", row->name);
		print_bash_values(out, option_values_of(row->arg));
	}
	fputs("\t*) words='", out);
	for (size_t i = 0; i < option_rows_nr; i++)
		if (option_rows[i].name)
			fprintf(out, "--%s ", option_rows[i].name);
	fputs("--' ;;\n", out);
	fputs(bash_end, out);
}

/* ---- zsh ---- */

/* Inside single quotes, inside the brackets of _arguments. */
static void print_zsh_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static void print_zsh_values(FILE *out, const struct option_row *row)
{
	const struct option_values *v = option_values_of(row->arg);

	fputc(':', out);
	print_zsh_text(out, row->arg);
	fputc(':', out);
	if (!v)
		return;
	switch (v->kind) {
	case OPTION_VALUES_PIDS:
		fputs("_pids", out);
		break;
	case OPTION_VALUES_FILES:
		fputs("_files", out);
		break;
	case OPTION_VALUES_DIRS:
		fputs("_files -/", out);
		break;
	case OPTION_VALUES_WORDS:
		fputs(v->path_too ? "{ compadd -- " : "(", out);
		print_words(out, v->word);
		fputs(v->path_too ? "; _files }" : ")", out);
		break;
	}
}

static void print_zsh(FILE *out)
{
	fputs("#compdef damontop\n"
	      "# zsh completion of damontop, made by \"damontop --completion zsh\"\n"
	      "_arguments -s -S \\\n",
	      out);
	for (size_t i = 0; i < option_rows_nr; i++) {
		const struct option_row *row = &option_rows[i];

		if (!row->name)
			continue;
		if (row->letter)
			fprintf(out, "  '(-%c --%s)'{-%c%s,--%s%s}'", row->letter, row->name, row->letter,
				row->arg ? "+" : "", row->name, row->arg ? "=" : "");
		else
			fprintf(out, "  '--%s%s", row->name, row->arg ? "=" : "");
		fputc('[', out);
		print_zsh_text(out, row->help);
		fputc(']', out);
		if (row->arg)
			print_zsh_values(out, row);
		fputs("' \\\n", out);
	}
	fputs("  '*::command: _normal'\n", out);
}

void completion_print(FILE *out, enum completion_shell shell)
{
	if (shell == COMPLETION_ZSH)
		print_zsh(out);
	else
		print_bash(out);
}
