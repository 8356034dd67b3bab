/* SPDX-License-Identifier: Apache-2.0 */
/*
 * null_pcap: the least that a program built on libpcap does with a capture
 * file: reads every packet and touches its first byte. The benchmark's unit.
 */
#include <inttypes.h>
#include <pcap.h>
#include <stdint.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	char err[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *head;
	const unsigned char *data;
	uint64_t packets = 0, bytes = 0, touched = 0;
	pcap_t *p;
	int rc;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: null_pcap FILE\n");
		return 2;
	}
	p = pcap_open_offline(argv[1], err);
	if (p == NULL) {
		(void)fprintf(stderr, "null_pcap: %s\n", err);
		return 3;
	}
	while ((rc = pcap_next_ex(p, &head, &data)) == 1) {
		packets++;
		bytes += head->len;
		if (head->caplen > 0)
			touched += data[0];
	}
	(void)printf("%" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 "\n",
	    packets, bytes, touched);
	pcap_close(p);
	return rc == PCAP_ERROR_BREAK ? 0 : 3;
}
