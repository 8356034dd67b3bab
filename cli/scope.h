/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope: the namespaces that a command was given with -n and -A, and what may
 * be reached that never is unasked.
 */
#ifndef CLI_SCOPE_H
#define CLI_SCOPE_H

#include "cli/options.h"
#include "kube/cluster.h"

/* OPTIONS_RUN when not both of -n and -A were given, else the exit status of
 * the mistake that was said. */
int scope_check_either(const struct command_spec *spec,
    const struct option_list *namespaces, bool all);

/* OPTIONS_RUN when either -n or -A was given, else the exit status of the
 * mistake that was said. */
int scope_check_given(const struct command_spec *spec,
    const struct option_list *namespaces, bool all);

/* The same for namespaces that the cluster does not have. */
int scope_check_known(const struct command_spec *spec,
    const struct option_list *namespaces, const struct cluster *c);

/* The same for the workloads of --allow-metadata. */
int scope_check_metadata(const struct command_spec *spec,
    const struct option_list *workloads, const struct cluster *c);

/* The same for addresses of --allow-link-local. */
int scope_check_link_local(
    const struct command_spec *spec, const struct option_list *addresses);

#endif
