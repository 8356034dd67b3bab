-- A uid lives once: who has ended stays so, whatever an older snapshot says.
-- Addresses stay when the status of a finished pod no longer has them.
INSERT INTO pod (namespace, name, uid, workload, node, labels, phase,
	host_network, deleted, ips, host_ips, ports, from_us, to_us)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
ON CONFLICT (namespace, name, uid) DO UPDATE
SET workload = excluded.workload,
	node = coalesce(excluded.node, pod.node),
	labels = excluded.labels,
	phase = iif(pod.phase IN (2, 3) AND excluded.phase NOT IN (2, 3)
		AND pod.uid <> '', pod.phase, excluded.phase),
	host_network = excluded.host_network,
	deleted = iif(pod.uid = '', excluded.deleted,
		max(pod.deleted, excluded.deleted)),
	ips = iif(excluded.ips = '[]', pod.ips, excluded.ips),
	host_ips = iif(excluded.host_ips = '[]', pod.host_ips,
		excluded.host_ips),
	ports = excluded.ports,
	from_us = min(pod.from_us, excluded.from_us),
	to_us = CASE
		WHEN pod.to_us = 9223372036854775807 THEN excluded.to_us
		WHEN excluded.to_us = 9223372036854775807 THEN pod.to_us
		ELSE max(pod.to_us, excluded.to_us)
	END
WHERE (pod.workload, pod.node, pod.labels, pod.phase, pod.host_network,
	pod.deleted, pod.ips, pod.host_ips, pod.ports, pod.from_us, pod.to_us)
	IS NOT (excluded.workload, excluded.node, excluded.labels,
	excluded.phase, excluded.host_network, excluded.deleted, excluded.ips,
	excluded.host_ips, excluded.ports, excluded.from_us, excluded.to_us);
