-- SPDX-License-Identifier: Apache-2.0
-- What a live collector leaves to the next one.

-- Connections that it has open: those that nothing is told of yet, as attempts
-- without an answer, and those that are in the flows and go on, which must not
-- be counted again. The former are part of no sum. Each is in one of flow,
-- waiting and this.
CREATE TABLE open (
	id INTEGER PRIMARY KEY,
	connections INTEGER NOT NULL CHECK (connections >= 0), -- not told: 1
	first_us INTEGER NOT NULL, -- it began, or was last told of
	since_us INTEGER NOT NULL, -- a packet of it was last seen
	-- Who had its addresses as far as was known when this was written, and
	-- what was seen of it (collector/daemon_open.c, collector/flow_saved.c).
	content BLOB NOT NULL
) STRICT;

-- In one row: how far it came.
CREATE TABLE collector (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	written_us INTEGER NOT NULL, -- its last transaction, by its clock
	-- What is of before then was looked for, and forgotten, also where no
	-- flow spoke of it any more.
	swept_us INTEGER NOT NULL
) STRICT;
INSERT INTO collector VALUES (1, -9223372036854775808, -9223372036854775808);
