SELECT id FROM service WHERE namespace = ?1 AND name = ?2;
