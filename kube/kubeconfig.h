/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig: where the API server is, how to trust it and who we are to it.
 *
 * Reads kubeconfig files (YAML or JSON) as kubectl does: --kubeconfig, else
 * the list in $KUBECONFIG, else ~/.kube/config, else the service account that
 * is mounted into a pod. What would change where requests go or as whom, and
 * is not supported here (proxy-url, impersonation, basic authentication,
 * auth-provider), is refused instead of ignored.
 */
#ifndef KUBE_KUBECONFIG_H
#define KUBE_KUBECONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/error.h"

/* Where to look; the environment comes in from the caller. NULL: not set. */
struct kubeconfig_source {
	const char *path;     /* --kubeconfig: this file alone */
	const char *context;  /* --context: else the file's current-context */
	const char *env_list; /* $KUBECONFIG: files with ':' between them */
	const char *home;     /* $HOME */
	const char *service_host, *service_port; /* $KUBERNETES_SERVICE_… */
	const char *account_dir; /* NULL: where Kubernetes mounts it */
};

/* PEM from the file itself, or from a file; both NULL: not given. */
struct kubeconfig_pem {
	const char *path;
	const char *data; /* goes before path, as in kubectl */
	size_t len;
};

struct value; /* kube/value.h */

/* A program that prints credentials. */
struct kubeconfig_exec {
	const char *command; /* NULL: none */
	const char *api_version;
	const char *const *args; /* without the command */
	size_t n_args;
	const char *const *env; /* "NAME=value", over our own environment */
	size_t n_env;
	const char *install_hint;   /* or NULL */
	bool wants_cluster;         /* tell it server and CA */
	const struct value *config; /* and this, the cluster's; or NULL */
};

struct kubeconfig {
	struct arena arena;
	const char *context; /* "in-cluster" without a file */
	const char *server;  /* http(s)://host[:port][/path], no final slash */
	const char *tls_server_name; /* or NULL */
	bool is_insecure;            /* do not verify the server */
	bool refuses_gzip;           /* disable-compression */
	struct kubeconfig_pem ca, cert, key;
	const char *token;      /* or NULL */
	const char *token_path; /* or NULL; goes before token while readable */
	struct kubeconfig_exec exec;
};

/*
 * RF_INVAL: nothing found, or the context, cluster or user is missing or asks
 * for what is not supported; RF_CORRUPT: a file is wrong, with file, line and
 * field; RF_IO: a file cannot be read. *out is the caller's.
 */
RF_MUST_USE enum rf_status kubeconfig_load(struct kubeconfig **out,
    const struct kubeconfig_source *src, struct rf_error *err);

/* As above, from text that stands for a file called name. */
RF_MUST_USE enum rf_status kubeconfig_parse(struct kubeconfig **out,
    const char *text, size_t len, const char *name, const char *context,
    struct rf_error *err);

void kubeconfig_free(struct kubeconfig *kc);

#endif
