SELECT id FROM pod WHERE namespace = ?1 AND name = ?2 AND uid = ?3;
