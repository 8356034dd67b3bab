/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program is a table in the order of its instructions, in which jumps name
 * labels; filter_build() only counts the distances out. An index register that
 * holds the length of the IP header (X) serves both families.
 */
#include "collector/filter.h"

#include <stdbool.h>
#include <string.h>

#include "collector/decode.h"

/* Instruction codes of classic BPF, as every kernel has them. */
enum {
	LD_H_ABS = 0x28,
	LD_B_ABS = 0x30,
	LD_W_IND = 0x40,
	LD_H_IND = 0x48,
	LD_B_IND = 0x50,
	LD_MEM = 0x60,
	LDX_IMM = 0x01,
	LDX_MEM = 0x61,
	LDX_IHL = 0xb1, /* X = 4 * (byte & 15) */
	STORE = 0x02,
	ALU_ADD = 0x04,
	ALU_ADD_X = 0x0c,
	ALU_AND = 0x54,
	ALU_SHIFT = 0x64,
	JEQ = 0x15,
	JGE = 0x35,
	JGE_X = 0x3d,
	JSET = 0x45,
	RET = 0x06,
	TAX = 0x07
};

enum label {
	NEXT, /* no jump: the instruction behind */
	IPV4,
	IPV6,
	UDP,
	VXLAN,
	GENEVE,
	INNER_ETHERNET,
	IPIP,
	SCTP,
	ICMP,
	ICMPV6,
	TCP,
	REJECT,
	ACCEPT,
	N_LABELS
};

/* To which mode a row belongs. */
enum { BOTH, CONNECTIONS, CENSUS };

struct row {
	uint8_t here; /* enum label */
	uint8_t mode;
	bool behind_link; /* k counts from behind the link header */
	uint16_t code;
	uint32_t k;
	uint8_t yes, no; /* enum label */
};

/* Offsets: of an inner packet from the end of the outer IP header. */
enum {
	VXLAN_AT = 8, /* behind UDP */
	INNER_AT = VXLAN_AT + 8,
	INNER_IP_AT = INNER_AT + 14,
	INNER_TCP_AT = INNER_IP_AT + 20,
	INNER_LEAST = INNER_TCP_AT + 20,
	TCP_FLAGS_AT = 13,
	TCP_ENDS = 0x07 /* FIN, SYN, RST */
};

/* clang-format off */
static const struct row link_ethernet[] = {
	{ 0, BOTH, false, LD_H_ABS, 12, 0, 0 },
};
static const struct row link_sll[] = {
	{ 0, BOTH, false, LD_H_ABS, 14, 0, 0 },
};
static const struct row link_sll2[] = {
	{ 0, BOTH, false, LD_H_ABS, 0, 0, 0 },
};
static const struct row by_ethertype[] = {
	{ 0, BOTH, false, JEQ, 0x0800, IPV4,   NEXT },
	{ 0, BOTH, false, JEQ, 0x86dd, IPV6,   NEXT },
	{ 0, BOTH, false, JEQ, 0x8100, ACCEPT, NEXT },
	{ 0, BOTH, false, JEQ, 0x88a8, ACCEPT, NEXT },
	{ 0, BOTH, false, JEQ, 0x9100, ACCEPT, REJECT },
};
static const struct row by_version[] = {
	{ 0, BOTH, false, LD_B_ABS, 0,    0,    0 },
	{ 0, BOTH, false, ALU_AND,  0xf0, 0,    0 },
	{ 0, BOTH, false, JEQ,      0x40, IPV4, NEXT },
	{ 0, BOTH, false, JEQ,      0x60, IPV6, REJECT },
};

