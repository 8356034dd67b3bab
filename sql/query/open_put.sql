INSERT INTO open (id, connections, first_us, since_us, content)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (id) DO UPDATE
SET connections = excluded.connections,
	first_us = excluded.first_us,
	since_us = excluded.since_us,
	content = excluded.content;
