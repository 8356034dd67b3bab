-- slow: once a day
DELETE FROM dns_name WHERE last_us < ?1;
