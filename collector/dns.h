/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns: addresses and their names from the answers of a DNS message (RFC 1035,
 * RFC 3596). Pure; bounds-checked; compression loops end.
 */
#ifndef COLLECTOR_DNS_H
#define COLLECTOR_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ip.h"

#define DNS_NAME_MAX     254 /* text without final dot, with NUL */
#define DNS_HEADER_BYTES 12

/* A server's port: DNS, or the one that OpenShift's pods and mDNS have. */
static inline bool
dns_is_port(uint16_t port)
{
	return port == 53 || port == 5353;
}

/* Does it begin as a message: an operation that there is, and one question or
 * none? Programs that speak something else use these ports, too. */
static inline bool
dns_is_message(const uint8_t header[static DNS_HEADER_BYTES])
{
	return (header[2] >> 3 & 15) <= 6 && header[4] == 0 && header[5] <= 1;
}

/*
 * Called for each A and AAAA record that the question's name leads to,
 * directly or through CNAMEs. name is the name that was asked for, lower
 * case, without final dot, holding only printable ASCII without space ('?'
 * for anything else). ttl_s is the least along the chain.
 */
typedef void dns_answer(
    void *arg, const char *name, const struct ip_addr *ip, uint32_t ttl_s);

enum dns_result {
	DNS_OK,        /* a response; what it answers was reported */
	DNS_QUERY,     /* a query */
	DNS_TRUNCATED, /* cut by the snaplen: what came before was reported */
	DNS_MALFORMED
};

/* Is it a query? What is too short to tell is none. */
static inline bool
dns_is_query(const uint8_t *msg, size_t len)
{
	return len > 2 && !(msg[2] & 0x80);
}

/* Can dns_parse find addresses in it? From its header alone. */
bool dns_has_addresses(const uint8_t *msg, size_t len);

/* len bytes of the message were captured; no length prefix (UDP). */
enum dns_result dns_parse(
    const uint8_t *msg, size_t len, dns_answer *answer, void *arg);

#endif
