INSERT INTO service (namespace, name, type, external_traffic_policy, headless,
	has_selector, selector, labels, cluster_ips, lb_ips, ports)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (namespace, name) DO UPDATE
SET type = excluded.type,
	external_traffic_policy = excluded.external_traffic_policy,
	headless = excluded.headless,
	has_selector = excluded.has_selector,
	selector = excluded.selector,
	labels = excluded.labels,
	cluster_ips = excluded.cluster_ips,
	lb_ips = excluded.lb_ips,
	ports = excluded.ports
WHERE (service.type, service.external_traffic_policy, service.headless,
	service.has_selector, service.selector, service.labels,
	service.cluster_ips, service.lb_ips, service.ports) IS NOT
	(excluded.type, excluded.external_traffic_policy, excluded.headless,
	excluded.has_selector, excluded.selector, excluded.labels,
	excluded.cluster_ips, excluded.lb_ips, excluded.ports);
