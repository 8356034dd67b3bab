/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_resource: the kinds of objects that are asked for, their addresses
 * at the server and the rules that reading them takes.
 */
#ifndef KUBE_CLIENT_RESOURCE_H
#define KUBE_CLIENT_RESOURCE_H

#include "core/strbuf.h"

struct client_resource {
	const char *name;         /* "pods" */
	const char *group;        /* "" is the core group */
	const char *version;      /* "v1" */
	const char *kind;         /* "Pod" */
	bool needs_metadata_only; /* names and labels say all that we use */
	const char *loss;         /* what is not known without it; NULL: all */
};

#define CLIENT_RESOURCE_COUNT 12
extern const struct client_resource client_resources[CLIENT_RESOURCE_COUNT];

/* Its place in the table by name; CLIENT_RESOURCE_COUNT: none. */
size_t client_resource_find(const char *name);

/* "v1" or "group/version". buf is returned. */
const char *client_resource_api(
    const struct client_resource *r, char *buf, size_t size);

/* Path of the whole collection, without parameters. */
void client_resource_path(const struct client_resource *r, struct strbuf *out);

/* Append text as the value of a URL's parameter. */
void client_escape(struct strbuf *out, const char *text);

/* After 403: the rule that is missing, what the server calls us (message) and
 * what becomes unknown, in out of size bytes. No rule is of use to somebody
 * whom it does not know. */
void client_resource_forbidden(const struct client_resource *r,
    const char *message, char *out, size_t size);

/* What to accept, of whole objects or as much as is needed. Who cannot give
 * metadata alone gives all, which serves as well. */
const char *client_resource_accept(
    const struct client_resource *r, bool is_whole, bool is_watch);

#endif
