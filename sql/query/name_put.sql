INSERT INTO dns_name (ip, name, first_us, last_us) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (ip, name) DO UPDATE
SET first_us = min(first_us, excluded.first_us),
	last_us = max(last_us, excluded.last_us)
WHERE excluded.first_us < first_us OR excluded.last_us > last_us;
