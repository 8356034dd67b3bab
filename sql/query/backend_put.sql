-- Two slices may name one backend: it is ready when one of them says so.
INSERT INTO backend (service, ip, port, protocol, port_name, pod, ready,
	current)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)
ON CONFLICT (service, ip, port, protocol, port_name) DO UPDATE
SET pod = coalesce(excluded.pod, backend.pod),
	ready = iif(backend.current, max(backend.ready, excluded.ready),
		excluded.ready),
	current = 1;
