-- slow: once a day, and the table is small
DELETE FROM coverage WHERE to_us < ?1;
