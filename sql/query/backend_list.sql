-- slow: the table is wanted whole
SELECT backend.service, backend.ip, backend.port, backend.protocol,
	backend.port_name, backend.pod, backend.ready AND backend.current
FROM service JOIN backend ON backend.service = service.id
ORDER BY service.namespace, service.name, backend.ip, backend.port,
	backend.protocol, backend.port_name;
