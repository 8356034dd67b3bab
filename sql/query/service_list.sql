-- slow: the table is small and wanted whole
SELECT id, namespace, name, type, external_traffic_policy, headless,
	has_selector, selector, labels, cluster_ips, lb_ips, ports,
	from_us, to_us, gone
FROM service
ORDER BY namespace, name;
