-- Pods that ended and that nothing speaks of any more.
-- slow: once a day
DELETE FROM pod
WHERE to_us < ?1 AND id NOT IN (SELECT pod FROM endpoint)
	AND id NOT IN (SELECT pod FROM backend WHERE pod IS NOT NULL);
