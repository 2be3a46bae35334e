#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes what a recording of ours holds the way damo 3.3 writes it (json_compressed): indented JSON, numbers of the upper
levels as text, those of regions as people write them, and nothing that damo does not know. From the description of the
format; damo itself is no part of this repository.

    damo_writer.py RECORDING OUT             json_compressed
    damo_writer.py --json RECORDING OUT      json
"""
import json
import sys
import zlib

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def human_bytes(n):
    unit = 0
    while n >= 1024 and unit + 1 < len(UNITS):
        n /= 1024
        unit += 1
    return f"{n:.3f} {UNITS[unit]}" if unit else f"{int(n)} B"


def human_us(us):
    """3200000: "3 s 200 ms"."""
    parts = []
    for name, size in (("h", 3600000000), ("m", 60000000), ("s", 1000000), ("ms", 1000), ("us", 1)):
        if us >= size:
            parts.append(f"{us // size} {name}")
            us %= size
    return " ".join(parts) or "0 ns"


def region(r, aggr_us):
    age = int(r["age"]["aggr_intervals"])
    return {
        "start": f"{int(r['start']):,}",
        "end": f"{int(r['end']):,}",
        "nr_accesses": {"samples": r["nr_accesses"]["samples"], "percent": None},
        "age": {"usec": human_us(age * aggr_us), "aggr_intervals": f"{age:,}"},
        "probe_hits": [],
        "sz_filter_passed": human_bytes(0),
    }


def snapshot(s, aggr_us):
    return {
        "start_time": s["start_time"],
        "end_time": s["end_time"],
        "regions": [region(r, aggr_us) for r in s["regions"]],
        "total_bytes": s["total_bytes"],
        "damos_stats": None,
        "sample_interval_us": None,
    }


def record(r):
    known = ("kdamond_idx", "context_idx", "intervals", "scheme_idx", "target_id", "scheme_filters")
    out = {name: r[name] for name in known}
    out["snapshots"] = [snapshot(s, int(r["intervals"]["aggr_us"])) for s in r["snapshots"]]
    out["data_source"] = "unknown"
    return out


def main():
    *mode, path, out = sys.argv[1:]
    with open(path, "rb") as f:
        records = json.loads(zlib.decompress(f.read()))
    text = json.dumps([record(r) for r in records], indent=4).encode()
    with open(out, "wb") as f:
        f.write(text if mode == ["--json"] else zlib.compress(text))


if __name__ == "__main__":
    main()
