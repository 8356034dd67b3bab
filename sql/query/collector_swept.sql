UPDATE collector SET swept_us = ?1 WHERE id = 1;
