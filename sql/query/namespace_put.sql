-- An assumed namespace never replaces one whose object was seen.
INSERT INTO namespace (name, assumed, labels) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE
SET assumed = excluded.assumed, labels = excluded.labels
WHERE excluded.assumed <= namespace.assumed
	AND (namespace.assumed, namespace.labels)
		IS NOT (excluded.assumed, excluded.labels);
