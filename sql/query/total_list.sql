-- slow: all of them are asked for; columns as flow_list
SELECT src, dst, seen_src, service, service_port, port, protocol, outcome,
	certainty, sides, connections, packets, bytes, first_us, last_us
FROM flow_total;
