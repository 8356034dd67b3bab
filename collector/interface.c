/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/interface.h"

#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The index of the socket's interface; 0: all of them, or it is no packet
 * socket; -1: it is gone. */
static int
index_of(int fd)
{
	struct sockaddr_ll at = { .sll_ifindex = 0 };
	socklen_t size = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &size) != 0 ||
	    at.sll_family != AF_PACKET)
		return 0;
	return at.sll_ifindex;
}

bool
interface_is_gone(int fd)
{
	return index_of(fd) == -1;
}

/* r names it. */
static bool
has_flag_up(int fd, struct ifreq *r)
{
	return ioctl(fd, SIOCGIFFLAGS, r) == 0 && (r->ifr_flags & IFF_UP) != 0;
}

/* The first one usually is the loopback interface, and up. */
static bool
any_is_up(int fd)
{
	FILE *f = fopen("/proc/net/dev", "re");
	bool found = f == NULL;
	char *line = NULL;
	size_t size = 0;

	while (!found && getline(&line, &size, f) >= 0) {
		char *name = line + strspn(line, " ");
		char *end = strrchr(name, ':');
		struct ifreq r = { .ifr_flags = 0 };

		if (end == NULL || (size_t)(end - name) >= IFNAMSIZ)
			continue; /* a heading */
		memcpy(r.ifr_name, name, (size_t)(end - name));
		found = has_flag_up(fd, &r);
	}
	free(line);
	if (f != NULL)
		(void)fclose(f);
	return found;
}

bool
interface_is_up(int fd)
{
	struct ifreq r = { .ifr_ifindex = index_of(fd) };

	if (r.ifr_ifindex == 0)
		return any_is_up(fd);
	/* It may have another name by now. */
	return r.ifr_ifindex > 0 && ioctl(fd, SIOCGIFNAME, &r) == 0 &&
	    has_flag_up(fd, &r);
}
