-- The newest window that begins at ?1 or before.
SELECT coalesce(max(window_us), -9223372036854775808)
FROM flow
WHERE window_us <= ?1;
