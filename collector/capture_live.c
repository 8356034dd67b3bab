/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/capture_live.h"

#include <errno.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "collector/decode.h"
#include "collector/interface.h"

#define ANY "any"

struct capture_live {
	pcap_t *pcap;
	char *device;
	int link;
	uint32_t snaplen;
	u_int last_dropped; /* libpcap's count, of 32 bits */
	uint64_t dropped;
	capture_live_sink *sink; /* during a read */
	void *sink_arg;
};

static enum rf_status
fail_pcap(const struct capture_live *c, const char *what, int rc,
    struct rf_error *err)
{
	const char *why = pcap_geterr(c->pcap);

	if (rc == PCAP_ERROR_NO_SUCH_DEVICE)
		why = "there is no such interface";
	else if (rc == PCAP_ERROR_PERM_DENIED)
		why = "not permitted; capturing needs CAP_NET_RAW: run it as "
		      "root, or give the file the capability: "
		      "setcap cap_net_raw=ep ringfence";
	else if (why[0] == '\0')
		why = pcap_statustostr(rc);
	return rf_fail(err, RF_IO, "%s %s: %s", what, c->device, why);
}

/* Set what must be set before a handle is activated; none of it can fail on a
 * handle that is not active yet. */
static void
configure(pcap_t *pcap, const struct capture_live_config *config)
{
	(void)pcap_set_snaplen(pcap, (int)config->snaplen);
	(void)pcap_set_timeout(pcap, (int)config->timeout_ms);
	(void)pcap_set_buffer_size(pcap, (int)config->ring_bytes);
	(void)pcap_set_immediate_mode(pcap, 0);
	(void)pcap_set_promisc(pcap, 0);
}

/*
 * libpcap replaces a filter by one that lets nothing pass, empties the socket
 * and then sets the new one; what comes meanwhile is neither seen nor counted.
 * The kernel itself exchanges filters at once.
 */
static enum rf_status
exchange_filter(struct capture_live *c, struct filter_insn *insns, size_t n,
    struct rf_error *err)
{
	struct sock_filter code[FILTER_INSNS_MAX];
	const struct sock_fprog program = { (unsigned short)n, code };

	filter_for_socket(insns, n, c->link);
	for (size_t i = 0; i < n; i++)
		code[i] = (struct sock_filter){ insns[i].code, insns[i].jt,
			insns[i].jf, insns[i].k };
	if (setsockopt(pcap_fileno(c->pcap), SOL_SOCKET, SO_ATTACH_FILTER,
		&program, sizeof(program)) != 0)
		return rf_fail(err, RF_IO, "set the filter on %s: %s",
		    c->device, strerror(errno));
	return RF_OK;
}

/*
 * libpcap is given a filter, so that it leaves filtering to the kernel; what is
 * in the ring when it gets it goes through that one again later. So its own
 * lets everything pass.
 */
static enum rf_status
first_filter(struct capture_live *c, struct rf_error *err)
{
	struct filter_insn all[FILTER_INSNS_MAX];
	struct bpf_insn bpf;
	struct bpf_program program = { 1, &bpf };

	(void)filter_build(all, c->link, FILTER_ALL, c->snaplen);
	bpf = (struct bpf_insn){ all[0].code, all[0].jt, all[0].jf, all[0].k };
	if (pcap_setfilter(c->pcap, &program) != 0)
		return fail_pcap(c, "set the filter on", PCAP_ERROR, err);
	return RF_OK;
}

static enum rf_status
activate(struct capture_live *c, const struct capture_live_config *config,
    struct rf_error *err)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	enum rf_status st;
	int rc;

	configure(c->pcap, config);
	rc = pcap_activate(c->pcap);
	if (rc < 0)
		return fail_pcap(c, "capture on", rc, err);
	if (strcmp(config->device, ANY) == 0 &&
	    pcap_set_datalink(c->pcap, DLT_LINUX_SLL2) != 0)
		return fail_pcap(c, "capture on", PCAP_ERROR, err);
	c->link = pcap_datalink(c->pcap);
	if (!decode_link_supported(c->link)) {
		const char *name = pcap_datalink_val_to_name(c->link);

		return rf_fail(err, RF_INVAL,
		    "capture on %s: link type %s (%d) is not supported",
		    c->device, name != NULL ? name : "unknown", c->link);
	}
	if (pcap_setnonblock(c->pcap, 1, why) != 0)
		return rf_fail(err, RF_IO, "capture on %s: %s", c->device, why);
	if ((st = first_filter(c, err)) != RF_OK)
		return st;
	return capture_live_set_mode(c, config->mode, err);
}

