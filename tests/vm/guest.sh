#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Boots a Debian kernel in qemu with an initramfs of the real programs. Nothing is installed: kernel packages are
# downloaded and unpacked below $BUILD/vm. Root is not needed, nor KVM.
#
#	guest.sh [-k 6.12|6.1|new] [-o DIR] [-t SECONDS] CASE.sh ...  run these in one boot; their result lines on stdout
#	                                                              (given up when nothing comes for so many seconds)
#	guest.sh [-k 6.12|6.1|new] -f                                 the kernel is there, or is downloaded
#	guest.sh [-k 6.12|6.1|new] -i                                 live: damontop on a workload, in this terminal
#
# "new" is the newest kernel of Debian's backports (7.3 in November 2026).
#
# Result lines are "ok NAME", "not ok NAME: why", "skip NAME: why", those of a case after a line "case CASE";
# then "# CASE took SECONDS s". Exit status: 0 all ok or skipped, 1 some not ok,
# 77 the guest cannot be had here (why on stderr). -o DIR receives console.log and what the cases left in /out.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$top/build}
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
vm=$BUILD/vm
cache=${VM_CACHE:-$vm/cache}
kernel=6.12
out=
limit=${VM_TIMEOUT:-1500} # more than a case may take (guest/cases.sh): how many there are is no matter
node_mb=${VM_NODE_MB:-1536} # of memory for each of the two nodes
live=
fetch=

# These come with the guest where they have been built; a case that needs one looks for it.
programs="damontop tests/workload/workload $(cd "$top" && ls tests/vm/*.c tests/bench/*.c 2>/dev/null | sed 's/\.c$//')"
terminfo="xterm xterm-256color screen screen-256color tmux tmux-256color linux vt100 dumb"

cannot() { echo "guest.sh: $*" >&2; exit 77; }

# The package that a meta package stands for now, e.g. linux-image-6.12.117+deb12-cloud-amd64.
image_package() {
	apt-cache depends "$1" 2>/dev/null | awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }'
}

