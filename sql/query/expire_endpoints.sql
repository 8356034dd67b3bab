-- slow: once an hour, every flow says which endpoints stay
DELETE FROM endpoint WHERE id NOT IN (
	SELECT src FROM flow UNION SELECT dst FROM flow
	UNION SELECT seen_src FROM flow);
