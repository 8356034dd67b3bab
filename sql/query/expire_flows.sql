DELETE FROM flow WHERE window_us < ?1;
