-- slow: once at the start of a collector, and all of it is wanted
SELECT id, connections, first_us, since_us, content FROM open ORDER BY id;
