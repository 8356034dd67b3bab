INSERT INTO endpoint (type, ip, pod, node, workload)
VALUES (?1, ?2, ?3, ?4, ?5);
