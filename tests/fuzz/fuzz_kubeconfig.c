/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_kubeconfig: any bytes as a kubeconfig, alone and listed twice as a file,
 * as what a credential plugin prints, and as a file that holds a token; what
 * is accepted must hold together.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

static void
check_token(const struct credentials *cr)
{
	require(cr->token == NULL || strpbrk(cr->token, "\r\n") == NULL);
}

/* As a file: what it says is said of it whether it is read once or twice. */
static void
read_files(const char *path, const struct kubeconfig *parsed)
{
	char twice[80];
	const struct kubeconfig_source sources[] = { { .path = path },
		{ .env_list = twice } };

	(void)snprintf(twice, sizeof(twice), "%s:%s", path, path);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct kubeconfig *kc = NULL;
		struct rf_error err = { 0 };

		if (kubeconfig_load(&kc, &sources[i], &err) == RF_OK) {
			check_config(kc);
			require(parsed != NULL &&
			    strcmp(kc->server, parsed->server) == 0 &&
			    strcmp(kc->context, parsed->context) == 0);
		} else {
			require(kc == NULL && strchr(err.msg, '\n') == NULL);
			require(parsed == NULL);
		}
		kubeconfig_free(kc);
	}
}

static void
read_token(const char *path)
{
	struct kubeconfig kc = { .server = "http://h", .token_path = path };
	struct credentials cr = { 0 };
	struct rf_error err = { 0 };

	if (credentials_refresh(&cr, &kc, 0, &err) == RF_OK)
		require(cr.token != NULL);
	else
		require(strchr(err.msg, '\n') == NULL);
	check_token(&cr);
	credentials_release(&cr);
}

static void
read_all(const char *text, size_t size)
{
	struct credentials cr = { 0 };
	struct rf_error err = { 0 };
	struct kubeconfig *kc = NULL;
	int fd = memfd_create("kubeconfig", MFD_CLOEXEC);
	char path[32];

	require(fd >= 0 && write(fd, text, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (kubeconfig_parse(&kc, text, size, path, NULL, &err) == RF_OK)
		check_config(kc);
	else
		require(kc == NULL && *err.msg != '\0' &&
		    strchr(err.msg, '\n') == NULL);
	read_files(path, kc);
	read_token(path);
	if (credentials_parse(&cr, text, size, "fuzz", &err) == RF_OK)
		check_token(&cr);
	credentials_release(&cr);
	kubeconfig_free(kc);
	(void)close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	require(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	read_all(text, size);
	free(text);
	return 0;
}
