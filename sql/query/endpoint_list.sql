-- slow: the table is wanted whole, in the order of its ids
SELECT id, type, ip, pod, node, workload FROM endpoint ORDER BY id;
