/* SPDX-License-Identifier: Apache-2.0 */
/*
 * naive_cluster: a small cluster from a few lines of text, for tests.
 *
 *	ns NAME [KEY=VALUE]...
 *	node NAME [ADDRESS | cidr=PREFIX]...
 *	pod NS/NAME NODE|- ADDRESS[,ADDRESS]... [host] [KEY=VALUE]... [PORT]...
 *
 * PORT is [init:|sidecar:]NAME:NUMBER/PROTOCOL. A pod's namespace that has no
 * line of its own is assumed; every namespace gets its metadata.name label.
 * Nodes stand before their pods. A text that is wrong aborts.
 */
#ifndef TESTS_SUPPORT_NAIVE_CLUSTER_H
#define TESTS_SUPPORT_NAIVE_CLUSTER_H

#include "kube/cluster.h"

/* A finished cluster, freed by cluster_free. */
struct cluster *naive_cluster_new(const char *text);

/* Index of pod "ns/name"; aborts when there is none. */
uint32_t naive_cluster_pod(const struct cluster *c, const char *name);

/* The address; aborts when the text is none. */
struct ip_addr naive_ip(const char *text);

#endif
