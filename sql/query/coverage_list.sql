-- slow: the table is small and its key is no time
SELECT node, source, from_us, to_us, packets, dropped, truncated, malformed,
	unsupported, non_ip, icmp, ignored, fragments, table_full, unowned,
	known_us
FROM coverage
WHERE to_us >= ?1 AND from_us <= ?2
ORDER BY node, source, from_us;
