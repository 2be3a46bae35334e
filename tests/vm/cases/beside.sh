# SPDX-License-Identifier: GPL-2.0-or-later
# time: counted
# mglru and clock side by side on one workload: of two ranges all pages are used, one of them nine times as often. To access
# bits they look alike, to the clock they do not. Their shares of the time are not those of the accesses: an access to a
# page whose translation is gone takes longer, and the range that is used less has as many of these. And the screen of
# that: mglru above, clock below.
cat >/tmp/beside.phases <<'END'
flush 20ms
slice 100ms
map heap anon 128M
phase run 300s
  access heap+16M:16M weight=9 pattern=sweep
  access heap+80M:16M weight=1 pattern=sweep
END
play /tmp/beside.phases
watched beside mglru,clock 4
to_judge beside-truth beside beside --skip 2 --min-recall 0.95 --min-ratio 1.5
damontop -p "$P" -s mglru,clock --dump-frame 4 --size 120x40 >/tmp/screen 2>/tmp/err || not_ok beside-screen "$(cat /tmp/err)"
cat /tmp/screen
upper=$(grep -nE '^(▸| )mglru ' /tmp/screen | cut -d: -f1)
lower=$(grep -nE '^(▸| )clock ' /tmp/screen | cut -d: -f1)
check beside-screen "mglru in line ${upper:-none}, clock in line ${lower:-none}" [ "${upper:-99}" -lt "${lower:-0}" ]
# The same rows in both: the column of names and addresses is the same text.
rows() { sed -n "$1,$2p" /tmp/screen | cut -c1-26; }
nr=$((lower - upper - 1))
check beside-axis "$(rows $((upper + 1)) $((lower - 1)))" \
	[ "$(rows $((upper + 1)) $((lower - 1)))" = "$(rows $((lower + 1)) $((lower + nr)))" ]
# Kernel DAMON ends its aggregations by itself: the other's end with them, and have the same numbers.
damontop -b --json -n 20 -p "$P" -s damon,clock >/tmp/json 2>/tmp/err || not_ok beside-damon "$(cat /tmp/err)"
ends() { sed -n "s/^{\"seq\":\([0-9]*\),\"time_ns\":\([0-9]*\),.*\"source\":\"$1\".*/\1 \2/p" /tmp/json; }
ends damon >/tmp/damon
ends clock >/tmp/clock
check beside-damon "aggregations of damon $(wc -l </tmp/damon), of clock $(wc -l </tmp/clock)" [ "$(wc -l </tmp/clock)" -ge 5 ]
check beside-damon-pace "clock's that damon has not: $(grep -vxFf /tmp/damon /tmp/clock)" [ -z "$(grep -vxFf /tmp/damon /tmp/clock)" ]
# Both clear the same bits: refused, with the reason.
damontop -b -n 1 -p "$P" -s mglru,clear_refs >/tmp/out 2>&1
check beside-refused "exit status $?: $(cat /tmp/out)" grep -q 'both clear the access bits' /tmp/out
