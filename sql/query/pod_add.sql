-- One that is new; pod_put.sql is for others. Of a statement that may change a
-- row's references SQLite keeps the pages as they were, this one spares that.
INSERT INTO pod (namespace, name, uid, workload, node, labels, phase,
	host_network, deleted, ips, host_ips, ports, from_us, to_us)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
ON CONFLICT (namespace, name, uid) DO NOTHING;
