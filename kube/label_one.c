/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values that, by what they are called, name one pod, run, revision or
 * user. */
#include <ctype.h>
#include <string.h>

#include "kube/labels.h"

#define NELEM(a)  (sizeof(a) / sizeof((a)[0]))
#define WORDS_MAX 8
#define WORD_SIZE 16
#define ID_DIGITS 12 /* as the last group of a UUID has */

/* A key's words: "tekton.dev/pipelineRunUID" is pipeline, run, uid. */
struct words {
	char v[WORDS_MAX][WORD_SIZE];
	size_t n;
};

/* Does a word begin at p, which is not the first character? */
static bool
begins_word(const char *p)
{
	if (isupper((unsigned char)*p))
		return !isupper((unsigned char)p[-1]) ||
		    islower((unsigned char)p[1]);
	return false;
}

/* What stands behind the last slash, in lower case; longer words are cut, and
 * words that are too many are left out. */
static void
words_split(const char *key, struct words *out)
{
	const char *p = strrchr(key, '/');
	size_t len = 0;

	memset(out, 0, sizeof(*out));
	for (p = p == NULL ? key : p + 1; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) ||
		    (len > 0 && begins_word(p))) {
			out->n += len > 0;
			len = 0;
		}
		if (out->n == WORDS_MAX)
			return;
		if (isalnum((unsigned char)*p) && len + 1 < WORD_SIZE)
			out->v[out->n][len++] =
			    (char)tolower((unsigned char)*p);
	}
	out->n += len > 0;
}

static bool
holds_word(const struct words *w)
{
	static const char *const words[] = { "attempt", "checksum", "commit",
		"digest", "generation", "guid", "hash", "hostname", "index",
		"nonce", "ordinal", "revision", "sha", "timestamp", "uid",
		"username", "uuid" };

	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; k < NELEM(words); k++)
			if (strcmp(w->v[i], words[k]) == 0)
				return true;
	return false;
}

static bool
holds_pair(const struct words *w)
{
	static const char *const pairs[][2] = { { "build", "id" },
		{ "build", "number" }, { "created", "at" }, { "created", "by" },
		{ "exec", "id" }, { "execution", "date" }, { "job", "id" },
		{ "job", "name" }, { "node", "name" }, { "pipeline", "run" },
		{ "pod", "id" }, { "pod", "ip" }, { "pod", "name" },
		{ "replica", "id" }, { "run", "id" }, { "run", "name" },
		{ "task", "run" }, { "try", "number" }, { "user", "id" },
		{ "user", "name" } };

	for (size_t i = 0; i + 1 < w->n; i++)
		for (size_t k = 0; k < NELEM(pairs); k++)
			if (strcmp(w->v[i], pairs[k][0]) == 0 &&
			    strcmp(w->v[i + 1], pairs[k][1]) == 0)
				return true;
	return false;
}

/* Words that say so only when there is no other. */
static bool
is_alone(const struct words *w)
{
	static const char *const words[] = { "ip", "pod", "podname", "user" };

	for (size_t k = 0; w->n == 1 && k < NELEM(words); k++)
		if (strcmp(w->v[0], words[k]) == 0)
			return true;
	return false;
}

bool
label_names_one(const char *key)
{
	struct words w;

	words_split(key, &w);
	return holds_word(&w) || holds_pair(&w) || is_alone(&w);
}

bool
label_value_is_id(const char *value)
{
	size_t n = 0;
	bool digit = false, letter = false;

	for (const char *p = value; *p != '\0'; p++) {
		bool is_digit = isdigit((unsigned char)*p) != 0;

		if (!is_digit && (*p < 'a' || *p > 'f')) {
			n = 0;
			digit = letter = false;
			continue;
		}
		digit |= is_digit;
		letter |= !is_digit;
		if (++n >= ID_DIGITS && digit && letter)
			return true;
	}
	return false;
}

bool
label_value_is_generated(const char *value)
{
	const char *dash = strrchr(value, '-');

	return dash != NULL && strlen(dash + 1) == 5 &&
	    strspn(dash + 1, "bcdfghjklmnpqrstvwxz2456789") == 5 &&
	    strpbrk(dash + 1, "2456789") != NULL;
}
