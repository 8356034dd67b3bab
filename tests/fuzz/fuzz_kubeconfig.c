/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_kubeconfig: any bytes as a kubeconfig, and as what a credential plugin
 * prints; what is accepted must hold together. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kube/client_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
check_config(const struct kubeconfig *kc)
{
	require(kc->context != NULL && kc->server != NULL);
	require(strncmp(kc->server, "http", 4) == 0);
	require(strchr(kc->server, ' ') == NULL);
	require(kc->ca.data == NULL || kc->ca.len <= strlen(kc->ca.data) ||
	    kc->ca.data[kc->ca.len] == '\0');
	for (size_t i = 0; i < kc->exec.n_args; i++)
		require(kc->exec.args[i] != NULL);
	for (size_t i = 0; i < kc->exec.n_env; i++)
		require(strchr(kc->exec.env[i], '=') != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct credentials cr = { 0 };
	struct rf_error err = { 0 };
	struct kubeconfig *kc = NULL;

	require(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (kubeconfig_parse(&kc, text, size, "fuzz", NULL, &err) == RF_OK)
		check_config(kc);
	else
		require(kc == NULL && *err.msg != '\0' &&
		    strchr(err.msg, '\n') == NULL);
	if (credentials_parse(&cr, text, size, "fuzz", &err) == RF_OK)
		require(cr.token == NULL || strchr(cr.token, '\r') == NULL);
	credentials_release(&cr);
	kubeconfig_free(kc);
	free(text);
	return 0;
}
