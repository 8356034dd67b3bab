-- What flow_add adds to a window that is in the totals; values as there.
INSERT INTO flow_total
VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?1,
	iif(?11 & 1, ?1, -9223372036854775808),
	iif(?11 & 2, ?1, -9223372036854775808))
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
