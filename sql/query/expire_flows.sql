-- Up to the row with this key, and it too.
DELETE FROM flow
WHERE (window_us, src, dst, seen_src, service, service_port, port, protocol,
	outcome, certainty) <= (?10, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);
