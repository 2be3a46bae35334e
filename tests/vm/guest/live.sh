# SPDX-License-Identifier: GPL-2.0-or-later
# "make guest": the real thing on the serial console. q ends it and powers the guest off.
stty rows "$ROWS" cols "$COLS"
cd /tmp || exit 1
workload -o /tmp/truth /lib/vm/live.phases >/dev/null 2>&1 &
pid=$!
while [ ! -s /tmp/truth ] && kill -0 $pid; do usleep 50000; done
damontop -s mglru -p $pid || sleep 3
kill $pid
# For the test that drives this screen: where the memory is.
head -n 1 /tmp/truth
stty sane # waits until all of it is sent, which the power-off does not
