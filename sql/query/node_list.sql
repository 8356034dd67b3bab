-- slow: the table is small and wanted whole
SELECT id, name, provider, labels, addrs, pod_cidrs FROM node ORDER BY name;
