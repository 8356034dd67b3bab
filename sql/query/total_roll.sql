-- Windows from ?1 on and before ?2 into the totals.
INSERT INTO flow_total
SELECT src, dst, seen_src, service, service_port, port, protocol, outcome,
	certainty, sides, connections, packets, bytes, first_us, last_us,
	window_us,
	iif(sides & 1, window_us, -9223372036854775808),
	iif(sides & 2, window_us, -9223372036854775808)
FROM flow
WHERE window_us >= ?1 AND window_us < ?2
ON CONFLICT DO UPDATE
SET sides = sides | excluded.sides,
	connections = connections + excluded.connections,
	packets = packets + excluded.packets,
	bytes = bytes + excluded.bytes,
	first_us = min(first_us, excluded.first_us),
	last_us = max(last_us, excluded.last_us),
	newest_us = max(newest_us, excluded.newest_us),
	newest_src_us = max(newest_src_us, excluded.newest_src_us),
	newest_dst_us = max(newest_dst_us, excluded.newest_dst_us);
