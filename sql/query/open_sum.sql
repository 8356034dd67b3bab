-- slow: once with all flows, and the table is small
SELECT coalesce(sum(connections), 0) FROM open;
