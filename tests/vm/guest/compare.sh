# SPDX-License-Identifier: GPL-2.0-or-later
# Sources beside each other on the same workloads: what each said and what it cost goes to /out, where
# tests/bench/compare.py judges it. Under emulation an access is only seen with the workload's "flush".
phase_s=8

# plan NAME: 512 MiB, of which a part gets 9 of 10 accesses; the part moves once.
plan() {
	echo 'flush 20ms'
	case $1 in
	quarter | small)
		[ "$1" = quarter ] && size=128M || size=16M
		printf 'map heap anon 512M\nphase before %ss\n access heap+64M:%s weight=9\n access heap\n' $phase_s $size
		printf 'phase after %ss\n access heap+300M:%s weight=9\n access heap\n' $phase_s $size
		;;
	sparse)
		printf 'map set anon 64K count=400 stride=1M\nphase before %ss rate=200k\n access set part=3:40:10 weight=9\n access set\n' $phase_s
		printf 'phase after %ss rate=200k\n access set part=8:40:10 weight=9\n access set\n' $phase_s
		;;
	esac
}

# CPU time, in ns, "COLLECTING PRINTING KDAMOND": of the thread that collects and the processes that help it, of the one that prints,
# and of the kernel's DAMON.
cpu_ns() {
	for cpu_task in $(ps -o pid,comm | awk '$2 ~ /^(damontop|kdamond)/ { print "/proc/" $1 "/task/*" }'); do
		[ -e "$cpu_task/comm" ] && echo "$(cat "$cpu_task/comm") $(cat "$cpu_task/schedstat")"
	done | awk '{ ns[$1 ~ /^kdamond/ ? 2 : $1 == "damontop"] += $2 } END { printf "%.0f %.0f %.0f\n", ns[0], ns[1], ns[2] }'
}
now_ns() { awk '{ printf "%.0f\n", $1 * 1e9 }' /proc/uptime; }
lines() { [ "$(cat out 2>/dev/null | wc -l)" -ge "$1" ]; }
no_kdamond() { ! ps -o comm | grep -q '^kdamond'; }

# measure NAME OPTIONS...: one source, on the file plan, which begins when the source runs. Its cost is that up to the last
# second but one.
measure() {
	measure_name=$CASE-$1
	shift
	workload -w -o truth plan >ready &
	wait_for 60 grep -q ready ready
	damontop -b --json "$@" -p "$(sed -n 's/^ready //p' ready)" >out 2>err &
	top_pid=$!
	wait_for 40 lines 2
	kill -USR1 "$(sed -n 's/^ready //p' ready)"
	before=$(cpu_ns) from=$(now_ns)
	wait_for $((2 * phase_s + 10)) grep -q "\"phase\":\"after\",\"loop\":0,\"slice\":$((phase_s - 2))," truth
	cpu=$(echo "$before $(cpu_ns)" | awk '{ printf "[%.0f,%.0f,%.0f]", $4 - $1, $5 - $2, $6 - $3 }') from=$(($(now_ns) - from))
	wait $top_pid
	check "compare-$measure_name" "exit status $?, $(wc -l <out) snapshots: $(cat err)" lines 10
	wait_for 20 no_kdamond
	echo "{\"cpu_ns\":$cpu,\"ns\":$from,\"kernel\":\"$(uname -r)\",\"options\":\"$*\"}" >"/out/$measure_name.cost"
	gzip -c out >"/out/$measure_name.json.gz"
	gzip -c truth >"/out/$measure_name.truth.gz"
	rm -f ready out truth
}

plan "$CASE" >plan
measure damon -s damon
measure mglru -s mglru
measure clear_refs -s clear_refs
measure clock -s clock