# Downloads the newest kernel of the next release's backports into $1. That release is no source of this machine's
# packages: its index is read into a folder of its own, and checked by Debian's keys as ever.
get_new() {
	printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie-backports main\n' \
		"${VM_MIRROR:-http://deb.debian.org/debian}" >"$1/sources.list"
	mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
	printf 'Dir::Etc::sourcelist "%s/sources.list";\nDir::Etc::sourceparts "-";\nDir::State::lists "%s/lists";\nDir::Cache "%s/cache";\n' \
		"$1" "$1" "$1" >"$1/conf"
	export APT_CONFIG="$1/conf"
	apt-get -qq update || return
	# Its files have been in linux-binary since 7.0, in linux-image before.
	pkg=$(image_package linux-image-cloud-amd64)
	binary=linux-binary-${pkg#linux-image-}
	apt-cache show "$binary" >/dev/null 2>&1 && pkg=$binary
	cd "$1" && apt-get -qq download "$pkg" && dpkg --fsys-tarfile ./*.deb | tar -x --wildcards '*/vmlinuz*' &&
		mkdir -p boot && find . -name 'vmlinuz*' -type f -exec mv {} boot/vmlinuz-new ';'
}

# Downloads the kernel that meta package $2 stands for now into $1.
get_of_meta() {
	pkg=$(image_package "$2")
	if [ -z "$pkg" ] && [ "$(id -u)" = 0 ]; then
		apt-get -qq update >/dev/null 2>&1
		pkg=$(image_package "$2")
	fi
	[ -n "$pkg" ] || { echo "no package $2: apt-get update, or another release of Debian"; return 1; }
	cd "$1" && apt-get -qq download "$pkg" && dpkg --fsys-tarfile ./*.deb | tar -x --wildcards './boot/vmlinuz-*'
}

# Sets vmlinuz. Downloads at most once for each version of the kernel.
get_kernel() {
	vmlinuz=$cache/vmlinuz-$kernel
	[ -s "$vmlinuz" ] && return
	command -v apt-get >/dev/null || cannot "needs apt-get to download the kernel package"
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/get.XXXXXX") || exit 1
	(case $kernel in
	6.12) get_of_meta "$tmp" linux-image-6.12-cloud-amd64 ;;
	6.1) get_of_meta "$tmp" linux-image-cloud-amd64 ;;
	new) get_new "$tmp" ;;
	*) echo "there are 6.12, 6.1 and new" && false ;;
	esac) >"$tmp/said" 2>&1 || { why=$(tail -n 1 "$tmp/said"); rm -rf "$tmp"; cannot "cannot download kernel $kernel: $why"; }
	mv "$tmp"/boot/vmlinuz-* "$vmlinuz.$$" && mv "$vmlinuz.$$" "$vmlinuz"
	rm -rf "$tmp"
}

# The libraries that a program is linked with, the loader included.
libraries() { ldd "$1" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }'; }

# Lays out the guest's root in $1.
lay_root() {
	mkdir -p "$1/bin" "$1/lib/vm" "$1/etc" "$1/proc" "$1/sys" "$1/dev" "$1/tmp" "$1/out" "$1/cases"
	cp "$(command -v busybox)" "$1/bin/busybox"
	for p in $programs; do
		[ -x "$BUILD/$p" ] || continue
		cp "$BUILD/$p" "$1/bin/"
		for l in $(libraries "$BUILD/$p"); do
			[ -e "$1$l" ] || { mkdir -p "$1$(dirname "$l")" && cp -L "$l" "$1$l"; }
		done
	done
	for t in $terminfo; do
		for d in /etc/terminfo /lib/terminfo /usr/share/terminfo; do
			f=$d/$(printf %.1s "$t")/$t
			[ -e "$f" ] || continue
			mkdir -p "$1/lib/terminfo/$(printf %.1s "$t")" && cp -L "$f" "$1/lib/terminfo/$(printf %.1s "$t")/"
			break
		done
	done
	# The C library has no UTF-8 of its own: without this the screen falls back to ASCII.
	[ -d /usr/lib/locale/C.utf8 ] && mkdir -p "$1/usr/lib/locale" && cp -r /usr/lib/locale/C.utf8 "$1/usr/lib/locale/"
	echo 'root:x:0:0:root:/:/bin/sh' >"$1/etc/passwd"
	echo 'nobody:x:65534:65534:nobody:/:/bin/sh' >>"$1/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$1/etc/group"
	cp "$here/guest/init" "$1/init"
	cp "$here"/guest/*.sh "$here"/guest/*.phases "$1/lib/vm/"
	chmod 755 "$1/init"
	mkdir -p "$1/lib/workload"
	cp "$top"/tests/workload/*.phases "$1/lib/workload/"
}

# Packs directory $1 to stdout as an initramfs.
pack() { (cd "$1" && find . -print0 | cpio -0 -o -H newc -R 0:0 --quiet) | gzip -1; }

# Two CPUs, each with a node of memory. VM_ICOUNT: one CPU whose time is the count of its instructions, 2^VM_ICOUNT ns each, so
# that nothing else on this machine is seen in what it measures; idle time is skipped.
if [ -n "${VM_ICOUNT:-}" ]; then
	machine="-accel tcg,thread=single -icount shift=$VM_ICOUNT,sleep=off -smp 1 -numa node,nodeid=0,cpus=0,memdev=m0 -numa node,nodeid=1,memdev=m1"
else
	machine="-accel ${VM_ACCEL:-tcg,thread=multi} -smp 2 -numa node,nodeid=0,cpus=0,memdev=m0 -numa node,nodeid=1,cpus=1,memdev=m1"
fi

# Becomes qemu: call it in a subshell.
qemu() {
	# shellcheck disable=SC2086
	exec $run qemu-system-x86_64 $machine -cpu max -m $((2 * node_mb)) \
		-object memory-backend-ram,id=m0,size=${node_mb}M -object memory-backend-ram,id=m1,size=${node_mb}M \
		-display none -monitor none -no-reboot -net none -kernel "$vmlinuz" "$@"
}

cmdline="quiet loglevel=1 panic=-1 transparent_hugepage=madvise console=ttyS0"

run_live() {
	lay_root "$work/root"
	pack "$work/root" >"$work/initrd.gz"
	size=$(stty size 2>/dev/null) || size="24 80"
	saved=$(stty -g 2>/dev/null)
	(qemu -initrd "$work/initrd.gz" -chardev stdio,id=tty,signal=off -serial chardev:tty \
		-append "$cmdline vm=live vm_rows=${size% *} vm_cols=${size#* } vm_term=${TERM:-vt100}")
	rc=$?
	[ -n "$saved" ] && stty "$saved"
	return $rc
}

# Waits for qemu, or ends it where it has said nothing more for the limit: a slow machine takes its time, one that stands
# still does not come to an end.
wait_for_qemu() {
	said=none since=$(date +%s)
	while kill -0 "$qemu_pid" 2>/dev/null; do
		now=$(date +%s)
		case $(wc -c <"$work/results") in
		"$said") [ $((now - since)) -lt "$limit" ] || kill "$qemu_pid" ;;
		*) said=$(wc -c <"$work/results") since=$now ;;
		esac
		sleep 0.2
	done
	wait "$qemu_pid"
}

# One boot with all cases. Leaves their lines in $work/results.
boot_cases() {
	: >"$work/results"
	truncate -s 256M "$work/disk" # for the case that swaps: NVMe needs no module
	qemu -drive "file=$work/disk,if=none,id=disk,format=raw,cache=unsafe" -device nvme,serial=disk,drive=disk \
		-initrd "$work/initrd.gz" -append "$cmdline vm=cases" -serial "file:$work/console.log" \
		-serial "file:$work/results" -serial "file:$work/out.tar" </dev/null &
	qemu_pid=$!
	wait_for_qemu
	qemu_pid=
}

# Attaching a hook patches the kernel's code while the other CPU may be in it. On real hardware that is safe; qemu's TCG
# sometimes executes the breakpoint of the patch after it has gone, and the kernel gives up. That says nothing of us.
was_patch_race() { ! grep -q '^end' "$work/results" && grep -q 'Oops: int3' "$work/console.log"; }

run_cases() {
	lay_root "$work/root"
	n=100
	for c in "$@"; do
		cp "$c" "$work/root/cases/$n-$(basename "$c")" || exit 1
		n=$((n + 1))
	done
	pack "$work/root" >"$work/initrd.gz"
	boot_cases
	for again in 2 3 4; do
		was_patch_race || break
		echo "guest-$kernel: the emulator has lost a patched instruction; boot $again" >&2
		boot_cases
	done
	if [ -n "$out" ]; then
		mkdir -p "$out" && cp "$work/console.log" "$work/results" "$out/"
		tar -x -C "$out" -f "$work/out.tar" 2>/dev/null
	fi
	tr -d '\r' <"$work/results" | grep -E '^(case|ok|not ok|skip|#) '
	if ! grep -q '^end' "$work/results"; then
		echo "case guest"
		echo "not ok guest-$kernel: nothing came for $limit s; the console's last lines are on stderr"
		tail -n 20 "$work/console.log" >&2
		return 1
	fi
	! grep -q '^not ok' "$work/results"
}

while getopts k:o:t:fi opt; do
	case $opt in
	k) kernel=$OPTARG ;;
	o) out=$OPTARG ;;
	t) limit=$OPTARG ;;
	f) fetch=1 ;;
	i) live=1 ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))

for tool in qemu-system-x86_64 busybox cpio dpkg; do
	command -v $tool >/dev/null || cannot "$tool is not installed (make deps-check)"
done
get_kernel
[ -z "$fetch" ] || exit 0
mkdir -p "$vm"
work=$(mktemp -d "$vm/run.XXXXXX") || exit 1
qemu_pid=
run=
trap 'rm -rf "$work"' EXIT
trap '[ -n "$qemu_pid" ] && kill "$qemu_pid" 2>/dev/null; exit 1' INT TERM HUP
if [ -n "$live" ]; then
	run_live
else
	[ $# -gt 0 ] || { echo "usage: guest.sh [-k KERNEL] [-o DIR] CASE.sh ..." >&2; exit 2; }
	run_cases "$@"
fi
