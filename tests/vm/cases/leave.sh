# kernels: 6.12 6.1
# SPDX-License-Identifier: GPL-2.0-or-later
# However it ends, no program of ours stays in the kernel.
play_small
before=$(harvest_judge -l)
for sig in TERM INT HUP KILL; do
	damontop -b --json -s mglru -n 100 -p $P >/tmp/leave.json 2>/tmp/leave.err &
	d=$!
	wait_for 20 test -s /tmp/leave.json
	during=$(harvest_judge -l)
	kill -$sig $d
	wait $d
	check leave-$sig "programs: $before before, $during during, $(harvest_judge -l) after" \
		wait_for 5 eval '[ $(harvest_judge -l) = $before ]'
	check leave-$sig-had-some "programs during: $during" [ "$during" -gt "$before" ]
	rm -f /tmp/leave.json
done
check leave-no-pins "$(ls /sys/fs/bpf)" [ -z "$(ls /sys/fs/bpf)" ]
