/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interrupt: a signal that ends the process, heard where it is safe to end.
 *
 * For work that must take back what it began and can look often whether it is
 * to stop: a handler cannot tell whether somebody else has the file open. A
 * second signal ends the process at once.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on; signals that are ignored, as by nohup, stay so. A call that
 * waits is interrupted. */
void interrupt_watch(void);

/* Did one come? */
bool interrupt_came(void);

/* Let the process end by the signal that came, if one did. */
void interrupt_pass_on(void);

#endif
