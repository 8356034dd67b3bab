-- slow: the table is small and wanted whole
-- Pods without a controller are grouped anew by each cluster; a group that
-- has neither pods nor flows any more is history.
SELECT id, namespace, kind, name, api_version, has_object, has_selector,
	selector, labels, replicas, suspended
FROM workload
WHERE kind <> 'Pod' OR has_object
	OR EXISTS (SELECT 1 FROM pod WHERE pod.workload = workload.id)
	OR EXISTS (SELECT 1 FROM endpoint WHERE endpoint.workload = workload.id)
ORDER BY namespace, kind, name;
