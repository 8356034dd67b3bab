INSERT INTO flow (window_us, src, dst, seen_src, service, service_port, port,
	protocol, outcome, certainty, sides, connections, packets, bytes,
	first_us, last_us)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
ON CONFLICT DO UPDATE
SET sides = sides | excluded.sides,
	connections = connections + excluded.connections,
	packets = packets + excluded.packets,
	bytes = bytes + excluded.bytes,
	first_us = min(first_us, excluded.first_us),
	last_us = max(last_us, excluded.last_us);
