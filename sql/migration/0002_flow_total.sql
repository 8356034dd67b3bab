-- SPDX-License-Identifier: Apache-2.0
-- Flows added up over windows, kept by whoever writes flows, so that reading
-- them costs what there is to say and not how long it was watched.

-- Windows before this one are in flow_total, each row of them exactly once;
-- those from it on (mostly the one that still fills) are to be added.
ALTER TABLE state ADD COLUMN
	rolled_us INTEGER NOT NULL DEFAULT -9223372036854775808;

-- The key is that of flow without its window, in the same order.
CREATE TABLE flow_total (
	src INTEGER NOT NULL,
	dst INTEGER NOT NULL,
	seen_src INTEGER NOT NULL,
	service INTEGER NOT NULL,
	service_port INTEGER NOT NULL,
	port INTEGER NOT NULL,
	protocol INTEGER NOT NULL,
	outcome INTEGER NOT NULL,
	certainty INTEGER NOT NULL,
	sides INTEGER NOT NULL,
	connections INTEGER NOT NULL CHECK (connections >= 0),
	packets INTEGER NOT NULL CHECK (packets >= 0),
	bytes INTEGER NOT NULL CHECK (bytes >= 0),
	first_us INTEGER NOT NULL,
	last_us INTEGER NOT NULL,
	-- The newest window of all, and of those seen from the source's and
	-- from the destination's side (without the bit in sides: no meaning).
	-- Windows go from the oldest on: one that goes and is the newest was
	-- the last.
	newest_us INTEGER NOT NULL,
	newest_src_us INTEGER NOT NULL,
	newest_dst_us INTEGER NOT NULL,
	PRIMARY KEY (src, dst, seen_src, service, service_port, port, protocol,
	    outcome, certainty)
) STRICT, WITHOUT ROWID;

-- What was written before there were totals: all but the newest window.
UPDATE state SET rolled_us = (SELECT max(window_us) FROM flow)
WHERE EXISTS (SELECT 1 FROM flow);
INSERT INTO flow_total
SELECT src, dst, seen_src, service, service_port, port, protocol, outcome,
	certainty, sides, connections, packets, bytes, first_us, last_us,
	window_us,
	iif(sides & 1, window_us, -9223372036854775808),
	iif(sides & 2, window_us, -9223372036854775808)
FROM flow
WHERE window_us < (SELECT rolled_us FROM state)
ON CONFLICT DO UPDATE
SET sides = sides | excluded.sides,
	connections = connections + excluded.connections,
	packets = packets + excluded.packets,
	bytes = bytes + excluded.bytes,
	first_us = min(first_us, excluded.first_us),
	last_us = max(last_us, excluded.last_us),
	newest_us = max(newest_us, excluded.newest_us),
	newest_src_us = max(newest_src_us, excluded.newest_src_us),
	newest_dst_us = max(newest_dst_us, excluded.newest_dst_us);
