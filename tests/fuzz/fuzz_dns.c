/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_dns: any bytes as a DNS message; what it reports must be printable. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/dns.h"

#define ANSWERS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_answer(
    void *arg, const char *name, const struct ip_addr *ip, uint32_t ttl_s)
{
	unsigned *answers = arg;
	size_t len = strlen(name);

	(void)ip;
	if (++*answers > ANSWERS_MAX || len == 0 || len >= DNS_NAME_MAX ||
	    ttl_s > INT32_MAX)
		abort();
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' ||
		    (name[i] >= 'A' && name[i] <= 'Z'))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned answers = 0;
	enum dns_result r = dns_parse(data, size, check_answer, &answers);

	if (answers > 0 && r != DNS_OK && r != DNS_TRUNCATED)
		abort();
	return 0;
}
