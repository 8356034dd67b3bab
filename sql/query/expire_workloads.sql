DELETE FROM workload
WHERE id IN (SELECT id FROM missed WHERE kind = 2 AND since_us < ?1)
	AND id NOT IN (SELECT workload FROM pod)
	AND id NOT IN (SELECT workload FROM endpoint);
