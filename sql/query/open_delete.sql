DELETE FROM open WHERE id = ?1;
