# SPDX-License-Identifier: GPL-2.0-or-later
# kernels: 6.12 new
# What kinds of page there are, by the kernel's own filters: of physical memory, and of a process whose pagemap cannot be
# read. Where the kernel has none (6.12) that is said, and the kinds are unknown.
. /lib/vm/damon.sh
kill "$pid" && wait "$pid" 2>/dev/null
printf 'flush 20ms\nmap plain anon 48M node=1\nmap file file 32M node=1\nmap huge anon 64M node=1 huge=yes\nphase first 300s\n access plain\n access file\n access huge\n' >plan
workload -o truth plan >ready 2>&1 &
wait_for 20 grep -q ready ready
pid=$(sed -n 's/^ready //p' ready)

# MiB of a field of /sys/devices/system/node/node*/meminfo, of all nodes.
mib() { awk -v field="$1:" '$3 == field { kb += $4 } END { printf "%d\n", kb / 1024 }' /sys/devices/system/node/node*/meminfo; }
# Of the last snapshot: "KNOWN ANON FILE HUGE ANON1", the regions of which the kind is known, MiB, and those of anon in regions of node 1 alone.
kinds() {
	tail -n 1 out | sed 's/},{/}\n{/g' | awk '
	function field(name) { return match($0, "\"" name "\":[0-9]*") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3) : 0 }
	/"anon_bytes"/ { known++ }
	{ anon += field("anon_bytes"); file += field("file_bytes"); huge += field("huge_bytes") }
	/"nodes":[{]"1":[0-9]*[}]/ { anon1 += field("anon_bytes") }
	END { printf "%d %d %d %d %d\n", known, anon / 1048576, file / 1048576, huge / 1048576, anon1 / 1048576 }'
}
# within NAME WHAT FOUND TRUTH: by 8 MiB, or a tenth.
within() { check "$1" "$2: $3 MiB, not $4" awk -v a="$3" -v b="$4" 'BEGIN { d = a > b ? a - b : b - a; exit !(d <= 8 || d <= b / 10) }'; }
# Has every round been made up to now, of all regions?
counted() { tail -n 1 out | grep -q '"note":"anon, file, huge: counted up to'; }
armed() { [ "$(cat $A/0/contexts/0/schemes/1/access_pattern/sz/max 2>/dev/null)" != 0 ]; }

tree >before
damontop --sources >sources
if grep -q ' sz_filter_passed_show' /proc/kallsyms; then
	check damon-kinds-sources "$(sed -n '/^damon/,/side effect/p' sources)" sh -c '! grep -q ops_filters sources'
	for way in damon_aggregated tried_regions; do
		rm -f out
		damontop -b --json --physical -e $way >out 2>err &
		top_pid=$!
		check damon-kinds-$way-counted "$(tail -n 1 out | head -c 300) $(cat err)" wait_for 40 counted
		sleep 1
		# shellcheck disable=SC2046
		set -- $(kinds)
		echo "# --physical -e $way: regions known $1, MiB anon $2 (kernel: $(mib AnonPages)), file $3 ($(mib FilePages)), huge $4 ($(mib AnonHugePages)), anon on node 1 $5"
		within damon-kinds-$way-anon "anon" "$2" "$(mib AnonPages)"
		within damon-kinds-$way-file "file" "$3" "$(mib FilePages)"
		within damon-kinds-$way-huge "huge" "$4" "$(mib AnonHugePages)"
		check damon-kinds-$way-node "of $2 MiB anon $5 are on node 1" [ "$5" -gt 60 ]
		check damon-kinds-$way-nodes "$(tail -n 1 out | head -c 300)" grep -q '"nodes":{"0":[0-9]*}.*"nodes":{"1":' out
		# The one in the middle of a round, if it comes soon: the filters are armed, and the kernel's files busy.
		[ $way = tried_regions ] || wait_for 12 armed
		kill -9 $top_pid
		wait $top_pid 2>/dev/null
		check damon-kinds-$way-restored "$(diff before after | head -n 4)" wait_for 30 restored
	done

	: >empty
	mount --bind empty /proc/$pid/pagemap
	begin
	check damon-kinds-process-counted "$(tail -n 1 out | head -c 300) $(cat err)" wait_for 40 counted
	# shellcheck disable=SC2046
	set -- $(kinds)
	echo "# a process: regions known $1, MiB anon $2, file $3, huge $4"
	within damon-kinds-process-anon "anon" "$2" 112
	within damon-kinds-process-file "file" "$3" 32
	within damon-kinds-process-huge "huge" "$4" 64
	kill $top_pid
	wait $top_pid
	umount /proc/$pid/pagemap
	check damon-kinds-process-restored "$(diff before after | head -n 4)" wait_for 30 restored
else
	check damon-kinds-sources "$(cat sources)" grep -q 'without:.*kinds of page where no pagemap tells them (ops_filters)' sources
	damontop -b --json --physical -n 5 -d 60s >out 2>err
	check damon-kinds-unknown "exit status $? $(cat err): $(tail -n 1 out | head -c 300)" sh -c 'grep -q "\"regions\":\[{" out && ! grep -q anon_bytes out'
	check damon-kinds-nodes "$(tail -n 1 out | head -c 300)" grep -q '"nodes":{"0":[0-9]*}.*"nodes":{"1":' out
	check damon-kinds-restored "$(diff before after | head -n 4)" wait_for 30 restored
fi
kill "$other" "$pid"
true
