-- The next window that has flows behind ?1, and not behind ?2.
SELECT window_us
FROM flow
WHERE window_us > ?1 AND window_us <= ?2
ORDER BY window_us
LIMIT 1;
