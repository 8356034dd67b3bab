/* SPDX-License-Identifier: Apache-2.0 */
/* Section C of SEMANTICS: label selectors, through spec.podSelector. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/policy/scene_table.h"

const char scene_cluster[] = "ns shop team=web\n"
			     "ns other team=Web\n"
			     "pod shop/web - 10.0.0.1 app=web tier=front\n"
			     "pod shop/bare - 10.0.0.2\n"
			     "pod shop/blank - 10.0.0.3 app= tier=back\n"
			     "pod shop/num - 10.0.0.4 ver=1.10 on=true\n"
			     "pod other/web - 10.0.1.1 app=web\n";

#define SELECT(s)                                                              \
	{                                                                      \
		{                                                              \
			"shop", "p", "{podSelector: " s "}"                    \
		}                                                              \
	}
#define PEER(s)                                                                \
	{                                                                      \
		{                                                              \
			"shop", "p",                                           \
			    "{podSelector: {}, ingress: [{from: [" s "]}]}"    \
		}                                                              \
	}
#define TO_WEB   "192.0.2.1 > shop/web TCP/80"
#define TO_BARE  "192.0.2.1 > shop/bare TCP/80"
#define TO_BLANK "192.0.2.1 > shop/blank TCP/80"
#define TO_NUM   "192.0.2.1 > shop/num TCP/80"
#define YES      "deny" /* selected, hence isolated without a rule */
#define NO       "not-isolated"

static struct scene_row rows[] = {
	{ "15 all matchLabels must hold",
	    SELECT("{matchLabels: {app: web, tier: back}}"), TO_WEB, NULL, NO },
	{ "15 labels and expressions both must hold",
	    SELECT("{matchLabels: {app: web}, matchExpressions: [{key: tier, "
		   "operator: In, values: [back]}]}"),
	    TO_WEB, NULL, NO },
	{ "15 both hold",
	    SELECT("{matchLabels: {app: web}, matchExpressions: [{key: tier, "
		   "operator: In, values: [front]}]}"),
	    TO_WEB, NULL, YES },
	{ "16 empty matches everything", SELECT("{}"), TO_BARE, NULL, YES },
	{ "16 empty lists inside are empty",
	    SELECT("{matchLabels: {}, matchExpressions: []}"), TO_BARE, NULL,
	    YES },
	{ "17 equal value", SELECT("{matchLabels: {app: web}}"), TO_WEB, NULL,
	    YES },
	{ "17 key absent", SELECT("{matchLabels: {app: web}}"), TO_BARE, NULL,
	    NO },
	{ "17 empty value needs the key", SELECT("{matchLabels: {app: \"\"}}"),
	    TO_BARE, NULL, NO },
	{ "17 empty value matches empty value",
	    SELECT("{matchLabels: {app: \"\"}}"), TO_BLANK, NULL, YES },
	{ "18 In with the value",
	    SELECT("{matchExpressions: [{key: app, operator: In, values: [x, "
		   "web]}]}"),
	    TO_WEB, NULL, YES },
	{ "18 In without the value",
	    SELECT(
		"{matchExpressions: [{key: app, operator: In, values: [x]}]}"),
	    TO_WEB, NULL, NO },
	{ "18 In needs the key, even for empty",
	    SELECT("{matchExpressions: [{key: app, operator: In, values: "
		   "[\"\"]}]}"),
	    TO_BARE, NULL, NO },
	{ "19 NotIn matches an absent key",
	    SELECT("{matchExpressions: [{key: app, operator: NotIn, values: "
		   "[web]}]}"),
	    TO_BARE, NULL, YES },
	{ "19 NotIn with the value in the list",
	    SELECT("{matchExpressions: [{key: app, operator: NotIn, values: "
		   "[web]}]}"),
	    TO_WEB, NULL, NO },
	{ "19 NotIn with another value",
	    SELECT("{matchExpressions: [{key: app, operator: NotIn, values: "
		   "[x]}]}"),
	    TO_WEB, NULL, YES },
	{ "20 Exists with empty value",
	    SELECT("{matchExpressions: [{key: app, operator: Exists}]}"),
	    TO_BLANK, NULL, YES },
	{ "20 Exists without key",
	    SELECT("{matchExpressions: [{key: app, operator: Exists}]}"),
	    TO_BARE, NULL, NO },
	{ "21 DoesNotExist without key",
	    SELECT("{matchExpressions: [{key: app, operator: DoesNotExist}]}"),
	    TO_BARE, NULL, YES },
	{ "21 DoesNotExist with empty value",
	    SELECT("{matchExpressions: [{key: app, operator: DoesNotExist}]}"),
	    TO_BLANK, NULL, NO },
	{ "22 values compare with their case",
	    SELECT("{matchLabels: {app: Web}}"), TO_WEB, NULL, NO },
	{ "22 keys compare with their case",
	    SELECT("{matchLabels: {App: web}}"), TO_WEB, NULL, NO },
	{ "22 quoted numbers are strings",
	    SELECT("{matchLabels: {ver: \"1.10\"}}"), TO_NUM, NULL, YES },
	{ "22 no number comes of a string",
	    SELECT("{matchLabels: {ver: \"1.1\"}}"), TO_NUM, NULL, NO },
	{ "22 quoted booleans are strings",
	    SELECT("{matchLabels: {\"on\": \"true\"}}"), TO_NUM, NULL, YES },
	{ "22 null value is the empty one",
	    SELECT("{matchLabels: {app: null}}"), TO_BLANK, NULL, YES },
	{ "23 contradiction matches nothing",
	    SELECT("{matchExpressions: [{key: app, operator: In, values: "
		   "[web]}, {key: app, operator: NotIn, values: [web]}]}"),
	    TO_WEB, NULL, NO },
	{ "23 repetition is legal",
	    SELECT("{matchExpressions: [{key: app, operator: Exists}, {key: "
		   "app, operator: Exists}]}"),
	    TO_WEB, NULL, YES },
	{ "24 namespaceSelector sees the Namespace's labels",
	    PEER("{namespaceSelector: {matchLabels: {team: Web}}}"),
	    "other/web > shop/web TCP/80", NULL, "allow p/0" },
	{ "24 namespaceSelector does not see pod labels",
	    PEER("{namespaceSelector: {matchLabels: {app: web}}}"),
	    "other/web > shop/web TCP/80", NULL, "deny" },
	{ "24 podSelector does not see namespace labels",
	    PEER("{namespaceSelector: {}, podSelector: {matchLabels: {team: "
		 "Web}}}"),
	    "other/web > shop/web TCP/80", NULL, "deny" },
	{ "4 the metadata.name label is always there",
	    PEER("{namespaceSelector: {matchLabels: "
		 "{kubernetes.io/metadata.name: other}}}"),
	    "other/web > shop/web TCP/80", NULL, "allow p/0" },
};

int
main(void)
{
	return scene_table_run(
	    "policy: selectors (C)", rows, sizeof(rows) / sizeof(rows[0]));
}
