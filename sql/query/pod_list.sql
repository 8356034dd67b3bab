-- slow: the table is wanted whole
SELECT id, namespace, name, uid, workload, node, labels, phase, host_network,
	deleted, ips, host_ips, ports, from_us, to_us
FROM pod
ORDER BY namespace, name, uid;
