# SPDX-License-Identifier: GPL-2.0-or-later
# time: counted
# The kernel holds a timer event back: its limit is lowered under an event that was allowed. It is counted, and said.
rate=/proc/sys/kernel/perf_event_max_sample_rate
before=$(cat $rate)
cat >/tmp/busy.phases <<X
map m anon 1M
phase read 60s
  access m
X

# held_back SNAPSHOTS OPTIONS...: what is throttled in each, while the limit sinks below what was asked for, in $throttled.
held_back() {
	play /tmp/busy.phases
	rm -f /tmp/throttle.json
	echo 100000 >$rate
	damontop -b --json -n "$@" -s perf -e perf::CPU-CLOCK -p $P >/tmp/throttle.json 2>/tmp/throttle.err &
	d=$!
	wait_for 20 test -s /tmp/throttle.json || not_ok throttle "no snapshot: $(cat /tmp/throttle.err)"
	echo 1000 >$rate
	wait $d
	echo "$before" >$rate
	stop
	throttled=$(sed -n 's/.*"throttled": *\([0-9]*\).*/\1/p' /tmp/throttle.json | tr '\n' ' ')
	echo "throttled: $throttled"
}

held_back 6 -c 100000
check throttle-counted "$throttled" at_least "$(echo "$throttled" | awk '{ for (i = 1; i <= NF; i++) n += $i; print n + 0 }')" 10
check throttle-said "$(cut -c1-400 /tmp/throttle.json | tail -n 1)" grep -q '"note": *"[^"]*throttled' /tmp/throttle.json

# With the period free the rate is brought down until the kernel holds nothing back any more.
held_back 12 -F 20000
sed -n 's/.*"note": *"\([^"]*\)".*/\1/p' /tmp/throttle.json
# Nothing in half of the last six snapshots, whatever the emulator's clock does; one trial in ten seconds is allowed.
check throttle-adapts "$throttled" at_least "$(echo "$throttled" | awk '{ for (i = NF - 5; i <= NF; i++) n += $i == 0; print n }')" 3
