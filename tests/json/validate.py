#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds JSON lines of damontop (stdin, or files) against the tables of docs/json.md.

    validate.py [--doc FILE] [--missing] [FILE...]

Each line: is one object, has every field that is always there, no field that the tables lack, the type they say, no null.
Beside that, what must hold between fields. --missing lists the documented fields that occurred nowhere.
Exit status 1 and one line for each thing that is wrong.
"""
import argparse
import json
import os
import re
import sys

ROW = re.compile(r"^\| `([a-z_.\[\]{}]+)` \| ([a-z]+) \| ([^|]*) \|")
TYPES = {
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 0,
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and v >= 0,
    "string": lambda v: isinstance(v, str) and v.isprintable(),
    "address": lambda v: isinstance(v, str) and re.fullmatch(r"0x[0-9a-f]{1,16}", v) is not None,
    "boolean": lambda v: isinstance(v, bool),
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
}


def read_doc(path):
    """{field: (type, there)}"""
    with open(path, encoding="utf-8") as doc:
        rows = [ROW.match(line) for line in doc]
    return {r[1]: (r[2], r[3].strip()) for r in rows if r and r[2] in TYPES}


class Checker:
    def __init__(self, doc):
        self.doc = doc
        self.seen = set()
        self.wrong = []

    def say(self, where, what):
        self.wrong.append(f"{where}: {what}")

    def value(self, where, path, value):
        if path not in self.doc:
            return self.say(where, f"{path} is not in the documentation")
        kind = self.doc[path][0]
        self.seen.add(path)
        if not TYPES[kind](value):
            return self.say(where, f"{path} is not of type {kind}: {value!r:.60}")
        if kind == "array":
            for item in value:
                if isinstance(item, dict):
                    self.members(where, path + "[].", item)
                else:
                    self.value(where, path + "[]", item)
        elif kind == "object" and path + "{}" in self.doc:
            for item in value.values():
                self.value(where, path + "{}", item)
        elif kind == "object":
            self.members(where, path + ".", value)

    def members(self, where, prefix, value):
        for key, item in value.items():
            self.value(where, prefix + key, item)
        for path, (_, there) in self.doc.items():
            rest = path[len(prefix):]
            if there == "always" and path.startswith(prefix) and re.fullmatch("[a-z_]+", rest) and rest not in value:
                self.say(where, f"{path} is missing")

    def order(self, where, what, snap):
        """By process, in the order of "processes", then by address; not overlapping."""
        pids = [p["pid"] for p in snap.get("processes", [])]
        last = (-1, 0)
        for v in snap.get(what, []):
            start, end = int(v["start"], 16), int(v["end"], 16)
            if ("pid" in v) != bool(pids) or (pids and v["pid"] not in pids):
                self.say(where, f"{what}: {v['start']} is of no process")
                continue
            process = pids.index(v["pid"]) if pids else 0
            if start >= end or (process, start) < last:
                self.say(where, f"{what} out of order at {v['start']}")
            last = (process, end)

    def processes(self, where, snap):
        if ("processes" in snap) != ("processes_left_out" in snap) or ("processes" in snap) != ("processes_refused" in snap):
            self.say(where, "processes, processes_left_out and processes_refused go together")
        for key in ("rss_bytes", "wss_bytes", "nr_threads"):
            parts = [p[key] for p in snap.get("processes", []) if key in p]
            if parts and key in snap and sum(parts) != snap[key]:
                self.say(where, f"{key} is not the sum over the processes")

    def relations(self, where, snap, before):
        self.order(where, "regions", snap)
        self.order(where, "mappings", snap)
        self.processes(where, snap)
        for r in snap["regions"]:
            size = int(r["end"], 16) - int(r["start"], 16)
            for key in ("anon_bytes", "file_bytes", "huge_bytes", "swapped_bytes"):
                if r.get(key, 0) > size + 4095:
                    self.say(where, f"{key} of {r['start']} is more than its size")
            if sum(r.get("nodes", {}).values()) * 4096 > size + 4095:
                self.say(where, f"more pages on nodes than {r['start']} has")
            if snap["heat_unit"] == "fraction" and not r["nr_accesses"] <= snap["max_nr_accesses"]:
                self.say(where, f"nr_accesses of {r['start']} above max_nr_accesses")
        if snap["heat_unit"] == "time":
            total = sum(r["heat"] * (int(r["end"], 16) - int(r["start"], 16)) / (1 << 20) for r in snap["regions"])
            if total > 1.01:
                self.say(where, f"shares of time add up to {total}")
        for m in snap.get("mappings", []):
            if not m["referenced_bytes"] <= m["rss_bytes"] <= int(m["end"], 16) - int(m["start"], 16):
                self.say(where, f"mapping {m['start']}: not referenced <= resident <= its size")
            if ("accesses_per_sec" in m) != ("at_least" in m) or ("accesses_per_sec" in m) != ("nr_windows" in m):
                self.say(where, f"mapping {m['start']}: accesses_per_sec, at_least and nr_windows go together")
        if ("max_nr_accesses" in snap) != (snap["heat_unit"] == "fraction"):
            self.say(where, "max_nr_accesses goes with heat_unit fraction")
        if ("wss_exact" in snap) != ("wss_bytes" in snap):
            self.say(where, "wss_exact goes with wss_bytes")
        if before and snap["seq"] == before["seq"] and snap["source_index"] > before["source_index"]:
            if any(snap[k] != before[k] for k in ("time_ns", "wall_ns", "duration_ns")):
                self.say(where, "not the time of the other source's snapshot")
        elif before and (snap["seq"] <= before["seq"] or snap["time_ns"] <= before["time_ns"]):
            self.say(where, "seq or time does not grow")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--doc", default=os.path.join(here, "../../docs/json.md"))
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    checker = Checker(read_doc(args.doc))
    nr = 0
    for name in args.files or ["/dev/stdin"]:
        before = None
        with open(name, encoding="utf-8", errors="strict") as lines:
            for n, line in enumerate(lines, 1):
                where = f"{name}:{n}"
                try:
                    snap = json.loads(line, parse_constant=lambda c: None)
                except ValueError as error:
                    checker.say(where, f"not JSON: {error}")
                    continue
                if not isinstance(snap, dict):
                    checker.say(where, "not an object")
                    continue
                nr += 1
                nr_wrong = len(checker.wrong)
                checker.members(where, "", snap)
                if len(checker.wrong) == nr_wrong:
                    checker.relations(where, snap, before)
                before = snap
    for line in checker.wrong[:20]:
        print(line)
    if args.missing:
        print("occurred nowhere:", " ".join(sorted(set(checker.doc) - checker.seen)))
    if not nr:
        print("no snapshot")
    sys.exit(1 if checker.wrong or not nr else 0)


if __name__ == "__main__":
    main()
