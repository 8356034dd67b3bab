SELECT id FROM workload WHERE namespace = ?1 AND kind = ?2 AND name = ?3;
