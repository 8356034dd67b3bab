UPDATE backend SET current = 0 WHERE service = ?1 AND current;
