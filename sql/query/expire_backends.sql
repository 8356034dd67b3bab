-- slow: once a day, and the table is small
DELETE FROM backend
WHERE (current = 0 AND pod IN (SELECT id FROM pod WHERE to_us < ?1))
	OR service IN (SELECT id FROM missed WHERE kind = 1 AND since_us < ?1);
