DELETE FROM missed WHERE kind = ?1 AND id = ?2;