static const struct row program[] = {
	{ IPV4, BOTH, true,  LD_B_ABS, 16,     0,      0 },
	{ 0,    BOTH, false, JEQ,      127,    REJECT, NEXT },
	{ 0,    BOTH, true,  LD_H_ABS, 6,      0,      0 },
	{ 0,    BOTH, false, JSET,     0x1fff, REJECT, NEXT },
	{ 0,    BOTH, false, JSET,     0x2000, ACCEPT, NEXT },
	{ 0,    BOTH, true,  LDX_IHL,  0,      0,      0 },
	{ 0,    BOTH, true,  LD_B_ABS, 9,      0,      0 },
	{ 0,    BOTH, false, JEQ,      6,      TCP,    NEXT },
	{ 0,    BOTH, false, JEQ,      17,     UDP,    NEXT },
	{ 0,    BOTH, false, JEQ,      1,      ICMP,   NEXT },
	{ 0,    BOTH, false, JEQ,      4,      IPIP,   NEXT },
	{ 0,    BOTH, false, JEQ,      132,    SCTP,   NEXT },
	{ 0,    BOTH, false, JEQ,      41,     ACCEPT, NEXT }, /* 6in4 */
	{ 0,    BOTH, false, JEQ,      47,     ACCEPT, NEXT }, /* GRE */
	{ 0,    BOTH, false, JEQ,      51,     ACCEPT, REJECT }, /* AH */

	{ IPV6, BOTH, false, LDX_IMM,  40,     0,      0 },
	{ 0,    BOTH, true,  LD_B_ABS, 6,      0,      0 },
	{ 0,    BOTH, false, JEQ,      6,      TCP,    NEXT },
	{ 0,    BOTH, false, JEQ,      17,     UDP,    NEXT },
	{ 0,    BOTH, false, JEQ,      58,     ICMPV6, NEXT },
	{ 0,    BOTH, false, JEQ,      132,    SCTP,   NEXT },
	{ 0,    BOTH, false, JEQ,      0,      ACCEPT, NEXT }, /* hop by hop */
	{ 0,    BOTH, false, JEQ,      43,     ACCEPT, NEXT }, /* routing */
	{ 0,    BOTH, false, JEQ,      44,     ACCEPT, NEXT }, /* fragment */
	{ 0,    BOTH, false, JEQ,      51,     ACCEPT, NEXT }, /* AH */
	{ 0,    BOTH, false, JEQ,      60,     ACCEPT, NEXT }, /* destination */
	{ 0,    BOTH, false, JEQ,      135,    ACCEPT, NEXT }, /* mobility */
	{ 0,    BOTH, false, JEQ,      140,    ACCEPT, NEXT }, /* shim6 */
	{ 0,    BOTH, false, JEQ,      4,      ACCEPT, NEXT }, /* 4in6 */
	{ 0,    BOTH, false, JEQ,      41,     ACCEPT, NEXT },
	{ 0,    BOTH, false, JEQ,      47,     ACCEPT, REJECT }, /* GRE */

	/* Overlays have ports of their own; what is too short for a TCP packet
	 * inside, or no such overlay after all, is for decode to tell. */
	{ UDP,  BOTH, true,  LD_H_IND, 2,      0,      0 },
	{ 0,    BOTH, false, JEQ,      4789,   VXLAN,  NEXT },
	{ 0,    BOTH, false, JEQ,      8472,   VXLAN,  NEXT },
	{ 0,    BOTH, false, JEQ,      6081,   GENEVE, ACCEPT },

	{ VXLAN, BOTH, true, LD_H_IND, 4,           0,    0 },
	{ 0,    BOTH, false, JGE,      INNER_LEAST, NEXT, ACCEPT },
	{ 0,    BOTH, true,  LD_W_IND, VXLAN_AT,    0,    0 },
	{ 0,    BOTH, false, JEQ,      0x08000000,  NEXT, ACCEPT },
	{ 0,    BOTH, true,  LD_B_IND, VXLAN_AT + 7, 0,   0 },
	{ 0,    BOTH, false, JEQ,      0,           INNER_ETHERNET, ACCEPT },

	/* M[0] and X: the length with and without Geneve's options. */
	{ GENEVE, BOTH, true, LD_W_IND, VXLAN_AT,   0,    0 },
	{ 0,    BOTH, false, ALU_AND,  0xc03fffff,  0,    0 },
	{ 0,    BOTH, false, JEQ,      0x6558,      NEXT, ACCEPT },
	{ 0,    BOTH, true,  LD_B_IND, VXLAN_AT + 7, 0,   0 },
	{ 0,    BOTH, false, JEQ,      0,           NEXT, ACCEPT },
	{ 0,    BOTH, true,  LD_H_IND, 4,           0,    0 },
	{ 0,    BOTH, false, STORE,    1,           0,    0 },
	{ 0,    BOTH, true,  LD_B_IND, VXLAN_AT,    0,    0 },
	{ 0,    BOTH, false, ALU_AND,  0x3f,        0,    0 },
	{ 0,    BOTH, false, ALU_SHIFT, 2,          0,    0 },
	{ 0,    BOTH, false, STORE,    2,           0,    0 },
	{ 0,    BOTH, false, ALU_ADD_X, 0,          0,    0 },
	{ 0,    BOTH, false, STORE,    0,           0,    0 },
	{ 0,    BOTH, false, LD_MEM,   2,           0,    0 },
	{ 0,    BOTH, false, ALU_ADD,  INNER_LEAST, 0,    0 },
	{ 0,    BOTH, false, TAX,      0,           0,    0 },
	{ 0,    BOTH, false, LD_MEM,   1,           0,    0 },
	{ 0,    BOTH, false, JGE_X,    0,           NEXT, ACCEPT },
	{ 0,    BOTH, false, LDX_MEM,  0,           0,    0 },

	{ INNER_ETHERNET, BOTH, true, LD_H_IND, INNER_AT + 12, 0, 0 },
	{ 0,    BOTH, false, JEQ,      0x0800,      NEXT, ACCEPT },
	{ 0,    BOTH, true,  LD_B_IND, INNER_IP_AT, 0,    0 },
	{ 0,    BOTH, false, JEQ,      0x45,        NEXT, ACCEPT },
	{ 0,    BOTH, true,  LD_H_IND, INNER_IP_AT + 6, 0, 0 },
	{ 0,    BOTH, false, JSET,     0x3fff,      ACCEPT, NEXT },
	{ 0,    BOTH, true,  LD_B_IND, INNER_IP_AT + 9, 0, 0 },
	{ 0,    BOTH, false, JEQ,      6,           NEXT, ACCEPT },
	{ 0,    CENSUS, false, JGE,    0,           ACCEPT, ACCEPT },
	{ 0,    BOTH, true,  LD_B_IND, INNER_TCP_AT + TCP_FLAGS_AT, 0, 0 },
	{ 0,    BOTH, false, JSET,     TCP_ENDS,    ACCEPT, REJECT },

	{ IPIP, BOTH, true,  LD_B_IND, 0,      0,      0 },
	{ 0,    BOTH, false, JEQ,      0x45,   NEXT,   ACCEPT },
	{ 0,    BOTH, true,  LD_H_IND, 6,      0,      0 },
	{ 0,    BOTH, false, JSET,     0x3fff, ACCEPT, NEXT },
	{ 0,    BOTH, true,  LD_B_IND, 9,      0,      0 },
	{ 0,    BOTH, false, JEQ,      6,      NEXT,   ACCEPT },
	{ 0,    CENSUS, false, JGE,    0,      ACCEPT, ACCEPT },
	{ 0,    BOTH, true,  LD_B_IND, 20 + TCP_FLAGS_AT, 0, 0 },
	{ 0,    BOTH, false, JSET,     TCP_ENDS, ACCEPT, REJECT },

	{ SCTP, CENSUS, false, JGE,    0,      ACCEPT, ACCEPT },
	{ SCTP, CONNECTIONS, true, LD_B_IND, 12, 0,    0 },
	{ 0,    BOTH, false, JEQ,      0,      REJECT, NEXT }, /* DATA */
	{ 0,    BOTH, false, JEQ,      64,     REJECT, NEXT }, /* I-DATA */
	{ 0,    BOTH, false, JEQ,      3,      REJECT, NEXT }, /* SACK */
	{ 0,    BOTH, false, JEQ,      4,      REJECT, NEXT }, /* HEARTBEAT */
	{ 0,    BOTH, false, JEQ,      5,      REJECT, ACCEPT },

	{ ICMP, BOTH, true,  LD_H_IND, 0,      0,      0 },
	{ 0,    BOTH, false, JEQ,      0x0304, REJECT, NEXT }, /* too big */
	{ 0,    BOTH, true,  LD_B_IND, 0,      0,      0 },
	{ 0,    BOTH, false, JEQ,      3,      ACCEPT, REJECT },
	{ ICMPV6, BOTH, true, LD_B_IND, 0,     0,      0 },
	{ 0,    BOTH, false, JEQ,      1,      ACCEPT, REJECT },

	{ TCP,  CENSUS, false, JGE,    0,      ACCEPT, ACCEPT },
	{ TCP,  CONNECTIONS, true, LD_B_IND, TCP_FLAGS_AT, 0, 0 },
	{ 0,    BOTH, false, JSET,     TCP_ENDS, ACCEPT, REJECT },
	{ REJECT, BOTH, false, RET,    0,      0,      0 },
	{ ACCEPT, BOTH, false, RET,    0,      0,      0 }, /* k: the snaplen */
};
/* clang-format on */

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))

