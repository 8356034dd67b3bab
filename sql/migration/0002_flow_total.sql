-- SPDX-License-Identifier: Apache-2.0
-- Flows added up over windows, kept by whoever writes flows, so that reading
-- them costs what there is to say and not how long it was watched.

-- Windows before this one are in flow_total, each row of them exactly once;
-- those from it on (mostly the one that still fills) are to be added. What was
-- written before there were totals is added by and by (total_roll): all at
-- once, ten million rows would keep a collector from starting for a minute.
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
