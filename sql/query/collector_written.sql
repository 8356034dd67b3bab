UPDATE collector SET written_us = ?1 WHERE id = 1;
