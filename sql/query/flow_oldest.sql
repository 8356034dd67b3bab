-- The oldest ?2 rows of windows before ?1, in the order of the key.
SELECT src, dst, seen_src, service, service_port, port, protocol, outcome,
	certainty, sides, connections, packets, bytes, first_us, last_us,
	window_us
FROM flow
WHERE window_us < ?1
ORDER BY window_us, src, dst, seen_src, service, service_port, port, protocol,
	outcome, certainty
LIMIT ?2;