_Static_assert(NELEM(program) + NELEM(by_ethertype) + 2 <= FILTER_INSNS_MAX,
    "the longest program has room");

/* A program on its way: its rows, and where its labels are. */
struct build {
	const struct row *rows[FILTER_INSNS_MAX];
	size_t n;
	size_t labels[N_LABELS];
};

static void
add_rows(struct build *b, const struct row *rows, size_t n, bool census)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i].mode == (census ? CONNECTIONS : CENSUS))
			continue;
		if (rows[i].here != NEXT)
			b->labels[rows[i].here] = b->n;
		b->rows[b->n++] = &rows[i];
	}
}

/* What tells the network layer's protocol, and the link header's length. */
static bool
add_link(struct build *b, int link, uint32_t *header)
{
	switch (link) {
	case DECODE_LINK_EN10MB:
		*header = 14;
		add_rows(b, link_ethernet, NELEM(link_ethernet), false);
		break;
	case DECODE_LINK_SLL:
		*header = 16;
		add_rows(b, link_sll, NELEM(link_sll), false);
		break;
	case DECODE_LINK_SLL2:
		*header = 20;
		add_rows(b, link_sll2, NELEM(link_sll2), false);
		break;
	case DECODE_LINK_RAW:
	case DECODE_LINK_LINKTYPE_RAW:
		*header = 0;
		add_rows(b, by_version, NELEM(by_version), false);
		return true;
	default:
		return false;
	}
	add_rows(b, by_ethertype, NELEM(by_ethertype), false);
	return true;
}

