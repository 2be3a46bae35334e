# kernels: 6.12 6.1
# SPDX-License-Identifier: GPL-2.0-or-later
# Why not, precisely, and nothing is left behind by asking.
ask() { damontop --sources >/tmp/sources; } # once for each state of things
why() { awk -v s="$1" '$1 == s { found = 1; if ($2 == "yes") print "usable" } found && /why not/ { print; exit }' /tmp/sources; }
says() { if echo "$3" | grep -q "$2"; then ok "$1"; else not_ok "$1" "$(echo "$3" | tail -n 1)"; fi; }
before=$(harvest_judge -l)
says refused-user "CAP_BPF and CAP_PERFMON" "$(su -s /bin/sh nobody -c 'damontop --sources' | grep -A1 '^mglru')"
echo n >/sys/kernel/mm/lru_gen/enabled
ask
says refused-disabled "echo y > /sys/kernel/mm/lru_gen/enabled" "$(why mglru)"
says refused-disabled-other "usable" "$(why clear_refs)"
echo y >/sys/kernel/mm/lru_gen/enabled
umount /sys/kernel/debug/tracing 2>/dev/null
umount /sys/kernel/debug
ask
says refused-debugfs "mount -t debugfs" "$(why mglru)"
mount -t debugfs debugfs /sys/kernel/debug
mkdir -p /tmp/root/sys/kernel/btf
says refused-btf "CONFIG_DEBUG_INFO_BTF" "$(damontop --sources --root /tmp/root | grep -A1 '^mglru')"
hooks() { awk -v s="$1" 'found && /^[^ ]/ { exit } $1 == s { found = 1 } found && /hooks:/ { print }' /tmp/sources; }
ask
says refused-hooks "clear_refs_pte_range by fentry" "$(hooks clear_refs)"
says refused-hooks-mglru "ptep_test_and_clear_young by fentry" "$(hooks mglru)"
# Where the kernel's addresses are hidden, page tables cannot be read: the hook for each page instead.
mkdir /tmp/hide
sed 's/^[0-9a-f]*/0000000000000000/' /proc/kallsyms >/tmp/hide/kallsyms
mount -o bind /tmp/hide/kallsyms /proc/kallsyms
ask
says refused-hidden "ptep_test_and_clear_young by fentry" "$(hooks clear_refs)"
umount /proc/kallsyms
says refused-nothing-left "^$before$" "$(harvest_judge -l)"
ask
says refused-usable "usable" "$(why mglru)"
