/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal: what people read may quote what others wrote.
 *
 * Names come from captures, objects, policies and the command line; a control
 * character in one would move a cursor, colour a line or hide one. They are
 * shown as \xNN.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* From here on everything that is printed to stderr goes through this; call
 * it once, before any thread. Without memory stderr stays as it was. */
void terminal_guard_stderr(void);

/*
 * Where a standard stream is closed, put one that fails in its place, or the
 * next file that is opened would be written to as if it were that stream. Call
 * it first. false: it cannot be done.
 */
bool terminal_guard_descriptors(void);

/* Print a name to another stream. */
void terminal_puts(const char *text, FILE *out);

/* Print it as a word of a command that is there to be copied: a shell reads the
 * same name again, and nothing else. */
void terminal_put_word(const char *text, FILE *out);

#endif
