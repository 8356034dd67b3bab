INSERT INTO policy (namespace, name, json) VALUES (?1, ?2, ?3)
ON CONFLICT (namespace, name) DO UPDATE SET json = excluded.json;
