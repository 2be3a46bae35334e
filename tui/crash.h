/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crash.h - gives the terminal back when the program dies of a fault.
 *
 * The one signal handler of the program. It writes bytes that were made before
 * and sets the terminal as it was, both of which POSIX allows in a handler, and
 * lets the signal do what it did before. What it needs is in one place, as a
 * handler has no other way to it: one terminal at a time. Tui thread only; the
 * handler runs on whichever thread faults.
 */
#ifndef TUI_CRASH_H
#define TUI_CRASH_H

#include <termios.h>

/* Starts anew with the settings to go back to, not armed. */
void crash_begin(const struct termios *termios);
/* Appends what to write, without terminfo's padding ("$<5>"); what does not fit is left out. */
void crash_add(const char *s);
void crash_arm(void);
/* Takes SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT, once; nothing while they are taken. */
void crash_install(void);
/* Disarms, and gives back the signals that are still ours. */
void crash_remove(void);

#endif
