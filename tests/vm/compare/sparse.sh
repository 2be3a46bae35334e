# SPDX-License-Identifier: GPL-2.0-or-later
# 40 of 400 mappings of 64 KiB are hot, in a mostly idle process.
. /lib/vm/compare.sh
