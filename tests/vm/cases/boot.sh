# kernels: 6.12 6.1
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest is what the other cases rest on: two nodes with memory, MGLRU on, BTF, debugfs.
check boot-nodes "want nodes 0-1 with memory" [ "$(cat /sys/devices/system/node/has_memory)" = 0-1 ]
check boot-mglru "lru_gen is off" grep -q '^0x000[1-9a-f]' /sys/kernel/mm/lru_gen/enabled
check boot-btf "no /sys/kernel/btf/vmlinux" test -s /sys/kernel/btf/vmlinux
check boot-debugfs "no lru_gen in debugfs" grep -q '^memcg' /sys/kernel/debug/lru_gen
