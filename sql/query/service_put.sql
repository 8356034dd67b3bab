INSERT INTO service (namespace, name, type, external_traffic_policy, headless,
	has_selector, selector, labels, cluster_ips, lb_ips, ports, from_us,
	to_us, gone)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
ON CONFLICT (namespace, name) DO UPDATE
SET type = excluded.type,
	external_traffic_policy = excluded.external_traffic_policy,
	headless = excluded.headless,
	has_selector = excluded.has_selector,
	selector = excluded.selector,
	labels = excluded.labels,
	cluster_ips = excluded.cluster_ips,
	lb_ips = excluded.lb_ips,
	ports = excluded.ports,
	from_us = iif(excluded.from_us = -9223372036854775808,
		service.from_us, excluded.from_us),
	to_us = excluded.to_us,
	gone = excluded.gone
WHERE (service.type, service.external_traffic_policy, service.headless,
	service.has_selector, service.selector, service.labels,
	service.cluster_ips, service.lb_ips, service.ports, service.from_us,
	service.to_us, service.gone) IS NOT
	(excluded.type, excluded.external_traffic_policy, excluded.headless,
	excluded.has_selector, excluded.selector, excluded.labels,
	excluded.cluster_ips, excluded.lb_ips, excluded.ports,
	excluded.from_us, excluded.to_us, excluded.gone);
