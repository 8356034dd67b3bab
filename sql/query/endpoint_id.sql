SELECT id FROM endpoint
WHERE type = ?1 AND ip = ?2 AND pod = ?3 AND node = ?4 AND workload = ?5;
