#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what damontop says (JSON lines) with what a workload did (its truth file).

    judge.py overlap DAMONTOP TRUTH --hot 128M [--min-median X] [--min-worst Y]
        of each snapshot: the part of the truly hottest bytes that is in the hottest regions of the same size
    judge.py pages DAMONTOP TRUTH [--min-precision X] [--min-recall Y] [--min-judged N]
        of each snapshot: how much of the heat is in the ranges that were accessed, and of these how much is in regions with
        heat. Of a workload that sweeps only the snapshots are judged in which it got through everything
    judge.py members DAMONTOP TRUTH --map NAME [--min-precision X]
        of all snapshots of a phase together: as many of the hottest members of a map as were hot, against those
    judge.py attrs DAMONTOP TRUTH [--tolerance X]
        of the last snapshot: bytes by map that are anon, file, huge and on each node, against how it was mapped
    judge.py counts DAMONTOP TRUTH [--min-lost N] [--tolerance X]
        of all snapshots together, from before the first access to the end: accesses counted in each map, against those
        made (pages, where the truth counts pages: first touches); what is missing must be lost, and nothing else (or X
        of all at most)
    judge.py touched DAMONTOP TRUTH
        of all snapshots together: the pages of each map in regions with heat are those of the ranges that were accessed,
        one by one (ranges of which every page was), and no fewer accesses were counted than pages
    judge.py beside DAMONTOP TRUTH [--min-recall X] [--min-ratio X]
        of two sources side by side, one that checks bits and one of time, of each aggregation: the first finds this part of
        each range that was accessed, however often it was; to the second, all aggregations together, a byte of the range
        accessed most is so many times as hot as one of the range accessed least

