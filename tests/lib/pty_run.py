#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a command on a terminal of its own and reports what it did to it.

    pty_run.py [--seconds S] [--keys TEXT] OUTPUT COMMAND...

OUTPUT receives every byte that the command has written to the terminal. After S seconds (10) TEXT is typed, if given, else
SIGTERM sent; S more seconds later it is killed. Prints "status N" and "termios kept" or "termios changed: ...".
Exit status 0 unless it had to be killed.
"""
import argparse
import os
import pty
import select
import signal
import sys
import termios
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--keys")
    parser.add_argument("output")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80)) if hasattr(termios, "tcsetwinsize") else None
    before = termios.tcgetattr(slave)
    pid = os.fork()
    if not pid:
        os.close(master)
        os.login_tty(slave) if hasattr(os, "login_tty") else attach(slave)
        os.execvp(args.command[0], args.command)
    killed = False
    steps = [time.monotonic() + args.seconds, time.monotonic() + 2 * args.seconds]
    with open(args.output, "wb") as out:
        status = None
        while status is None:
            drain(master, out, 0.05)
            done, code = os.waitpid(pid, os.WNOHANG)
            if done:
                status = code
            elif steps and time.monotonic() > steps[0]:
                steps.pop(0)
                if not steps:
                    killed = True
                    os.kill(pid, signal.SIGKILL)
                elif args.keys is not None:
                    os.write(master, args.keys.encode())
                else:
                    os.kill(pid, signal.SIGTERM)
        drain(master, out, 0.05)
    after = termios.tcgetattr(slave)
    print("status", os.waitstatus_to_exitcode(status))
    changed = [i for i in range(7) if before[i] != after[i]]
    print("termios kept" if not changed else f"termios changed: fields {changed}")
    sys.exit(1 if killed else 0)


def attach(slave):
    import fcntl
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)


def drain(master, out, seconds):
    while select.select([master], [], [], seconds)[0]:
        data = os.read(master, 65536)
        if not data:
            break
        out.write(data)
        seconds = 0


if __name__ == "__main__":
    main()
