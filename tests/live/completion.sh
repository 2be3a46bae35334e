#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion, by the shells themselves: what "damontop --completion SHELL" prints is what "make install" puts in place.
# timeout: 120
. "$(dirname "$0")/../lib/lib.sh"
need "$damontop" bash zsh tmux make

"$damontop" --completion bash >"$tmp/damontop.bash" && "$damontop" --completion zsh >"$tmp/_damontop" ||
	not_ok "completion is printed" "exit status $?"
"$damontop" --completion fish >/dev/null 2>"$tmp/err"
check "another shell is refused" "status $?, $(cat "$tmp/err")" grep -q 'neither bash nor zsh' "$tmp/err"

# complete WORD...: what a bash of its own offers for the last word, a line each.
complete_words() {
	(cd "$tmp/files" && env -i PATH="$PATH" bash --norc --noprofile -c '
		set -eu
		source "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		set +e
		"$(complete -p damontop | sed "s/.*-F \([^ ]*\).*/\1/")"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$tmp/damontop.bash" "$@")
}

# offers NAME WANTED WORD...: these and no others; WANTED is words separated by blanks.
offers() {
	local name=$1 wanted got
	wanted=$(printf '%s\n' $2 | sort)
	shift 2
	got=$(complete_words "$@" 2>&1 | sort)
	check "bash: $name" "wanted $wanted, got $got" [ "$got" = "$wanted" ]
}

mkdir -p "$tmp/files/sub"
touch "$tmp/files/one.rec" "$tmp/files/two words.rec"
all=$("$damontop" --help | grep -oE '^ +(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+')
sources=$("$damontop" --sources | sed -n 's/^\([a-z_+]*\) *\(yes\|no\)  .*/\1/p')

offers "all options, and the start of a command" "$all --" damontop --
offers "one option" --completion damontop --comp
offers "options from nothing" "$all --" damontop ""
offers "sources" "auto $sources" damontop -s ""
offers "sources of the long form" "clear_refs clock clock+referenced" damontop --source = cl
offers "sources right after =" "auto $sources" damontop --source =
offers "themes" "$(cd "$top/themes" && printf '%s\n' *.theme | sed 's/\.theme$//')" damontop --theme ""
offers "formats" "json" damontop --demo --format j
offers "all formats" "text json csv svg openmetrics" damontop --format ""
offers "overlays" "heat huge" damontop --overlay h
offers "reports" "heatmap wss regions hot mappings ages" damontop --report ""
offers "colours" "auto never 16 256 truecolor" damontop --color ""
offers "how to split" "data random" damontop --split ""
offers "contrasts" "auto linear log percentile" damontop --contrast ""
offers "orders of rows" "root mapped resident hottest equal" damontop --rows-by ""
offers "shells" "bash zsh" damontop --completion ""
offers "nothing where nothing can be listed" "" damontop --regions ""
offers "the start of a file" one.rec damontop -r on
offers "a directory" sub damontop --root ""
offers "files after a command" one.rec damontop -p 1 -- cat on
got=$(complete_words damontop -p "" | grep -cx "$$")
check "bash: a running process" "$got lines are its pid" [ "$got" = 1 ]
check "bash: a file with a blank" "$(complete_words damontop --output tw)" [ "$(complete_words damontop --output tw)" = "two words.rec" ]
check "bash: commands" "$(complete_words damontop -- tes)" grep -qx test <(complete_words damontop -- tes)

# zsh completes only at a prompt.
check "zsh: it can be read" "" zsh -n "$tmp/_damontop"
tm_start 100 30 "PS1='ZSH> ' zsh -f"
tm_wait 10 'ZSH>'
tm_text "fpath=($tmp \$fpath); autoload -Uz compinit && compinit -u -D; path=(${damontop%/*} \$path); clear; echo REA\"\"DY"
tm_keys Enter
tm_wait 20 '^READY'
# zsh_completes NAME TYPED WANTED: a regular expression that the screen matches after Tab.
zsh_completes() {
	tm_keys C-u
	tm_text "$2"
	tm_keys Tab
	if tm_wait 20 "$3"; then ok "zsh: $1"; else not_ok "zsh: $1" "$(tm_screen)"; fi
}
zsh_completes "an option" 'damontop --comple' '> damontop --completion='
zsh_completes "a shell" 'damontop --completion z' '> damontop --completion zsh'
zsh_completes "a source" 'damontop --source=mg' '> damontop --source=mglru'
zsh_completes "a theme" 'damontop --theme vir' '> damontop --theme viridis'
zsh_completes "what options do" 'damontop --agg' '> damontop --aggr='
tm kill-server
tmux_nr=0

# In place, and out again.
make -s -C "$top" BUILD="$BUILD" DESTDIR="$tmp/root" PREFIX=/usr install >"$tmp/make.log" 2>&1 ||
	not_ok "make install" "$(tail -3 "$tmp/make.log")"
check "installed for bash" "" cmp "$tmp/damontop.bash" "$tmp/root/usr/share/bash-completion/completions/damontop"
check "installed for zsh" "" cmp "$tmp/_damontop" "$tmp/root/usr/share/zsh/site-functions/_damontop"
make -s -C "$top" BUILD="$BUILD" DESTDIR="$tmp/root" PREFIX=/usr uninstall >"$tmp/make.log" 2>&1
left=$(find "$tmp/root" -type f)
check "uninstalled" "$left" [ -z "$left" ]
