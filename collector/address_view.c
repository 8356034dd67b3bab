/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/address_view.h"

enum address_class
address_class_of(const struct address_owner *o)
{
	switch (o->kind) {
	case ADDRESS_POD:
	case ADDRESS_POD_RANGE:
		return ADDRESS_CLASS_POD;
	case ADDRESS_NODE:
		return ADDRESS_CLASS_NODE;
	case ADDRESS_SERVICE:
	case ADDRESS_SERVICE_RANGE:
		return ADDRESS_CLASS_SERVICE;
	case ADDRESS_EXTERNAL:
		break;
	}
	return ADDRESS_CLASS_OTHER;
}

static enum address_class
classify(void *arg, const struct ip_addr *ip, int64_t at_us)
{
	struct address_owner o = address_owner_at(arg, ip, at_us);

	return address_class_of(&o);
}

static bool
leads_to(void *arg, const struct ip_addr *vip, uint16_t vport,
    const struct ip_addr *ip, uint16_t port, uint8_t protocol, int64_t at_us)
{
	struct address_target dialled = { vip, vport, protocol, at_us };
	uint32_t service;
	uint16_t service_port;

	return address_service(arg, &dialled, &service, &service_port) &&
	    address_is_backend(arg, service, service_port, protocol, ip, port);
}

struct address_view
address_view_of(const struct cluster *c)
{
	union {
		const struct cluster *in;
		void *out;
	} arg = { .in = c }; /* both functions only read it */

	return (struct address_view){ classify, leads_to, arg.out };
}
