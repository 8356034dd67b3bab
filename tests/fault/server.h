/* SPDX-License-Identifier: Apache-2.0 */
/* server: an API server in a process of its own, in which nothing fails. */
#ifndef TESTS_FAULT_SERVER_H
#define TESTS_FAULT_SERVER_H

#include <sys/types.h>

/* Start it, and write kubeconfig, which names it, and the token file that it
 * names, token, both in folder. */
pid_t server_start(const char *folder);
void server_stop(pid_t pid);

#endif
