-- Counts of one start are cumulative: what is larger is newer.
INSERT INTO coverage (node, source, from_us, to_us, packets, dropped,
	truncated, malformed, unsupported, non_ip, icmp, ignored, fragments,
	table_full, unowned, known_us)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
	?16)
ON CONFLICT (node, source, from_us) DO UPDATE
SET to_us = max(to_us, excluded.to_us),
	packets = max(packets, excluded.packets),
	dropped = max(dropped, excluded.dropped),
	truncated = max(truncated, excluded.truncated),
	malformed = max(malformed, excluded.malformed),
	unsupported = max(unsupported, excluded.unsupported),
	non_ip = max(non_ip, excluded.non_ip),
	icmp = max(icmp, excluded.icmp),
	ignored = max(ignored, excluded.ignored),
	fragments = max(fragments, excluded.fragments),
	table_full = max(table_full, excluded.table_full),
	unowned = max(unowned, excluded.unowned),
	known_us = max(known_us, excluded.known_us);
