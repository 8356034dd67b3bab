-- One that is new, as pod_add.sql.
INSERT INTO backend (service, ip, port, protocol, port_name, pod, ready,
	current)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)
ON CONFLICT (service, ip, port, protocol, port_name) DO NOTHING;
