-- SPDX-License-Identifier: Apache-2.0
-- How a database of schema 4 is read without being changed: nothing is open,
-- and nobody says how far a collector came.
CREATE TEMP TABLE open (
	id INTEGER PRIMARY KEY,
	connections INTEGER NOT NULL,
	first_us INTEGER NOT NULL,
	since_us INTEGER NOT NULL,
	content BLOB NOT NULL
) STRICT;

CREATE TEMP TABLE collector (
	id INTEGER PRIMARY KEY,
	written_us INTEGER NOT NULL,
	swept_us INTEGER NOT NULL
) STRICT;
