#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Judges snapshots of a process with its children against what the workload says of each child.

    family_judge.py STDOUT-OF-THE-WORKLOAD JSON-LINES

The workload (modes family, brood) says "child PID START END": the range that is hot in this child, and in no other, though
all have the same memory at the same addresses. Of what was found in the child's rows in the 64 MiB around it, much more must
be in that range than in the same range of its siblings, and more than if it were even (a sixteenth): a quarter at least, four
times as much. Regions that have just been found, or rest on few samples, reach beyond what is hot.
Prints ok and not ok lines.
"""
import json
import sys

PART, PARTS = 16 << 20, 4


def overlap(region, start, end):
    a, b = int(region["start"], 16), int(region["end"], 16)
    return max(0, min(b, end) - max(a, start))


def main():
    children = {}
    base = None
    for line in open(sys.argv[1], encoding="utf-8"):
        words = line.split()
        if words and words[0] == "child":
            children[int(words[1])] = (int(words[2], 16), int(words[3], 16))
            base = min(base or 1 << 63, int(words[2], 16))
    snaps = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
    found = {}
    for snap in snaps:
        for region in snap["regions"]:
            pid = region["pid"]
            if pid not in children:
                continue
            sums = found.setdefault(pid, [0.0, 0.0, 0.0])
            start, end = children[pid]
            sums[0] += region["heat"] * overlap(region, start, end)
            sums[1] += region["heat"] * overlap(region, base, base + PARTS * PART)
            others = {base + k * PART for k in range(PARTS)} - {start}
            sums[2] += region["heat"] * sum(overlap(region, at, at + end - start) for at in others)
    seen = {p["pid"] for snap in snaps for p in snap["processes"]}
    judged = sorted(seen & set(children))
    bad = [pid for pid in judged if found.get(pid, [0, 0])[1] <= 0]
    # one that came or went just now has few samples, or none
    if len(judged) < 2 or len(bad) > len(judged) // 3:
        print(f"not ok accesses of each child: {len(judged)} of {len(children)} children seen, nothing found in {bad}")
    else:
        print("ok accesses of each child")
    shares = {p: (found[p][0] / found[p][1], found[p][2] / found[p][1]) for p in judged if p not in bad}
    print("# shares of what was found: in the child's own hot range, in those of others:",
          {p: (round(a, 3), round(b, 3)) for p, (a, b) in shares.items()})
    low = {p: s for p, s in shares.items() if s[0] < 0.25 or s[0] < 4 * s[1]}
    if low or not shares:
        print(f"not ok each child's hot range in its own rows: {low}")
    else:
        print("ok each child's hot range in its own rows")


main()
