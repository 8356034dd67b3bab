/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig_internal: what locating and reading kubeconfig files share.
 */
#ifndef KUBE_KUBECONFIG_INTERNAL_H
#define KUBE_KUBECONFIG_INTERNAL_H

#include "kube/kubeconfig.h"
#include "kube/value.h"

#define KUBECONFIG_FILES_MAX 32

/* One file; relative paths in it are relative to its folder. */
struct kubeconfig_file {
	const char *name, *folder;
	const struct value *doc; /* a map */
};

/* One map of one file while its fields are read; the first failure sticks. */
struct fields {
	struct kubeconfig *kc;
	const struct kubeconfig_file *file;
	const struct value *map;
	const char *path; /* for messages: "users[me].user" */
	enum rf_status status;
	struct rf_error *err;
};

/* The document of text as f->doc; NULL doc: the file is empty. */
RF_MUST_USE enum rf_status kubeconfig_read(struct kubeconfig *kc,
    struct kubeconfig_file *f, const char *text, size_t len,
    struct rf_error *err);

/* The context, its cluster and its user from files, first come first. */
RF_MUST_USE enum rf_status kubeconfig_pick(struct kubeconfig *kc,
    const struct kubeconfig_file *files, size_t n, const char *context,
    struct rf_error *err);

/* What a found entry says, into kc. */
RF_MUST_USE enum rf_status kubeconfig_read_cluster(struct fields *f);
RF_MUST_USE enum rf_status kubeconfig_read_user(struct fields *f);

/* Fields of a map; absent, null and empty are NULL (false). */
void fields_fail(struct fields *f, const char *key, const struct value *at,
    const char *fmt, ...) RF_PRINTF(4, 5);
const char *fields_text(struct fields *f, const char *key);
bool fields_bool(struct fields *f, const char *key);

#endif
