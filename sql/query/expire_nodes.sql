-- slow: once a day, pods and endpoints say which nodes stay
DELETE FROM node
WHERE id IN (SELECT id FROM missed WHERE kind = 3 AND since_us < ?1)
	AND id NOT IN (SELECT node FROM pod WHERE node IS NOT NULL)
	AND id NOT IN (SELECT node FROM endpoint);