enum rf_status
capture_live_open(struct capture_live **out,
    const struct capture_live_config *config, struct rf_error *err)
{
	struct capture_live *c = calloc(1, sizeof(*c));
	char why[PCAP_ERRBUF_SIZE] = "";
	enum rf_status st;

	*out = NULL;
	if (c == NULL || (c->device = strdup(config->device)) == NULL) {
		st = rf_fail(err, RF_NOMEM, "capture on %s: out of memory",
		    config->device);
		goto out;
	}
	c->snaplen = config->snaplen;
	c->pcap = pcap_create(config->device, why);
	if (c->pcap == NULL) {
		st = rf_fail(err, RF_IO, "capture on %s: %s", c->device, why);
		goto out;
	}
	if ((st = activate(c, config, err)) != RF_OK)
		goto out;
	*out = c;
	c = NULL;
out:
	capture_live_close(c);
	return st;
}

void
capture_live_close(struct capture_live *c)
{
	if (c == NULL)
		return;
	if (c->pcap != NULL)
		pcap_close(c->pcap);
	free(c->device);
	free(c);
}

int
capture_live_fd(const struct capture_live *c)
{
	return pcap_get_selectable_fd(c->pcap);
}

int
capture_live_link(const struct capture_live *c)
{
	return c->link;
}

static void
on_packet(u_char *arg, const struct pcap_pkthdr *h, const u_char *data)
{
	const struct capture_live *c = (const void *)arg;
	struct capture_frame f = {
		.ts_us = (int64_t)h->ts.tv_sec * 1000000 + h->ts.tv_usec,
		.data = data,
		.captured = h->caplen,
		.wire_len = h->len,
	};

	c->sink(c->sink_arg, &f);
}

enum rf_status
capture_live_read(struct capture_live *c, int max, capture_live_sink *sink,
    void *arg, int *n, struct rf_error *err)
{
	int rc;

	c->sink = sink;
	c->sink_arg = arg;
	rc = pcap_dispatch(c->pcap, max, on_packet, (u_char *)c);
	*n = rc > 0 ? rc : 0;
	return rc < 0 ? fail_pcap(c, "capture on", rc, err) : RF_OK;
}

enum rf_status
capture_live_set_mode(
    struct capture_live *c, enum filter_mode mode, struct rf_error *err)
{
	struct filter_insn insns[FILTER_INSNS_MAX];
	size_t n = filter_build(insns, c->link, mode, c->snaplen);

	if (n == 0) /* of a link type without a filter, everything is read */
		n = filter_build(insns, c->link, FILTER_ALL, c->snaplen);
	return exchange_filter(c, insns, n, err);
}

enum rf_status
capture_live_check(const struct capture_live *c, struct rf_error *err)
{
	if (!interface_is_gone(capture_live_fd(c)))
		return RF_OK;
	return rf_fail(
	    err, RF_IO, "capture on %s: the interface disappeared", c->device);
}

bool
capture_live_is_up(const struct capture_live *c)
{
	return interface_is_up(capture_live_fd(c));
}

enum rf_status
capture_live_dropped(
    struct capture_live *c, uint64_t *out, struct rf_error *err)
{
	struct pcap_stat s;

	if (pcap_stats(c->pcap, &s) != 0)
		return fail_pcap(c, "statistics of", PCAP_ERROR, err);
	/* ps_ifdrop is the device's own count since it was made: not ours. */
	c->dropped += s.ps_drop - c->last_dropped;
	c->last_dropped = s.ps_drop;
	*out = c->dropped;
	return RF_OK;
}
