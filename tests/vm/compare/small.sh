# SPDX-License-Identifier: GPL-2.0-or-later
# 16 MiB of 512 MiB are hot.
. /lib/vm/compare.sh
