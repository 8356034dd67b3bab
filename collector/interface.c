/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/interface.h"

#include <netpacket/packet.h>
#include <sys/socket.h>

bool
interface_is_gone(int fd)
{
	struct sockaddr_ll at = { .sll_ifindex = 0 };
	socklen_t size = sizeof(at);

	return getsockname(fd, (struct sockaddr *)&at, &size) == 0 &&
	    at.sll_family == AF_PACKET && at.sll_ifindex == -1;
}
