# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# podnet: pods out of network namespaces, for the live*.sh scripts, which source
# this within namespaces of their own. The caller's network is the node's.

# name app ip protocol/port,…; -: it only dials
podnet_pods() {
	cat <<-END
	dns-0 dns 10.244.0.2 UDP/53,TCP/53
	web-0 web 10.244.0.10 TCP/8080
	web-1 web 10.244.0.11 TCP/8080
	db-0 db 10.244.0.20 TCP/5432
	time-0 time 10.244.0.25 UDP/7123,UDP/8125
	client-0 client 10.244.0.30 -
	client-1 client 10.244.0.31 -
	client-2 client 10.244.0.32 -
	END
}

# As kube-proxy's iptables mode has them, abridged.
podnet_rules() {
	cat <<-END
	*nat
	-A PREROUTING -d 10.96.0.10/32 -p udp --dport 53 -j DNAT --to-destination 10.244.0.2:53
	-A PREROUTING -d 10.96.0.10/32 -p tcp --dport 53 -j DNAT --to-destination 10.244.0.2:53
	-A PREROUTING -d 10.96.0.50/32 -p tcp --dport 80 -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 10.244.0.10:8080
	-A PREROUTING -d 10.96.0.50/32 -p tcp --dport 80 -j DNAT --to-destination 10.244.0.11:8080
	-A PREROUTING -d 10.96.0.51/32 -p tcp --dport 5432 -j DNAT --to-destination 10.244.0.20:5432
	-A PREROUTING -d 10.96.0.55/32 -p udp --dport 123 -j DNAT --to-destination 10.244.0.25:7123
	-A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE --random-fully
	COMMIT
	*filter
	-A FORWARD -p tcp --dport 9999 -j DROP
	COMMIT
	END
}

podnet_rules6() {
	cat <<-END
	*nat
	-A PREROUTING -d fd00:10:96::50/128 -p tcp --dport 80 -j DNAT --to-destination [fd00:10:244::10]:8080
	COMMIT
	END
}

# One pod's wire: to the bridge, or to a link of its own with a gateway that
# answers for everybody (as Calico has it).
podnet_pod() { # CNI NAME IP
	local cni=$1 name=$2 ip=$3 ip6=fd00:10:244::${3##*.} gw=10.244.0.1
	local gw6=fd00:10:244::1 v=v-$2
	ip netns add "$name"
	ip link add "$v" type veth peer name eth0 netns "$name"
	ip -n "$name" link set lo up
	ip -n "$name" link set eth0 up
	ip link set "$v" up
	if [ "$cni" = bridge ]; then
		ip link set "$v" master cni0
		ip -n "$name" addr add "$ip/24" dev eth0
		ip -n "$name" addr add "$ip6/64" dev eth0 nodad
	else
		gw=169.254.1.1
		gw6=fe80::1
		echo 1 >"/proc/sys/net/ipv4/conf/$v/proxy_arp" || return
		ip addr add fe80::1/64 dev "$v" nodad
		ip route add "$ip/32" dev "$v"
		ip route add "$ip6/128" dev "$v"
		ip -n "$name" addr add "$ip/32" dev eth0
		ip -n "$name" addr add "$ip6/128" dev eth0 nodad
		ip -n "$name" route add "$gw/32" dev eth0
	fi
	ip -n "$name" route add default via "$gw" dev eth0
	ip -n "$name" route add default via "$gw6" dev eth0
}

# podnet_up DIR [bridge|ptp]: network, servers, DIR/cluster.json
podnet_up() {
	local dir=$1 cni=${2:-bridge} name ip
	mount -t tmpfs none /run && mkdir /run/netns || return
	ip link set lo up
	if [ "$cni" = bridge ]; then
		ip link add cni0 type bridge
		ip addr add 10.244.0.1/24 dev cni0
		ip addr add fd00:10:244::1/64 dev cni0 nodad
		ip link set cni0 up
		for name in iptables ip6tables; do
			echo 1 >/proc/sys/net/bridge/bridge-nf-call-$name ||
				return
		done
	fi
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
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding || return
	podnet_pods >"$dir/pods"
	while read -r name _ ip _; do
		podnet_pod "$cni" "$name" "$ip" || return
	done <"$dir/pods"
	podnet_rules | iptables-restore || return
	podnet_rules6 | ip6tables-restore || return
	python3 "$here/live_net.py" cluster <"$dir/pods" \
		>"$dir/cluster.json" || return
	ip netns exec dns-0 dnsmasq -k --conf-file=/dev/null --no-resolv \
		--no-hosts --user=root --pid-file= --bind-interfaces \
		--listen-address=10.244.0.2 --local=/cluster.local/ \
		--host-record=api.example.com,203.0.113.10 \
		--host-record=web.shop.svc.cluster.local,10.96.0.50 \
		>"$dir/dnsmasq" 2>&1 &
	python3 "$here/live_net.py" serve >"$dir/servers" &
	for _ in $(seq 100); do
		grep -q ready "$dir/servers" &&
			ip netns exec dns-0 grep -q ':0035 ' /proc/net/udp &&
			return
		sleep 0.05
	done
	echo "the servers did not come up" >&2
	return 1
}
