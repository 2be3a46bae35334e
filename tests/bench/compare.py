#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Judges what tests/vm/guest/compare.sh has left, one folder for each run, and prints one table (Markdown).

    compare.py FOLDER...

Hot is what gets more than half of the accesses a byte that the hottest byte gets, by the truth. A source's hot set is its
hottest regions with any heat, until they add up to as many bytes. Of these, precision is the part that is hot; recall is the part of
what is hot that they have. Both: the median of the snapshots that end in the second half of a phase. Converged is a snapshot from
which on three in a row have a recall of 0.8 or more, of the phase that the snapshot ends in.
"""
import gzip
import json
import os
import statistics
import sys
from collections import defaultdict

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import judge  # noqa: E402

RECALL, IN_A_ROW = 0.8, 3
WORKLOADS = {
    "quarter": "128 of 512 MiB hot",
    "small": "16 of 512 MiB hot",
    "sparse": "40 of 400 mappings of 64 KiB hot",
}


def load(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.endswith("}\n")]


class Truth(judge.Truth):
    def __init__(self, path):  # pylint: disable=super-init-not-called
        lines = load(path)
        self.start = lines[0]
        self.slices = [line for line in lines if line["type"] == "slice"]

    def hot(self, begin, end):
        pieces = judge.density(self.ranges(begin, end))
        limit = max(d for _, _, d in pieces) / 2
        return [(s, e, 1) for s, e, d in pieces if d > limit]


def score(snap, hot):
    """(precision, recall) of one snapshot."""
    want = sum(e - s for s, e, _ in hot)
    chosen = judge.hottest([r for r in judge.regions(snap) if r[2] > 0], want)
    right = judge.common(chosen, hot)
    return right / max(1, sum((e - s) * x for s, e, x in chosen)), right / want


def time_to_converge(scores, change_ns):
    """Seconds from the change to the end of the first of three good snapshots in a row; None: there are none."""
    good = 0
    for n, (end_ns, _, recall) in enumerate(scores):
        good = good + 1 if recall >= RECALL else 0
        if good == IN_A_ROW:
            return (scores[n - IN_A_ROW + 1][0] - change_ns) / 1e9
    return None


def judge_one(folder, name):
    truth = Truth(f"{folder}/{name}.truth.gz")
    snaps = load(f"{folder}/{name}.json.gz")
    late, converged = [], None
    for begin, end, key in truth.phases():
        hot = truth.hot(begin, end)
        scores = [(s["time_ns"], *score(s, hot)) for s in snaps if begin < s["time_ns"] <= end]
        late += [s for s in scores if s[0] >= (begin + end) / 2]
        if key[1] == "after":
            converged = time_to_converge(scores, begin)
    with open(f"{folder}/{name}.cost", encoding="utf-8") as f:
        cost = json.load(f)
    return {
        "precision": statistics.median(s[1] for s in late) if late else 0,
        "recall": statistics.median(s[2] for s in late) if late else 0,
        "converged": converged,
        "cpu": [100 * ns / cost["ns"] for ns in cost["cpu_ns"]],
        "interval": statistics.median(s["duration_ns"] for s in snaps) / 1e9,
    }


def span(values, fmt):
    """The median, and the lowest and highest where there are several."""
    text = fmt.format(statistics.median(values))
    return text if len(values) == 1 else f"{text} ({fmt.format(min(values))}–{fmt.format(max(values))})"


def order(file):
    """The kernel's DAMON first."""
    return "-damon" not in file, file


def main():
    found = defaultdict(list)
    for folder in sys.argv[1:]:
        for file in sorted(os.listdir(folder), key=order):
            if file.endswith(".cost"):
                workload, source = file.removesuffix(".cost").split("-", 1)
                found[workload, source].append(judge_one(folder, file.removesuffix(".cost")))
    print("| workload | source | precision | recall | s until found again | CPU: collecting | kdamond | printing | s a snapshot |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for workload, words in WORKLOADS.items():
        for (w, source), runs in found.items():
            if w != workload:
                continue
            times = [r["converged"] for r in runs if r["converged"] is not None]
            never = f"; not in {len(runs) - len(times)} of {len(runs)}" if len(times) < len(runs) else ""
            print(" | ".join([
                f"| {words}",
                f"`{source}`",
                span([r["precision"] for r in runs], "{:.2f}"),
                span([r["recall"] for r in runs], "{:.2f}"),
                (span(times, "{:.1f}") if times else "") + never if times else "not found again",
                span([r["cpu"][0] for r in runs], "{:.1f} %"),
                span([r["cpu"][2] for r in runs], "{:.1f} %") if any(r["cpu"][2] for r in runs) else "",
                span([r["cpu"][1] for r in runs], "{:.1f} %"),
                span([r["interval"] for r in runs], "{:.2f}") + " |",
            ]))
    return 0 if found else 1


sys.exit(main())
