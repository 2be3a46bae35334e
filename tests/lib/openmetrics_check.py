#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds a file against the rules of the OpenMetrics text format (1.0) that concern gauges and counters.

    openmetrics_check.py FILE       prints "FAMILIES SAMPLES"; exit status 1 and what is wrong otherwise

A family's lines follow each other: TYPE, UNIT and HELP at most once, then its samples; a unit is the end of its name; a counter's
samples end in _total and are not negative; no sample is there twice; labels escape backslash, quote and newline; # EOF is last.
"""
import math
import re
import sys

LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:%s)(?:,%s)*)?\})? (\S+)(?: (\S+))?" % (LABEL, LABEL))


def check(text):
    assert text.endswith("# EOF\n"), "the last line is not # EOF"
    families, family, samples = {}, None, set()
    for nr, line in enumerate(text[:-len("# EOF\n")].splitlines(), 1):
        where = f"line {nr}: {line}"
        assert line and line == line.strip(), where
        if line.startswith("#"):
            _, word, name, value = line.split(" ", 3)
            assert word in ("TYPE", "UNIT", "HELP"), where
            if name != family:
                assert name not in families, f"{where}: the family is interrupted"
                family = name
                families[family] = {}
            meta = families[family]
            assert word not in meta and "samples" not in meta, f"{where}: twice, or behind its samples"
            meta[word] = value
            if word == "UNIT":
                assert name.endswith("_" + value), f"{where}: the name does not end in the unit"
            if word == "HELP":
                assert not re.search(r'\\[^\\"n]', value), where
            continue
        match = SAMPLE.fullmatch(line)
        assert match, f"{where}: no sample"
        meta = families.get(family, {})
        suffix = {"counter": "_total", "gauge": ""}[meta["TYPE"]]
        assert match[1] == family + suffix, f"{where}: not of the family {family}"
        meta["samples"] = meta.get("samples", 0) + 1
        assert (match[1], match[2]) not in samples, f"{where}: twice"
        samples.add((match[1], match[2]))
        labels = re.findall(r'([a-zA-Z0-9_]+)="', match[2] or "")
        assert len(labels) == len(set(labels)), where
        value = float(match[3])
        assert not math.isnan(value) and (not suffix or value >= 0), where
    for name, meta in families.items():
        assert "HELP" in meta and meta.get("samples"), f"{name}: without HELP or samples"
    return len(families), len(samples)


if __name__ == "__main__":
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            print(*check(file.read()))
    except (AssertionError, KeyError, ValueError) as error:
        sys.exit(f"{sys.argv[1]}: {error!r}")
