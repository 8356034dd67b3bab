/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end_ref: the words by which people name an end of a connection:
 *
 *	NS/POD, NS/KIND/NAME (a workload), svc/NS/NAME, or an address.
 *
 * Kinds are known in any case and by kubectl's short names. One word may
 * mean many ends: every pod of a workload, every ready backend of a Service,
 * each with all its addresses.
 */
#ifndef CLI_END_REF_H
#define CLI_END_REF_H

#include "core/arena.h"
#include "report/check.h"

struct end_ref {
	const char *text; /* as it was given */
	const struct check_end *ends;
	size_t n_ends;
	uint32_t service; /* FLOW_NONE: none is dialled */
	bool by_selector; /* no EndpointSlice: the Service's pods by labels */
	bool by_node;     /* dialled by a node's address and a nodePort */
};

/* Where a connection goes; port 0: it comes from there. */
struct end_port {
	uint16_t port;
	uint8_t protocol;
};

/*
 * RF_INVAL: the text has none of these forms.
 * RF_CORRUPT: there is no such object, or nothing behind it; err names the
 * nearest. A Service's address, or a node's with a nodePort, is taken for the
 * Service.
 */
RF_MUST_USE enum rf_status end_ref_find(struct end_ref *out, const char *text,
    const struct cluster *c, struct end_port port, struct arena *arena,
    struct rf_error *err);

#endif
