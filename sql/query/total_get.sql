SELECT sides, connections, packets, bytes, first_us, last_us, newest_us,
	newest_src_us, newest_dst_us
FROM flow_total
WHERE src = ?1 AND dst = ?2 AND seen_src = ?3 AND service = ?4
	AND service_port = ?5 AND port = ?6 AND protocol = ?7 AND outcome = ?8
	AND certainty = ?9;
