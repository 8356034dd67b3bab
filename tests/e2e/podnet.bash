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

# The pods' wires: to the bridge, or to links of their own with a gateway that
# answers for everybody (as Calico has it). Batches of ip(8)'s, as a process for
# each line takes seconds.
podnet_wires() { # CNI DIR
	local cni=$1 name ip v ip6
	: >"$2/batch"
	while read -r name _ ip _; do
		v=v-$name ip6=fd00:10:244::${ip##*.}
		ip netns add "$name" || return
		echo "link add $v type veth peer name eth0 netns $name"
		echo "link set $v up"
		if [ "$cni" = bridge ]; then
			echo "link set $v master cni0"
		else
			echo "addr add fe80::1/64 dev $v nodad"
			echo "route add $ip/32 dev $v"
			echo "route add $ip6/128 dev $v"
		fi
	done <"$2/pods" >>"$2/batch"
	ip -batch "$2/batch" || return
	while read -r name _ ip _; do
		podnet_inside "$cni" "$ip" | ip -n "$name" -batch - || return
		[ "$cni" = bridge ] ||
			echo 1 >"/proc/sys/net/ipv4/conf/v-$name/proxy_arp" ||
			return
	done <"$2/pods"
}

podnet_inside() { # CNI IP
	local ip6=fd00:10:244::${2##*.}
	printf '%s\n' "link set lo up" "link set eth0 up"
	if [ "$1" = bridge ]; then
		printf '%s\n' "addr add $2/24 dev eth0" \
			"addr add $ip6/64 dev eth0 nodad" \
			"route add default via 10.244.0.1" \
			"route add default via fd00:10:244::1"
	else
		printf '%s\n' "addr add $2/32 dev eth0" \
			"addr add $ip6/128 dev eth0 nodad" \
			"route add 169.254.1.1/32 dev eth0" \
			"route add default via 169.254.1.1 dev eth0" \
			"route add default via fe80::1 dev eth0"
	fi
}

# podnet_up DIR [bridge|ptp]: network, servers, DIR/cluster.json
podnet_up() {
	local dir=$1 cni=${2:-bridge} name
	mount -t tmpfs none /run && mkdir /run/netns || return
	ip link set lo up
	if [ "$cni" = bridge ]; then
		ip -batch - <<-END || return
		link add cni0 type bridge
		addr add 10.244.0.1/24 dev cni0
		addr add fd00:10:244::1/64 dev cni0 nodad
		link set cni0 up
		END
		for name in iptables ip6tables; do
			echo 1 >/proc/sys/net/bridge/bridge-nf-call-$name ||
				return
		done
	fi
	ip netns add world
	ip -batch - <<-END || return
	link add eth0 type veth peer name eth0 netns world
	addr add 172.18.0.2/24 dev eth0
	link set eth0 up
	END
	ip -n world -batch - <<-END || return
	addr add 172.18.0.1/24 dev eth0
	addr add 203.0.113.10/32 dev lo
	link set lo up
	link set eth0 up
	END
	ip route add default via 172.18.0.1
	# The rest of /proc/sys may be read-only in a container.
	echo 1 >/proc/sys/net/ipv4/ip_forward || return
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding || return
	podnet_pods >"$dir/pods"
	podnet_wires "$cni" "$dir" || return
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
	for _ in $(seq 400); do
		grep -q ready "$dir/servers" &&
			ip netns exec dns-0 grep -q ':0035 ' /proc/net/udp &&
			return
		sleep 0.05
	done
	echo "the servers did not come up" >&2
	return 1
}
