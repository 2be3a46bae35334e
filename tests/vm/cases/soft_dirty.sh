# kernels: 6.12 6.1
# SPDX-License-Identifier: GPL-2.0-or-later
# Exactly the pages that were written, as an ordinary user: 6.12 by PAGEMAP_SCAN and by pagemap, 6.1 by pagemap alone.
su -s /bin/sh nobody -c soft_dirty_truth

# The program as a whole on a process of one's own: of 200 MiB that are read, 22 MiB are written.
cat >/tmp/phases <<'END'
flush 50ms
map heap anon 200M
phase write 80s
  access heap+91M:20M  op=write pattern=sequential weight=4
  access heap+165M:2M  op=write weight=2
  access heap          weight=4
END
chmod 644 /tmp/phases
chmod 777 /tmp
su -s /bin/sh nobody -c 'workload -o /tmp/truth /tmp/phases >/tmp/ready' &
wait_for 20 grep -q '^ready' /tmp/ready
pid=$(sed -n '1s/^ready //p' /tmp/ready)
su -s /bin/sh nobody -c "damontop -s soft_dirty -b --json --aggr 3s -n 3 -p $pid" >/tmp/json || not_ok soft_dirty-program "exit status $?"
tail -n 1 /tmp/json >/tmp/last
sed 's/"regions".*//' /tmp/last

wss=$(sed -n 's/.*"wss_bytes":\([0-9]*\).*/\1/p' /tmp/last)
check soft_dirty-wss "want 22 to 23 MiB, got $wss bytes" [ "${wss:-0}" -ge 23068672 -a "${wss:-0}" -le 24117248 ]

# Regions of which most pages were written: inside of the two ranges, but for less than 1 MiB, and nearly all of them.
base=$(sed -n 's/.*"name":"heap","kind":"anon","start":"0x\([0-9a-f]*\)".*/\1/p' /tmp/truth)
base=$((0x$base)) inside=0 outside=0
for region in $(sed 's/.*"regions":\[//; s/{"start":"/\n/g' /tmp/last | sed -n 's/^0x\([0-9a-f]*\)","end":"0x\([0-9a-f]*\)".*"heat":\([0-9.]*\).*/\1,\2,\3/p' |
	awk -F, '$3 >= 0.5 { print $1 "," $2 }'); do
	at=$((0x${region%,*})) end=$((0x${region#*,}))
	while [ $at -lt $end ]; do
		mib=$(((at - base) / 65536))
		if [ $mib -ge $((91 * 16)) -a $mib -lt $((111 * 16)) ] || [ $mib -ge $((165 * 16)) -a $mib -lt $((167 * 16)) ]; then
			inside=$((inside + 1))
		elif [ $at -ge $base -a $mib -lt $((200 * 16)) ]; then
			outside=$((outside + 1))
		fi
		at=$((at + 65536))
	done
done
check soft_dirty-regions "of 352 parts of 64 KiB $inside, and $outside others" [ $inside -ge 340 -a $outside -le 16 ]
true
