#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a damontop that prints JSON lines, and judges how long its aggregations are.

    on_time.py MS PERCENT OUT COMMAND...

Each is within PERCENT of MS, but for the time that threads of the command were ready to run and did not: as long as the
kernel says that they waited for a CPU (schedstat), and that the machine's own CPUs were not there (steal). On a machine that
has nothing else to do that is next to nothing. Lines go to OUT. Exit status: the command's, or 99 where one is not on time.
"""
import glob
import json
import os
import subprocess
import sys


def waited_ns(pid):
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(path, encoding="ascii") as file:
                total += int(file.read().split()[1])
        except OSError:
            pass
    return total


def stolen_ns():
    with open("/proc/stat", encoding="ascii") as file:
        return int(file.readline().split()[8]) * 10**9 // os.sysconf("SC_CLK_TCK")


def main():
    want, part = int(sys.argv[1]) * 10**6, int(sys.argv[2]) / 100
    stolen, waited, durations = stolen_ns(), 0, []
    with open(sys.argv[3], "w", encoding="utf-8") as out, subprocess.Popen(
            sys.argv[4:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as command:
        for line in command.stdout:
            out.write(line)
            waited = max(waited, waited_ns(command.pid))
            durations.append(json.loads(line)["duration_ns"])
        if command.wait():
            sys.exit(command.returncode)
    waited += stolen_ns() - stolen
    late = [d for d in durations if abs(d - want) > part * want + waited]
    print(f"{[d // 10**6 for d in durations]} ms; waited {waited / 1e6:.1f} ms for CPUs")
    sys.exit(99 if late or not durations else 0)


main()
