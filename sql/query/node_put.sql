-- A pod may name a node whose object was not read: nothing replaces something.
INSERT INTO node (name, provider, labels, addrs, pod_cidrs)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (name) DO UPDATE
SET provider = iif(excluded.provider = '', node.provider, excluded.provider),
	labels = iif(excluded.labels = '{}', node.labels, excluded.labels),
	addrs = iif(excluded.addrs = '[]', node.addrs, excluded.addrs),
	pod_cidrs =
		iif(excluded.pod_cidrs = '[]', node.pod_cidrs, excluded.pod_cidrs)
WHERE (node.provider, node.labels, node.addrs, node.pod_cidrs) IS NOT
	(excluded.provider, excluded.labels, excluded.addrs, excluded.pod_cidrs);
