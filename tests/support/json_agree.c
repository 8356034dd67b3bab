/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/json_agree.h"

#include <stdlib.h>
#include <string.h>

#include "kube/json_text.h"
#include "kube/json_tree.h"

/* As text, the caller's; NULL: the tree's reader refuses it. */
static char *
read_by_tree(const char *text, size_t len)
{
	const struct json_node *root;
	struct json_tree tree = { 0 };
	char *written = NULL;
	size_t used;

	if (json_tree_read(&tree, text, len, &root, &used) == RF_OK) {
		json_t *j = json_node_copy(root);

		if (json_is_space(text + used, len - used))
			written =
			    json_text_write(j, JSON_COMPACT | JSON_ENCODE_ANY);
		json_decref(j);
	}
	json_tree_release(&tree);
	return written;
}

static char *
read_by_jansson(const char *text, size_t len)
{
	json_error_t why;
	json_t *j = json_text_read(text, len, JSON_DECODE_ANY, &why);
	char *written = NULL;

	if (j != NULL)
		written = json_text_write(j, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(j);
	return written;
}

bool
json_agree(const char *text, size_t len, bool *is_json)
{
	char *copy = malloc(len == 0 ? 1 : len), *tree, *judge = NULL;
	bool same;

	if (copy == NULL)
		return false;
	memcpy(copy, text, len); /* with its end where it can be noticed */
	tree = read_by_tree(copy, len);
	if (len == 0 || memchr(copy, '\0', len) == NULL)
		judge = read_by_jansson(copy, len);
	same = tree == NULL || judge == NULL ? tree == judge
					     : strcmp(tree, judge) == 0;
	if (is_json != NULL)
		*is_json = tree != NULL;
	free(judge);
	free(tree);
	free(copy);
	return same;
}