static uint8_t
distance(const struct build *b, size_t from, uint8_t label)
{
	return label == NEXT ? 0 : (uint8_t)(b->labels[label] - from - 1);
}

size_t
filter_build(struct filter_insn out[static FILTER_INSNS_MAX], int link,
    enum filter_mode mode, uint32_t snaplen)
{
	struct build b = { .n = 0 };
	uint32_t header;

	if (mode == FILTER_ALL) {
		out[0] = (struct filter_insn){ .code = RET, .k = snaplen };
		return 1;
	}
	if (!add_link(&b, link, &header))
		return 0;
	add_rows(&b, program, NELEM(program), mode == FILTER_CENSUS);
	for (size_t i = 0; i < b.n; i++) {
		const struct row *r = b.rows[i];

		out[i] = (struct filter_insn){ .code = r->code,
			.jt = distance(&b, i, r->yes),
			.jf = distance(&b, i, r->no),
			.k = r->k + (r->behind_link ? header : 0) };
	}
	out[b.labels[ACCEPT]].k = snaplen;
	return b.n;
}

/* linux/filter.h: SKF_AD_OFF + SKF_AD_PROTOCOL, the packet's ethertype. */
#define SOCKET_PROTOCOL 0xfffff000u

void
filter_for_socket(struct filter_insn *insns, size_t n, int link)
{
	uint32_t header = 20, protocol = 0;

	if (link == DECODE_LINK_SLL) {
		header = 16;
		protocol = 14;
	} else if (link != DECODE_LINK_SLL2) {
		return;
	}
	for (size_t i = 0; i < n; i++)
		switch (insns[i].code) {
		case LD_H_ABS:
			if (insns[i].k == protocol) {
				insns[i].k = SOCKET_PROTOCOL;
				break;
			}
			insns[i].k -= header;
			break;
		case LD_B_ABS:
		case LD_W_IND:
		case LD_H_IND:
		case LD_B_IND:
		case LDX_IHL:
			insns[i].k -= header;
			break;
		default:
			break;
		}
}
