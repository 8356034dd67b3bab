-- Other labels make another identity, and other addresses are held from another
-- time on: flows of before keep the ones they had.
UPDATE pod
SET uid = uid || '~' || id,
	deleted = 1,
	to_us = min(to_us, max(from_us, ?5))
WHERE namespace = ?1 AND name = ?2 AND uid = ?3 AND uid <> ''
	AND (labels <> ?4 OR (ips <> '[]' AND ?6 <> '[]' AND ips <> ?6));
