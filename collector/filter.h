/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: the classic BPF program with which the kernel keeps out what a
 * collector has no use for.
 *
 * Written by hand, because filter syntax ("tcp[tcpflags] & tcp-syn != 0")
 * neither walks IPv6 extension headers nor sees behind VLAN tags. What the
 * program cannot decide in a few steps it lets pass: decode decides. Pure.
 *
 * FILTER_CONNECTIONS lets pass what opens and ends connections: TCP with SYN,
 * FIN or RST; UDP; SCTP that is not plain DATA, SACK or HEARTBEAT; ICMP
 * unreachable; the first of several fragments; everything behind an IPv6
 * extension header or a VLAN tag; overlays by the TCP packet that they carry,
 * where it can be found. Not 127.0.0.0/8.
 * FILTER_CENSUS lets all of TCP and SCTP pass besides: connections that were
 * there before. FILTER_ALL lets everything pass.
 */
#ifndef COLLECTOR_FILTER_H
#define COLLECTOR_FILTER_H

#include <stddef.h>
#include <stdint.h>

#define FILTER_INSNS_MAX 160

enum filter_mode { FILTER_CONNECTIONS, FILTER_CENSUS, FILTER_ALL };

/* Laid out as the kernel's struct sock_filter and libpcap's bpf_insn. */
struct filter_insn {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

/*
 * Write the program for link (enum decode_link) that keeps snaplen bytes of
 * what passes. Returns its length, or 0 for a link type that it cannot be
 * written for (then FILTER_ALL is all there is).
 */
size_t filter_build(struct filter_insn out[static FILTER_INSNS_MAX], int link,
    enum filter_mode mode, uint32_t snaplen);

/*
 * Turn a program for frames of link into one for the packet socket that makes
 * such frames: the header of LINUX_SLL and LINUX_SLL2 is libpcap's; the kernel
 * sees what is behind it, and tells the protocol apart. Other link types stay
 * as they are.
 */
void filter_for_socket(struct filter_insn *insns, size_t n, int link);

#endif
