INSERT INTO source (digest, packets, name, collected_us)
VALUES (?1, ?2, ?3, ?4);
