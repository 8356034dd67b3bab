-- Windows from ?1 to ?2 can hold what was seen at or after ?3 and before ?4.
SELECT src, dst, seen_src, service, service_port, port, protocol, outcome,
	certainty, sides, connections, packets, bytes, first_us, last_us
FROM flow
WHERE window_us BETWEEN ?1 AND ?2 AND last_us >= ?3 AND first_us <= ?4;
