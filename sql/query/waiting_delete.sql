DELETE FROM waiting WHERE id = ?1;
