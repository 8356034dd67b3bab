UPDATE state SET rolled_us = ?1 WHERE id = 1;
