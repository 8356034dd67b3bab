-- slow: the table is wanted whole
SELECT ip, name, first_us, last_us FROM dns_name ORDER BY ip, name;
