#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Says what is not printable in its input: printable.py [--terminal] FILE...

Plain: valid UTF-8, no control character but newline, no C1, no bidirectional or zero-width character. --terminal: the
output of a full-screen program, in which escape sequences and control characters are fine, but those that hostile names
carry (the workload's "hostile" mode: titles, clearing, device queries) are not. Exit status 1 where something is found.
"""
import sys
import unicodedata

FORBIDDEN = set("\u2028\u2029\u200b\u200c\u200d\u200e\u200f\ufeff") | {chr(c) for c in range(0x202A, 0x202F)} | {
    chr(c) for c in range(0x2066, 0x206A)}
HOSTILE = [b"PWNED\x07", b"\x1b]0;PWNED", b"\x1bP+q", b"\x1b[6n", b"\x9b31m", b"\xff\xfe", b"\nok PWNED", b"\x1b[7mz"]


def plain(data):
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error}"
    for n, c in enumerate(text):
        if c != "\n" and (unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") or c in FORBIDDEN):
            return f"U+{ord(c):04X} after {text[max(0, n - 30):n]!r}"
    return None


def terminal(data):
    for bad in HOSTILE:
        if bad in data:
            return f"{bad!r} in the output"
    for c in FORBIDDEN:
        if c.encode() in data:
            return f"U+{ord(c):04X} in the output"
    return None


def main():
    args = sys.argv[1:]
    check = plain
    if args and args[0] == "--terminal":
        check = terminal
        args.pop(0)
    found = False
    for name in args:
        with open(name, "rb") as file:
            what = check(file.read())
        if what:
            print(f"{name}: {what}")
            found = True
    sys.exit(found)


if __name__ == "__main__":
    main()
