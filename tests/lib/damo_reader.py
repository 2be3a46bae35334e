#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a recording by damo 3.3's rules, written anew from the description of its format: damo itself is no part of this
repository. What damo would refuse is an error.

    damo_reader.py FILE            number of snapshots and regions
    damo_reader.py --wss FILE      working set percentiles as damo report wss --raw_number computes them
"""
import json
import re
import sys
import zlib

BYTES = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def to_int(value):
    """Numbers as damo reads them: with commas, with a unit, or plain."""
    if isinstance(value, (int, float)):
        return int(value)
    match = re.fullmatch(r"([0-9.,]+) ?([A-Za-z]*)", value)
    number = match.group(1).replace(",", "")
    unit = match.group(2).removesuffix("iB") if len(match.group(2)) > 1 else match.group(2)
    return int(number) if not unit else int(float(number) * BYTES[unit])


def regions_of(snapshot):
    result = []
    for r in snapshot["regions"]:
        age = r["age"]
        age["usec"], int(age["aggr_intervals"])  # both keys have to be there
        samples = r["nr_accesses"]["samples"]
        start, end = to_int(r["start"]), to_int(r["end"])
        if not isinstance(samples, int) or start >= end or (result and start < result[-1][1]):
            raise ValueError(f"region {r}")
        result.append((start, end, samples))
    return result


def read(path):
    """[(target, intervals, [(start_ns, end_ns, regions)])]"""
    with open(path, "rb") as f:
        data = f.read()
    if data[:2] not in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        raise ValueError("damo would not take it for zlib compressed data")
    records = []
    for r in json.loads(zlib.decompress(data).decode()):
        if not isinstance(r["target_id"], int):
            raise ValueError("target_id is no integer")
        intervals = {k: to_int(r["intervals"][k]) for k in ("sample_us", "aggr_us", "ops_update_us")}
        snapshots = [(to_int(s["start_time"]), to_int(s["end_time"]), regions_of(s)) for s in r["snapshots"]]
        records.append((r["target_id"], intervals, snapshots))
    return records


def wss_percentiles(snapshots, skip=20, step=25):
    sizes = sorted(sum(e - s for s, e, n in regions if n >= 1) for _, _, regions in snapshots[skip:])
    return [(p, sizes[min(int(p / 100 * len(sizes)), len(sizes) - 1)]) for p in range(0, 101, step)] if sizes else []


def main():
    records = read(sys.argv[-1])
    if sys.argv[1] == "--wss":
        for _, _, snapshots in records:
            for percentile, size in wss_percentiles(snapshots):
                print(percentile, size)
        return
    print(sum(len(r[2]) for r in records), sum(len(s[2]) for r in records for s in r[2]))


if __name__ == "__main__":
    main()
