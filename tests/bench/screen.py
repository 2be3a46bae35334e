#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs damontop on a terminal of its own, or in the batch form, and measures what it takes.

    screen.py [--size COLSxROWS] [--seconds S] [--settle S] COMMAND...
    screen.py --first --size COLSxROWS COMMAND...

--size gives it a terminal of that size (otherwise its output goes to a pipe); everything that it writes is read at once. Prints as
"NAME VALUE" lines: first_ms, from its start to the first frame that names a busiest region (with --size); cpu_percent, of all its
threads over S seconds after the settling, in percent of one CPU; and at the end from smaps_rollup, in KiB: rss_kib, of it
own_kib (private, dirty or clean) and shared_kib. --first: first_ms alone, and it ends there; after FIRST_LIMIT seconds it gives up.
"""
import argparse
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

MARK = b"busiest"
FIRST_LIMIT = 10


def cpu_ns(pid):
    """Of all threads that run; damontop's threads do not end before it does."""
    total = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total


def memory(pid):
    out = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        for line in f:
            word = line.split()
            if word[0].endswith(":"):
                out[word[0][:-1]] = int(word[1])
    return out


def start(command, size):
    """(pid, fd of its output)"""
    if size:
        pid, fd = pty.fork()
    else:
        fd, write_end = os.pipe()
        pid = os.fork()
    if pid:
        if size:
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        else:
            os.close(write_end)
        return pid, fd
    if size:
        while os.get_terminal_size(0).columns != size[0]:
            time.sleep(0.001)
        os.environ["TERM"] = "xterm-256color"
    else:
        os.dup2(write_end, 1)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.execvp(command[0], command)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=lambda s: tuple(map(int, s.split("x"))))
    parser.add_argument("--first", action="store_true")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--settle", type=float, default=3)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    begin = time.monotonic()
    pid, fd = start(args.command, args.size)
    first = from_ns = from_time = None
    tail = b""
    while True:
        now = time.monotonic() - begin
        if args.first and (first or now >= FIRST_LIMIT):
            break
        if not args.first and from_ns is None and now >= args.settle:
            from_ns, from_time = cpu_ns(pid), time.monotonic()
        if not args.first and now >= args.settle + args.seconds:
            break
        if not select.select([fd], [], [], 0.05)[0]:
            continue
        try:
            data = os.read(fd, 1 << 16)
        except OSError:
            data = b""
        if not data:
            sys.exit("damontop has ended: " + tail.decode(errors="replace")[-300:])
        tail = tail[-len(MARK):] + data
        if first is None and MARK in tail:
            first = time.monotonic() - begin
    if args.first:
        os.kill(pid, signal.SIGTERM)
        os.close(fd)
        os.waitpid(pid, 0)
        if not first:
            sys.exit("no heat on the screen")
        print(f"first_ms {first * 1000:.0f}")
        return
    cpu = (cpu_ns(pid) - from_ns) / (time.monotonic() - from_time) / 1e7
    mem = memory(pid)
    os.kill(pid, signal.SIGTERM)
    os.close(fd)
    os.waitpid(pid, 0)
    if args.size:
        print(f"first_ms {first * 1000:.0f}" if first else "first_ms never")
    print(f"cpu_percent {cpu:.3f}")
    print(f"rss_kib {mem['Rss']}")
    print(f"own_kib {mem['Private_Clean'] + mem['Private_Dirty']}")
    print(f"shared_kib {mem['Shared_Clean'] + mem['Shared_Dirty']}")


if __name__ == "__main__":
    main()
