/* SPDX-License-Identifier: Apache-2.0 */
/*
 * complete: what a shell offers next, from the tables that parse the command
 * line. The hidden command `ringfence __complete WORD...` prints it for the
 * stubs of the shells and for kubectl.
 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <stdio.h>

#include "cli/commands.h"

/*
 * words are those behind the program's name, the last one unfinished and
 * perhaps empty. Prints lines "candidate", or "candidate<tab>description",
 * and then ":4", no files, or ":0", names of files will do as well. A "=" of
 * its own, as bash splits --name=value, is one between an option and its
 * value.
 */
void complete(FILE *out, const struct command *commands, size_t n_commands,
    const char *const *words, size_t n);

#endif
