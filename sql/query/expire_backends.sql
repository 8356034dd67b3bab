-- slow: once a day, and the table is small
DELETE FROM backend
WHERE current = 0 AND pod IN (SELECT id FROM pod WHERE to_us < ?1);
