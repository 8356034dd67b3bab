#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests/e2e/live_nodes.sh RINGFENCE
# Two nodes, their pods on bridges and VXLAN between them, with kube-proxy's
# marks and masquerading for a NodePort, and a collector on each. A pod comes in
# by its own node's port and by the other's, so that it is passed on and back;
# so does a client outside. Merged, each connection is there as policies see it,
# and under the recommended ones, put in force on each node for its own pods, all
# of it runs again. Takes about eight seconds.
set -u
. "$(dirname "$0")/live_lib.bash"
live_enter 400 "$@"
py=$here/live_nodes.py

# node NUMBER ADDRESS: with its bridge; the wire to it hangs on lan's
node() {
	local name=node-$1
	ip netns add "$name"
	ip -n lan -batch - <<-END || return
	link add n$1 type veth peer name eth0 netns $name
	link set n$1 master br0
	link set n$1 up
	END
	ip -n "$name" -batch - <<-END || return
	link set lo up
	addr add $2/24 dev eth0
	link set eth0 up
	route add default via 172.18.0.1
	link add cni0 type bridge
	addr add 10.244.$1.1/24 dev cni0
	link set cni0 up
	link add flannel.1 address 02:00:00:00:00:0$1 type vxlan id 1 local $2 dev eth0 dstport 8472 nolearning
	addr add 10.244.$1.0/32 dev flannel.1
	link set flannel.1 up
	END
	ip netns exec "$name" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables' || return
	ip netns exec "$name" iptables-restore <<-END
	*nat
	:WEB - [0:0]
	:NODEPORT - [0:0]
	-A PREROUTING -d 10.96.0.50/32 -p tcp --dport 80 -j WEB
	-A PREROUTING -d $2/32 -p tcp --dport 30080 -j NODEPORT
	-A NODEPORT -j MARK --or-mark 0x4000
	-A NODEPORT -j WEB
	-A WEB -p tcp -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 10.244.1.20:8080
	-A WEB -p tcp -j DNAT --to-destination 10.244.2.20:8080
	-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE --random-fully
	-A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE --random-fully
	COMMIT
	END
}

# peer NUMBER NUMBER ADDRESS: how the one reaches the pods of the other
peer() {
	ip -n "node-$1" -batch - <<-END || return
	route add 10.244.$2.0/24 via 10.244.$2.0 dev flannel.1 onlink
	neigh add 10.244.$2.0 lladdr 02:00:00:00:00:0$2 dev flannel.1 nud permanent
	END
	bridge -n "node-$1" fdb add "02:00:00:00:00:0$2" dev flannel.1 dst "$3"
}

pod() { # NAME NODE IP
	ip netns add "$1"
	ip -n "$2" -batch - <<-END || return
	link add v-$1 type veth peer name eth0 netns $1
	link set v-$1 master cni0
	link set v-$1 up
	END
	ip -n "$1" -batch - <<-END
	link set lo up
	link set eth0 mtu 1450 up
	addr add $3/24 dev eth0
	route add default via ${3%.*}.1
	END
}

up() {
	mount -t tmpfs none /run && mkdir /run/netns && ip netns add lan &&
		ip netns add world && ip -n lan -batch - <<-END || return
	link set lo up
	link add br0 type bridge
	link set br0 up
	link add world type veth peer name eth0 netns world
	link set world master br0
	link set world up
	END
	ip -n world -batch - <<-END || return
	link set lo up
	addr add 172.18.0.1/24 dev eth0
	addr add 203.0.113.10/32 dev lo
	link set eth0 up
	route add 172.18.0.2/31 dev eth0 src 203.0.113.10
	END
	node 1 172.18.0.2 && node 2 172.18.0.3 && peer 1 2 172.18.0.3 &&
		peer 2 1 172.18.0.2 && pod client-0 node-1 10.244.1.10 &&
		pod web-0 node-1 10.244.1.20 && pod web-1 node-2 10.244.2.20 ||
		return
	python3 "$py" objects >"$dir/cluster.json" || return
	python3 "$py" serve >"$dir/servers" &
	wait_for grep -q ready "$dir/servers"
}

# watch NUMBER: the collector of a node; its pid is added to $collectors
watch() {
	ip netns exec "node-$1" "$rf" collect -i any --census 0 --interval 1s \
		--snapshot "$dir/cluster.json" --node "node-$1" \
		--db "$dir/$1.db" >"$dir/out.$1" 2>"$dir/err.$1" &
	collectors="$collectors $!"
}

up || { echo "not ok network"; echo "0 passed, 1 failed"; exit 1; }
collectors=
watch 1
watch 2
for number in 1 2; do
	wait_for grep -qs capturing "$dir/err.$number" ||
		cat "$dir/err.$number"
done
python3 "$py" traffic
result $? "traffic ran"
rc=0
for pid in $collectors; do
	kill -TERM "$pid"
	wait "$pid" || rc=1
done
"$rf" merge -o "$dir/all.db" "$dir/1.db" "$dir/2.db" >/dev/null 2>"$dir/err" ||
	rc=1
result $rc "two databases become one"
python3 "$py" check "$dir/all.db" "$rf"
result $? "each connection once, as the policies of each node see it"
"$rf" recommend --db "$dir/all.db" -A -o "$dir/policies" >/dev/null \
	2>"$dir/err"
"$rf" audit --db "$dir/all.db" -R -f "$dir/policies" >"$dir/audit"
[ $? -eq 0 ] && grep -q ' 0 would be dropped' "$dir/audit" &&
	grep -q ' 0 unknown' "$dir/audit" && ! grep -q 'under 0 pol' "$dir/audit"
result $? "the policies allow what ran"
for name in node-1 node-2; do
	python3 "$here/live_enforce.py" "$dir/policies" "$dir/cluster.json" 4 \
		"$name" >"$dir/rules" &&
		ip netns exec $name iptables-restore -n <"$dir/rules"
done
result $? "they are in force"
python3 "$py" traffic
result $? "all of it runs again"
python3 "$py" unseen
result $? "what was never seen does not"
live_end
