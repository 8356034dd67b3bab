-- What only the workload's own object tells stays when a later cluster knows
-- the workload by its pods' owner references alone.
INSERT INTO workload (namespace, kind, name, api_version, has_object,
	has_selector, selector, labels, replicas, suspended)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (namespace, kind, name) DO UPDATE
SET api_version = iif(excluded.api_version = '', workload.api_version,
		excluded.api_version),
	has_object = max(workload.has_object, excluded.has_object),
	has_selector = iif(excluded.has_object, excluded.has_selector,
		max(workload.has_selector, excluded.has_selector)),
	selector = iif(excluded.has_object OR excluded.has_selector,
		excluded.selector, workload.selector),
	labels = iif(excluded.labels = '{}', workload.labels, excluded.labels),
	replicas = iif(excluded.replicas = -1, workload.replicas,
		excluded.replicas),
	suspended = iif(excluded.has_object, excluded.suspended,
		workload.suspended)
WHERE (workload.api_version, workload.has_object, workload.has_selector,
	workload.selector, workload.labels, workload.replicas,
	workload.suspended) IS NOT
	(excluded.api_version, excluded.has_object, excluded.has_selector,
	excluded.selector, excluded.labels, excluded.replicas,
	excluded.suspended);
