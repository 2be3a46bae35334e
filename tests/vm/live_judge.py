#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds a node overlay, captured with its colours, against tests/vm/guest/live.phases.

    live_judge.py CAPTURE TRUTH-START

In the newest column the rows of map "near" have the legend's colour of node 0 and never that of node 1, those of "far" the
other way round; and the rows at full brightness are those that the phase under way keeps hot.
"""
import json
import re
import sys

MIB = 1 << 20
# Hot ranges by phase and map; the drifting band of phase "near" may be anywhere above 128 MiB.
HOT = {
    "near": {"near": [(64, 128)], "far": [(32, 64)]},
    "far": {"near": [(16, 32)], "far": [(160, 224)]},
}
MAY = {"near": {"near": [], "far": [(128, 256)]}, "far": {"near": [], "far": []}}


def cells(line):
    """[(character, foreground, background)]"""
    out, fg, bg, at = [], None, None, 0
    for m in re.finditer(r"\x1b\[([0-9;]*)m|(.)", line):
        if m.group(2):
            out.append((m.group(2), fg, bg))
            continue
        codes = m.group(1).split(";")
        while codes:
            code = codes.pop(0)
            if code in ("", "0"):
                fg = bg = None
            elif code in ("38", "48") and codes and codes[0] == "5":
                if code == "38":
                    fg = codes[1]
                else:
                    bg = codes[1]
                codes = codes[2:]
            elif code == "39":
                fg = None
            elif code == "49":
                bg = None
    return out


def halves(row):
    """Colours of the upper and lower half of the newest cell: the one before the border of the map."""
    border = max(i for i, c in enumerate(row) if c[0] == "│")
    for char, fg, bg in reversed(row[:border]):
        if char in "▀ ":
            return (fg if char == "▀" else bg), bg
    return None, None


def map_rows(rows, m):
    """The rows that show a map, from the one with its address to the next mapping's."""
    start = f"{int(m['start'], 16):012x}"
    first = next(i for i, r in enumerate(rows) if "".join(c[0] for c in r)[14:26] == start)
    last = first + 1
    while "".join(c[0] for c in rows[last])[:13].strip() == "":
        last += 1
    return rows[first:last]


def overlaps(ranges, low, high):
    return any(a < high and low < b for a, b in ranges)


def main():
    rows = [cells(line) for line in open(sys.argv[1], encoding="utf-8").read().splitlines()]
    maps = {m["name"]: m for m in json.loads(open(sys.argv[2], encoding="utf-8").read())["maps"]}
    legend = next(r for r in rows if "node 0" in "".join(c[0] for c in r) and "node 1" in "".join(c[0] for c in r))
    text = "".join(c[0] for c in legend)
    colour = {n: legend[text.index(f"node {n}") - 2][1] for n in (0, 1)}
    bright = {}
    for name, own, other in (("near", 0, 1), ("far", 1, 0)):
        shown = [h for r in map_rows(rows, maps[name]) for h in halves(r)]
        if colour[own] not in shown or colour[other] in shown:
            sys.exit(f"{name}: colours {sorted(set(map(str, shown)))}, want {colour[own]} and not {colour[other]}")
        step = maps[name]["size"] / MIB / len(shown)
        bright[name] = [(i * step, (i + 1) * step) for i, c in enumerate(shown) if c == colour[own]]
    for phase, hot in HOT.items():
        stray = [(n, b) for n in bright for b in bright[n] if not overlaps(hot[n] + MAY[phase][n], *b)]
        missing = [(n, h) for n in hot for h in hot[n] if not overlaps(bright[n], *h)]
        if not stray and not missing:
            print(f"phase {phase}, node 0 is {colour[0]}, node 1 is {colour[1]}, bright MiB: {bright}")
            return
    sys.exit(f"bright where no phase is hot: {bright}")


if __name__ == "__main__":
    main()
