/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: what Kubernetes takes as a name, a label or a port name, with the
 * API server's own words for what is wrong (SEMANTICS 55, 58, 64, 65).
 *
 * Private to policy/. Pure.
 */
#ifndef POLICY_NAMES_H
#define POLICY_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_FAULTS_MAX 6

/* All that is wrong with one text; n 0: nothing. The texts are static. */
struct name_faults {
	const char *v[NAME_FAULTS_MAX];
	size_t n;
};

/* RFC 1123 subdomain of at most 253 characters: metadata.name. is_prefix:
 * a generateName, which may end in a dash. */
void name_check_subdomain(
    struct name_faults *f, const char *text, bool is_prefix);

/* RFC 1123 label of at most 63 characters: a namespace. */
void name_check_label(struct name_faults *f, const char *text);

/* Label or annotation key: [prefix/]name. */
void name_check_key(struct name_faults *f, const char *text);

void name_check_label_value(struct name_faults *f, const char *text);

/* IANA service name as container ports have them. */
void name_check_port(struct name_faults *f, const char *text);

#endif
