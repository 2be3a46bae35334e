# SPDX-License-Identifier: GPL-2.0-or-later
# Runs every case in turn: result lines to the second serial port, all else to the console, files to the third.
stty -F /dev/ttyS1 raw -echo 2>/dev/null
stty -F /dev/ttyS2 raw -echo 2>/dev/null
cd /tmp || exit 1
for case in /cases/*.sh; do
	name=$(basename "$case" .sh)
	name=${name#*-}
	echo "=== $name $(cut -d' ' -f1 /proc/uptime)"
	echo "case $name" >/dev/ttyS1
	begin=$(cut -d. -f1 /proc/uptime)
	export CASE="$name"
	limit=$(sed -n 's/^# limit: //p' "$case")
	timeout "${limit:-900}" sh -c '. /lib/vm/vm.sh; . "$0"' "$case" >/tmp/case.out 2>&1 </dev/null
	rc=$?
	cat /tmp/case.out
	grep -E '^(ok|not ok|skip) ' /tmp/case.out >/dev/ttyS1
	grep -qE '^(ok|not ok|skip) ' /tmp/case.out || echo "not ok $name: no result, exit status $rc" >/dev/ttyS1
	[ $rc = 0 ] || echo "not ok $name: exit status $rc (143: killed after ${limit:-900} s)" >/dev/ttyS1
	echo "# $name took $(($(cut -d. -f1 /proc/uptime) - begin)) s" >/dev/ttyS1
	# What a case has started must not disturb the next one.
	for p in $(ps -o pid,comm | awk '$2 == "workload" || $2 == "damontop" || $2 == "harvest_dump" { print $1 }'); do
		kill -9 "$p" 2>/dev/null
	done
	rm -rf /tmp/* /dev/shm/*
done
[ -n "$(ls /out)" ] && tar -c -C /out . >/dev/ttyS2
echo end >/dev/ttyS1
