# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# podnet: pods out of network namespaces, for live.sh, which sources this
# within namespaces of its own. The caller's network is the node's.

# name app ip port, in order; port 0: it only dials
podnet_pods() {
	cat <<-END
	dns-0 dns 10.244.0.2 53
	web-0 web 10.244.0.10 8080
	web-1 web 10.244.0.11 8080
	db-0 db 10.244.0.20 5432
	client-0 client 10.244.0.30 0
	client-1 client 10.244.0.31 0
	client-2 client 10.244.0.32 0
	END
}

# As kube-proxy's iptables mode has them, abridged.
podnet_rules() {
	cat <<-END
	*nat
	-A PREROUTING -d 10.96.0.10/32 -p udp --dport 53 -j DNAT --to-destination 10.244.0.2:53
	-A PREROUTING -d 10.96.0.50/32 -p tcp --dport 80 -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 10.244.0.10:8080
	-A PREROUTING -d 10.96.0.50/32 -p tcp --dport 80 -j DNAT --to-destination 10.244.0.11:8080
	-A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE
	COMMIT
	*filter
	-A FORWARD -p tcp --dport 9999 -j DROP
	COMMIT
	END
}

# podnet_up DIR: network, servers, DIR/cluster.json
podnet_up() {
	mount -t tmpfs none /run && mkdir /run/netns || return
	ip link set lo up
	ip link add cni0 type bridge
	ip addr add 10.244.0.1/24 dev cni0
	ip addr add fd00:10:244::1/64 dev cni0 nodad
	ip link set cni0 up
	ip netns add world
	ip link add eth0 type veth peer name eth0 netns world
	ip addr add 172.18.0.2/24 dev eth0
	ip link set eth0 up
	ip -n world addr add 172.18.0.1/24 dev eth0
	ip -n world addr add 203.0.113.10/32 dev lo
	ip -n world link set lo up
	ip -n world link set eth0 up
	ip route add default via 172.18.0.1
	# The rest of /proc/sys may be read-only in a container.
	echo 1 >/proc/sys/net/ipv4/ip_forward || return
	echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables || return
	podnet_pods >"$1/pods"
	while read -r name _ ip _; do
		ip netns add "$name"
		ip link add "v-$name" type veth peer name eth0 netns "$name"
		ip link set "v-$name" master cni0 up
		ip -n "$name" addr add "$ip/24" dev eth0
		ip -n "$name" addr add "fd00:10:244::${ip##*.}/64" dev eth0 nodad
		ip -n "$name" link set lo up
		ip -n "$name" link set eth0 up
		ip -n "$name" route add default via 10.244.0.1
	done <"$1/pods"
	podnet_rules | iptables-restore || return
	python3 "$here/live_net.py" cluster <"$1/pods" >"$1/cluster.json" || return
	python3 "$here/live_net.py" serve >"$1/servers" &
	for _ in $(seq 100); do
		grep -q ready "$1/servers" && return
		sleep 0.05
	done
	echo "the servers did not come up" >&2
	return 1
}
