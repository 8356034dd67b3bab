-- What is not there cannot be missed.
DELETE FROM missed
WHERE (kind = 1 AND id NOT IN (SELECT id FROM service))
	OR (kind = 2 AND id NOT IN (SELECT id FROM workload))
	OR (kind = 3 AND id NOT IN (SELECT id FROM node));
