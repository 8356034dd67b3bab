/* SPDX-License-Identifier: Apache-2.0 */
#include "core/flow.h"

const char *
flow_protocol_name(unsigned protocol)
{
	switch (protocol) {
	case FLOW_TCP:
		return "TCP";
	case FLOW_UDP:
		return "UDP";
	case FLOW_SCTP:
		return "SCTP";
	default:
		return NULL;
	}
}

unsigned
flow_protocol_parse(const char *name)
{
	static const unsigned all[] = { FLOW_TCP, FLOW_UDP, FLOW_SCTP };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(name, flow_protocol_name(all[i])) == 0)
			return all[i];
	return 0;
}

const char *
flow_outcome_name(unsigned outcome)
{
	static const char *const names[OUTCOME_COUNT] = {
		[OUTCOME_ESTABLISHED] = "established",
		[OUTCOME_ONEWAY] = "oneway",
		[OUTCOME_MIDSTREAM] = "midstream",
		[OUTCOME_REFUSED] = "refused",
		[OUTCOME_UNANSWERED] = "unanswered",
		[OUTCOME_DROPPED] = "dropped",
	};

	return outcome < OUTCOME_COUNT ? names[outcome] : NULL;
}

const char *
flow_certainty_name(unsigned certainty)
{
	static const char *const names[CERTAINTY_COUNT] = {
		[CERTAINTY_HANDSHAKE] = "handshake",
		[CERTAINTY_LISTENER] = "listener",
		[CERTAINTY_GUESSED] = "guessed",
	};

	return certainty < CERTAINTY_COUNT ? names[certainty] : NULL;
}

const char *
endpoint_type_name(unsigned type)
{
	static const char *const names[ENDPOINT_TYPE_COUNT] = {
		[ENDPOINT_WORKLOAD] = "workload",
		[ENDPOINT_NODE] = "node",
		[ENDPOINT_EXTERNAL] = "external",
		[ENDPOINT_UNKNOWN] = "unknown",
	};

	return type < ENDPOINT_TYPE_COUNT ? names[type] : NULL;
}
