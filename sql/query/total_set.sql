UPDATE flow_total
SET sides = ?10, connections = ?11, packets = ?12, bytes = ?13, first_us = ?14,
	last_us = ?15
WHERE src = ?1 AND dst = ?2 AND seen_src = ?3 AND service = ?4
	AND service_port = ?5 AND port = ?6 AND protocol = ?7 AND outcome = ?8
	AND certainty = ?9;
