/* SPDX-License-Identifier: Apache-2.0 */
/* The table of rules. Ids are never used again for something else. */
#include "policy/lint_internal.h"
#include "policy/lint_lessons.h"

/* clang-format off */
#define LESSON_1(n) &lint_lessons_1[(n) - 1]
#define LESSON_2(n) &lint_lessons_2[(n) - 1 - LINT_LESSONS_1]

static const struct lint_rule table[] = {
	{ "RF001", LINT_WARNING, "egress without DNS",
	  LINT_NEEDS_POLICIES, lint_check_dns, LESSON_1(1) },
	{ "RF002", LINT_ERROR, "DNS rule that misses the cluster's DNS",
	  LINT_NEEDS_CLUSTER, NULL, LESSON_1(2) },
	{ "RF003", LINT_ERROR, "DNS over one protocol only",
	  LINT_NEEDS_POLICIES, NULL, LESSON_1(3) },
	{ "RF004", LINT_ERROR, "AND and OR mixed up",
	  LINT_NEEDS_POLICIES, lint_check_mixed_peers, LESSON_1(4) },
	{ "RF005", LINT_ERROR, "podSelector meant for another namespace",
	  LINT_NEEDS_POLICIES, lint_check_peers, LESSON_1(5) },
	{ "RF006", LINT_ERROR, "peer that matches no pod",
	  LINT_NEEDS_CLUSTER, NULL, LESSON_1(6) },
	{ "RF007", LINT_ERROR, "namespace label that no namespace carries",
	  LINT_NEEDS_CLUSTER, NULL, LESSON_1(7) },
	{ "RF008", LINT_WARNING, "peers on the network of their node",
	  LINT_NEEDS_CLUSTER, NULL, LESSON_1(8) },
	{ "RF009", LINT_ERROR, "policy that selects no pod",
	  LINT_NEEDS_CLUSTER, lint_check_subjects, LESSON_1(9) },
	{ "RF010", LINT_WARNING, "policy on hostNetwork pods",
	  LINT_NEEDS_CLUSTER, NULL, LESSON_1(10) },
	{ "RF011", LINT_WARNING, "policy without namespace",
	  LINT_NEEDS_POLICIES, NULL, LESSON_1(11) },
	{ "RF012", LINT_WARNING, "namespace that the cluster does not have",
	  LINT_NEEDS_CLUSTER, NULL, LESSON_1(12) },
	{ "RF013", LINT_ERROR, "empty rules that isolate nothing",
	  LINT_NEEDS_POLICIES, lint_check_types, LESSON_1(13) },
	{ "RF014", LINT_ERROR, "rules that policyTypes leaves out",
	  LINT_NEEDS_POLICIES, NULL, LESSON_1(14) },
	{ "RF015", LINT_WARNING, "egress rules that deny all ingress",
	  LINT_NEEDS_POLICIES, NULL, LESSON_1(15) },
	{ "RF016", LINT_ERROR, "null selector that selects everything",
	  LINT_NEEDS_POLICIES, lint_check_blanks, LESSON_1(16) },
	{ "RF017", LINT_ERROR, "empty list that allows everything",
	  LINT_NEEDS_POLICIES, NULL, LESSON_1(17) },
	{ "RF018", LINT_NOTE, "wider than it looks",
	  LINT_NEEDS_POLICIES, lint_check_wide, LESSON_1(18) },
	{ "RF019", LINT_WARNING, "empty rule beside others",
	  LINT_NEEDS_POLICIES, lint_check_redundant, LESSON_2(19) },
	{ "RF020", LINT_NOTE, "rule that another rule covers",
	  LINT_NEEDS_POLICIES, NULL, LESSON_2(20) },
	{ "RF021", LINT_NOTE, "policy that says the same as another",
	  LINT_NEEDS_POLICIES, lint_check_duplicates, LESSON_2(21) },
	{ "RF022", LINT_WARNING, "label that changes with a release",
	  LINT_NEEDS_POLICIES, lint_check_labels, LESSON_2(22) },
	{ "RF023", LINT_ERROR, "selector that can match nothing",
	  LINT_NEEDS_POLICIES, NULL, LESSON_2(23) },
	{ "RF024", LINT_ERROR, "Service port where the pod's is needed",
	  LINT_NEEDS_CLUSTER, lint_check_ports, LESSON_2(24) },
	{ "RF025", LINT_ERROR, "port name that no pod declares",
	  LINT_NEEDS_CLUSTER, NULL, LESSON_2(25) },
	{ "RF026", LINT_WARNING, "ipBlock over pod addresses",
	  LINT_NEEDS_CLUSTER, lint_check_blocks, LESSON_2(26) },
	{ "RF027", LINT_WARNING, "ipBlock over Service addresses",
	  LINT_NEEDS_CLUSTER, NULL, LESSON_2(27) },
	{ "RF028", LINT_WARNING, "the whole Internet, and all that is inside",
	  LINT_NEEDS_POLICIES, NULL, LESSON_2(28) },
	{ "RF029", LINT_NOTE, "clients that arrive with a node's address",
	  LINT_NEEDS_CLUSTER, lint_check_snat, LESSON_2(29) },
	{ "RF030", LINT_WARNING, "cluster that does not enforce policies",
	  LINT_NEEDS_CLUSTER, lint_check_cni, LESSON_2(30) },
	{ "RF031", LINT_WARNING, "Service that selects no pod",
	  LINT_NEEDS_CLUSTER, lint_check_services, LESSON_2(31) },
	{ "RF032", LINT_WARNING, "metrics scraping seen, not allowed",
	  LINT_NEEDS_FLOWS, lint_check_flows, LESSON_2(32) },
	{ "RF033", LINT_WARNING, "ingress controller seen, not allowed",
	  LINT_NEEDS_FLOWS, NULL, LESSON_2(33) },
	{ "RF034", LINT_WARNING, "log shipping seen, not allowed",
	  LINT_NEEDS_FLOWS, NULL, LESSON_2(34) },
	{ "RF035", LINT_WARNING, "calls of the API server seen, not allowed",
	  LINT_NEEDS_FLOWS, NULL, LESSON_2(35) },
};
/* clang-format on */

const struct lint_rule *
lint_rules(size_t *n)
{
	*n = sizeof(table) / sizeof(table[0]);
	return table;
}
