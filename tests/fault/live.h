/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live: a collector that follows an API server, as a command: what `collect -i
 * --cluster` does, on one thread, with a clock and frames of its own.
 *
 * live KUBECONFIG DB: exit status 0 with a summary, or 3 with a word why.
 */
#ifndef TESTS_FAULT_LIVE_H
#define TESTS_FAULT_LIVE_H

int live_main(int argc, char **argv);

#endif