Only snapshots that lie within one phase are judged; those across the border of two are listed. --skip N leaves out the first N.
Prints a line for each and a summary; exit status 1 where a minimum is not reached, or where there is nothing to judge.
"""
import argparse
import json
import statistics
import sys
from collections import defaultdict

# A snapshot may reach this much of its duration into another phase and still count as within one, where heat is compared.
MAX_STRAY = 0.02
# Where pages are compared a moment in another phase touches all of that phase's pages; and what a harvest finds was
# accessed since the harvest before it passed there, which on a slow machine begins this long before the snapshot does.
PAGES_LEAD_NS = 250_000_000
# The workload counts accesses in batches of 32.
SLACK = 64 << 12


def size(text):
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(float(text[:-1]) * units[text[-1].upper()]) if text[-1].upper() in units else int(text)


def read_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.endswith("}\n")]


class Truth:
    def __init__(self, path):
        lines = read_lines(path)
        self.start = lines[0]
        self.slices = [line for line in lines if line["type"] == "slice"]
        self.maps = {}
        for m in self.start["maps"]:
            base = int(m["start"], 16)
            self.maps[m["name"]] = dict(m, members=[
                (base + i * m["stride"], base + i * m["stride"] + m["size"]) for i in range(m["count"])])

    def phases(self):
        """[(begin_ns, end_ns, key)] of each phase played."""
        out = []
        for s in self.slices:
            key = (s["loop"], s["phase"])
            if out and out[-1][2] == key:
                out[-1][1] = s["end_ns"]
            else:
                out.append([s["begin_ns"], s["end_ns"], key])
        return out

    def within(self, begin, end, stray):
        """The phase that [begin, end) lies in, but for this part of it; or None."""
        for b, e, key in self.phases():
            if min(end, e) - max(begin, b) >= (end - begin) * (1 - stray):
                return key
        return None

    def whole(self, begin, end):
        """Has everything in that time been accessed that the phase accesses, after the TLB was flushed? Only sweeps tell."""
        inside = [s for s in self.slices if begin <= s["begin_ns"] and s["end_ns"] <= end]
        if self.start["flush_ns"]:
            flushed = next((i for i, s in enumerate(inside) if s.get("flushes")), len(inside))
            inside = inside[flushed + 1:]
        done = defaultdict(int)
        for s in inside:
            for r in s["ranges"]:
                done[r["start"], r["end"], r["thread"]] += r["accesses"]
        return all(
            r["pattern"] != "sweep"
            or done[r["start"], r["end"], r["thread"]] * self.start["page_size"] >= int(r["end"], 16) - int(r["start"], 16) + SLACK
            for s in self.slices if begin < s["end_ns"] and s["begin_ns"] < end for r in s["ranges"])

    def ranges(self, begin, end):
        """{(start, end): accesses} in that time, slices cut at its ends taken in proportion."""
        out = defaultdict(float)
        for s in self.slices:
            part = min(end, s["end_ns"]) - max(begin, s["begin_ns"])
            if part <= 0:
                continue
            for r in s["ranges"]:
                out[int(r["start"], 16), int(r["end"], 16)] += r["accesses"] * part / (s["end_ns"] - s["begin_ns"])
        return out


def density(ranges):
    """Ranges that may overlap, as pieces that do not: [(start, end, accesses per byte)]."""
    edges = sorted({e for r in ranges for e in r})
    pieces = []
    for start, end in zip(edges, edges[1:]):
        d = sum(n / (e - s) for (s, e), n in ranges.items() if s <= start and end <= e)
        if d > 0:
            pieces.append((start, end, d))
    return pieces


def hottest(pieces, want):
    """The hottest pieces that add up to want bytes, [(start, end, share of it taken)]."""
    out = []
    for start, end, _ in sorted(pieces, key=lambda p: -p[2]):
        take = min(1.0, want / (end - start))
        out.append((start, end, take))
        want -= (end - start) * take
        if want <= 0:
            break
    return out


def common(a, b):
    """Bytes in both; a piece that is taken in part counts in that part, wherever it lies."""
    return sum(max(0, min(e, f) - max(s, t)) * x * y for s, e, x in a for t, f, y in b)


def regions(snap):
    return [(int(r["start"], 16), int(r["end"], 16), r["heat"]) for r in snap["regions"]]


def clip(pieces, to):
    return [(max(s, a), min(e, b), h) for s, e, h in pieces for a, b in to if min(e, b) > max(s, a)]


def judged(args, truth, stray=MAX_STRAY, lead_ns=0):
    """(snapshot, begin_ns, phase) of those that lie within one phase from lead_ns before their begin."""
    for n, snap in enumerate(read_lines(args.damontop)):
        end, begin = snap["time_ns"], snap["time_ns"] - snap["duration_ns"]
        phase = truth.within(max(begin - lead_ns, min(begin, truth.slices[0]["begin_ns"])), end, stray)
        if n < args.skip:
            continue
        if phase is None:
            print(f"seq {snap['seq']}: not within one phase, not judged")
            continue
        yield snap, begin, phase


def verdict(what, value, minimum):
    good = minimum is None or value >= minimum
    print(f"{what} {value:.4f}" + ("" if minimum is None else f" ({'>=' if good else 'BELOW'} {minimum})"))
    return good


def overlap(args, truth):
    scores = []
    for snap, begin, phase in judged(args, truth):
        hot = hottest(density(truth.ranges(begin, snap["time_ns"])), args.hot)
        score = common(hottest([r for r in regions(snap) if r[2] > 0], args.hot), hot) / args.hot
        scores.append(score)
        print(f"seq {snap['seq']} phase {phase[1]}: overlap {score:.4f}, reports {snap['stats']['reports']}, "
              f"regions {len(snap['regions'])}")
    if not scores:
        print("nothing to judge")
        return False
    good = verdict("median", statistics.median(scores), args.min_median)
    return verdict("worst", min(scores), args.min_worst) and good


def pages(args, truth):
    all_maps = [m for x in truth.maps.values() for m in x["members"]]
    worst_p, worst_r = 1.0, 1.0
    nr = 0
    for snap, begin, phase in judged(args, truth, stray=0, lead_ns=PAGES_LEAD_NS):
        true = [(s, e, 1) for s, e, _ in density(truth.ranges(begin, snap["time_ns"]))]
        if not truth.whole(begin, snap["time_ns"]):
            print(f"seq {snap['seq']}: the workload has not got through, not judged")
            continue
        seen = [(s, e, h) for s, e, h in clip(regions(snap), all_maps) if h > args.min_heat]
        nr_true, nr_seen = (sum(e - s for s, e, _ in v) for v in (true, seen))
        both = common(true, [(s, e, 1) for s, e, _ in seen])
        heat = sum((e - s) * h for s, e, h in seen)
        p, r = common(true, seen) / heat if heat else 0, both / nr_true if nr_true else 1
        print(f"seq {snap['seq']} phase {phase[1]}: precision {p:.4f} recall {r:.4f} (seen {nr_seen >> 10} KiB, true {nr_true >> 10} KiB)"
              + (f" wss {snap['wss_bytes'] >> 10} KiB" if "wss_bytes" in snap else ""))
        worst_p, worst_r, nr = min(worst_p, p), min(worst_r, r), nr + 1
    if nr < args.min_judged:
        print(f"nothing to judge, or too little: {nr}")
        return False
    good = verdict("worst precision", worst_p, args.min_precision)
    return verdict("worst recall", worst_r, args.min_recall) and good


def members(args, truth):
    spans = truth.maps[args.map]["members"]
    heat = defaultdict(lambda: [0.0] * len(spans))
    true = {}
    for snap, begin, phase in judged(args, truth):
        pieces = regions(snap)
        for i, (s, e) in enumerate(spans):
            heat[phase][i] += sum(h * (b - a) for a, b, h in clip(pieces, [(s, e)])) / (e - s)
        counts = [0.0] * len(spans)
        for (s, e), n in truth.ranges(begin, snap["time_ns"]).items():
            for i, (a, b) in enumerate(spans):
                counts[i] += n if a <= s < b else 0
        true[phase] = {i for i, n in enumerate(counts) if n > max(counts) / 2}
    good = bool(heat)
    for phase, values in heat.items():
        best = set(sorted(range(len(spans)), key=lambda i: -values[i])[:len(true[phase])])
        print(f"phase {phase[1]}: {len(true[phase])} members hot, {len(best & true[phase])} of them among the hottest")
        good = verdict("precision", len(best & true[phase]) / len(true[phase]), args.min_precision) and good
    return good


def attrs(args, truth):
    snap = read_lines(args.damontop)[-1]
    good = True
    for name, m in truth.maps.items():
        total, found = m["size"] * m["count"], defaultdict(float)
        for r in snap["regions"]:
            s, e = int(r["start"], 16), int(r["end"], 16)
            share = sum(b - a for a, b, _ in clip([(s, e, 0)], m["members"])) / (e - s)
            for key in ("anon_bytes", "file_bytes", "huge_bytes"):
                found[key] += r.get(key, 0) * share
            for node, nr in r.get("nodes", {}).items():
                found["node" + node] += nr * truth.start["page_size"] * share
        want = {"anon_bytes": total if m["kind"] == "anon" else 0, "file_bytes": 0 if m["kind"] == "anon" else total}
        if m["huge"]:
            want["huge_bytes"] = total
        if "node" in m:
            want[f"node{m['node']}"] = total
        for key, value in want.items():
            fine = abs(found[key] - value) <= args.tolerance * total
            print(f"{name} {key}: {found[key]:.0f} of {value}{'' if fine else ' WRONG'}")
            good = good and fine
    return good


def counts(args, truth):
    snaps = read_lines(args.damontop)
    lost = sum(s["stats"]["lost"] for s in snaps)
    made, seen = defaultdict(int), defaultdict(int)
    for s in truth.slices:
        for r in s["ranges"]:
            made[r["map"]] += r.get("pages", r["accesses"])
    for snap in snaps:
        for r in snap["regions"]:
            start, end = int(r["start"], 16), int(r["end"], 16)
            for name, m in truth.maps.items():
                # Borders are where the reports show them: a page beside the map, of the same mapping, may be in it.
                inside = min(end, int(m["end"], 16)) - max(start, int(m["start"], 16))
                if inside >= 0.9 * (end - start):
                    seen[name] += r["nr_accesses"]
    for name in made:
        print(f"{name}: {seen[name]} of {made[name]} seen")
    missing = sum(made.values()) - sum(seen.values())
    print(f"missing {missing}, lost {lost}, malformed {sum(s['stats'].get('malformed', 0) for s in snaps)}")
    not_told = missing - lost
    return (
        lost >= args.min_lost
        and 0 <= not_told <= args.tolerance * sum(made.values())
        and sum(made.values()) > 0
        and all(seen[n] <= made[n] for n in made)
    )


def touched(args, truth):
    page = truth.start["page_size"]
    snaps = read_lines(args.damontop)
    good = bool(snaps)
    for name, m in truth.maps.items():
        true, seen, nr = set(), set(), 0
        for s in truth.slices:
            for r in s["ranges"]:
                if r["map"] == name:
                    true.update(range(int(r["start"], 16) // page, -(-int(r["end"], 16) // page)))
        for snap in snaps:
            for start, end, heat, count in ((*r, x["nr_accesses"]) for r, x in zip(regions(snap), snap["regions"])):
                inside = clip([(start, end, heat)], m["members"])
                if heat > 0 and inside:
                    nr += count
                    for s, e, _ in inside:
                        seen.update(range(s // page, -(-e // page)))
        print(f"{name}: {len(seen)} pages of {len(true)}, {len(seen - true)} wrong, {len(true - seen)} missing, {nr} accesses")
        good = good and seen == true and nr >= len(true)
    return good


def beside(args, truth):
    bits, time, true, pairs = defaultdict(list), defaultdict(float), defaultdict(float), defaultdict(dict)
    for snap, begin, _ in judged(args, truth):
        ranges = truth.ranges(begin, snap["time_ns"])
        pairs[snap["seq"], snap["time_ns"]][snap["source_index"]] = snap["heat_unit"]
        for (s, e), n in ranges.items():
            heat = sum(h * (b - a) for a, b, h in clip(regions(snap), [(s, e)]))
            if snap["heat_unit"] == "fraction":
                bits[s, e].append(heat / (e - s))
            else:
                time[s, e] += heat
                true[s, e] += n
    print(f"{len(pairs)} aggregations: {sorted(map(str, pairs.values()))[0] if pairs else ''}")
    if not bits or not time or any(sorted(p.values()) != ["fraction", "time"] for p in pairs.values()):
        print("not two snapshots of each")
        return False
    good = True
    for s, e in sorted(bits):
        print(f"{s:x}-{e:x}: {true[s, e] / sum(true.values()):.3f} of the accesses, {time[s, e] / sum(time.values()):.3f} of the time")
        good = verdict("  bits set, at least", min(bits[s, e]), args.min_recall) and good
    by_accesses = sorted(true, key=lambda r: true[r] / (r[1] - r[0]))
    least, most = (time[r] / (r[1] - r[0]) for r in (by_accesses[0], by_accesses[-1]))
    return verdict("times as hot", most / least if least else float("inf"), args.min_ratio) and good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["overlap", "pages", "members", "attrs", "counts", "touched", "beside"])
    parser.add_argument("damontop")
    parser.add_argument("truth")
    parser.add_argument("--hot", type=size)
    parser.add_argument("--map")
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--min-heat", type=float, default=0.0)
    parser.add_argument("--tolerance", type=float, default=0.0)
    parser.add_argument("--min-lost", type=int, default=0)
    parser.add_argument("--min-judged", type=int, default=1)
    for name in ("--min-median", "--min-worst", "--min-precision", "--min-recall", "--min-ratio"):
        parser.add_argument(name, type=float)
    args = parser.parse_args()
    if args.what == "overlap" and not args.hot or args.what == "members" and not args.map:
        parser.error("overlap needs --hot, members needs --map")
    judge = {"overlap": overlap, "pages": pages, "members": members, "attrs": attrs, "counts": counts, "touched": touched,
             "beside": beside}[args.what]
    sys.exit(0 if judge(args, Truth(args.truth)) else 1)


if __name__ == "__main__":
    main()
