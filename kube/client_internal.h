/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_internal: credentials and error bodies, for client_http.c alone.
 */
#ifndef KUBE_CLIENT_INTERNAL_H
#define KUBE_CLIENT_INTERNAL_H

#include "core/strbuf.h"
#include "kube/client.h"

/* What we show to the server; texts are malloced, NULL is none. */
struct credentials {
	char *token;
	char *cert, *key;   /* PEM that a plugin gave */
	int64_t expires_us; /* of a plugin's; TIME_MAX_US: not told */
	bool from_plugin;
};

void credentials_release(struct credentials *cr);

/*
 * Make *cr good for a request at now_us: a token file is read anew each time,
 * a plugin is run when it has not been yet or what it gave is (nearly) over.
 */
RF_MUST_USE enum rf_status credentials_refresh(struct credentials *cr,
    const struct kubeconfig *kc, int64_t now_us, struct rf_error *err);

#define CREDENTIALS_PLUGIN_MS 60000 /* a person may have to do something */

/* Run the plugin of kc, which is killed when it has not ended within max_ms.
 * cr is only changed on success. */
RF_MUST_USE enum rf_status credentials_run_plugin(struct credentials *cr,
    const struct kubeconfig *kc, int max_ms, struct rf_error *err);

/* What a plugin prints, into cr. name is for messages. */
RF_MUST_USE enum rf_status credentials_parse(struct credentials *cr,
    const char *text, size_t len, const char *name, struct rf_error *err);

/* The text of KUBERNETES_EXEC_INFO; malloced. A CA's file is read for it. */
RF_MUST_USE enum rf_status credentials_exec_info(
    char **out, const struct kubeconfig *kc, struct rf_error *err);

/*
 * From the body of an answer that is none of ours: a Status's message (and
 * retryAfterSeconds, if *retry_after_us is -1 so far), else its first line.
 */
void client_explain(struct strbuf *message, int64_t *retry_after_us, int status,
    const char *body, size_t len);

#endif
