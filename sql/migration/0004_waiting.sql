-- SPDX-License-Identifier: Apache-2.0
-- Connections whose ends are not known yet, which a collector that follows an
-- API server keeps until it knows. They are part of no sum. Here they outlive
-- the collector: the next one takes them up again.
CREATE TABLE waiting (
	id INTEGER PRIMARY KEY, -- in the order in which they came
	connections INTEGER NOT NULL CHECK (connections >= 0),
	first_us INTEGER NOT NULL, -- the first of them began
	since_us INTEGER NOT NULL, -- it waits since then
	-- What was seen of them, and who had their addresses as far as was
	-- known when this was written (collector/waiting_row.c).
	content BLOB NOT NULL
) STRICT;
