-- slow: once a day, every total says which endpoints stay
DELETE FROM endpoint WHERE id NOT IN (
	SELECT src FROM flow_total UNION SELECT dst FROM flow_total
	UNION SELECT seen_src FROM flow_total
	UNION SELECT src FROM flow
		WHERE window_us >= (SELECT rolled_us FROM state)
	UNION SELECT dst FROM flow
		WHERE window_us >= (SELECT rolled_us FROM state)
	UNION SELECT seen_src FROM flow
		WHERE window_us >= (SELECT rolled_us FROM state));
