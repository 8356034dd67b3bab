/* SPDX-License-Identifier: Apache-2.0 */
/* Which labels say what a workload is, and which only tell things apart. */
#include <string.h>
#include <strings.h>

#include "recommender/internal.h"

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

static bool
is_one_of(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

static const char *
base_of(const char *key)
{
	const char *slash = strrchr(key, '/');

	return slash == NULL ? key : slash + 1;
}

bool
label_is_version(const char *key)
{
	static const char *const words[] = { "version", "chart", "image",
		"revision", "tag" };
	const char *base = base_of(key), *word = base + strlen(base);

	while (word > base && word[-1] != '-' && word[-1] != '_')
		word--;
	return is_one_of(word, words, NELEM(words));
}

/* Is it a number or like a version, "v1.2"? */
static bool
is_number(const char *value)
{
	value += *value == 'v';
	return *value != '\0' && value[strspn(value, "0123456789.")] == '\0';
}

/* Whose it is or where it is from, a mere flag or number: the same for
 * everything that one team, release or operator has. */
static bool
is_origin(const struct label *l)
{
	static const char *const keys[] = { "created-by", "enterprise", "env",
		"environment", "heritage", "managed-by", "namespace",
		"organization", "owner", "part-of", "release", "stage",
		"team" };
	static const char *const flags[] = { "", "enabled", "false", "no",
		"true", "yes" };

	for (size_t i = 0; i < NELEM(flags); i++)
		if (strcasecmp(l->value, flags[i]) == 0)
			return true;
	return is_one_of(base_of(l->key), keys, NELEM(keys)) ||
	    is_number(l->value);
}

/* What tells the parts of one thing apart, but not what that thing is. */
static bool
is_part(const struct label *l)
{
	static const char *const keys[] = { "component", "instance", "layer",
		"memberOf", "pipelineTask", "pool", "rack", "region", "replset",
		"role", "shard", "task_id", "tier", "track", "type", "zone" };
	const char *base = base_of(l->key);
	size_t len = strlen(base);

	return is_one_of(base, keys, NELEM(keys)) ||
	    (len > 4 && strcasecmp(base + len - 4, "role") == 0);
}

unsigned
label_rank(const struct label *l)
{
	static const char *const keys[] = { "app.kubernetes.io/name",
		"app.kubernetes.io/component", "app.kubernetes.io/instance",
		"app", "k8s-app", "name" };
	unsigned n = NELEM(keys);

	for (unsigned i = 0; i < n; i++)
		if (strcmp(keys[i], l->key) == 0)
			return i;
	if (is_origin(l))
		return n + 2;
	return is_part(l) ? n + 1 : n;
}

bool
label_says_what(const struct label *l)
{
	return !label_is_version(l->key) && !is_part(l) && !is_origin(l);
}
