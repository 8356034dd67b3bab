-- slow: once a day, every total says which Services stay
DELETE FROM service
WHERE id IN (SELECT id FROM missed WHERE kind = 1 AND since_us < ?1)
	AND id NOT IN (SELECT service FROM flow_total
		UNION SELECT service FROM flow
			WHERE window_us >= (SELECT rolled_us FROM state));
