-- All of a kind; missed_delete.sql takes out what was found.
-- slow: once a day, and the tables are small
INSERT INTO missed (kind, id, since_us)
SELECT kind, id, ?2
FROM (SELECT 1 AS kind, id FROM service
	UNION ALL SELECT 2, id FROM workload
	UNION ALL SELECT 3, id FROM node)
WHERE kind = ?1
ON CONFLICT (kind, id) DO NOTHING;
