-- slow: once an hour, and the table is small
DELETE FROM dns_name WHERE last_us < ?1;
