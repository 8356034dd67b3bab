-- SPDX-License-Identifier: Apache-2.0
-- How a database of schema 3 is read without being changed: nothing waits.
CREATE TEMP TABLE waiting (
	id INTEGER PRIMARY KEY,
	connections INTEGER NOT NULL,
	first_us INTEGER NOT NULL,
	since_us INTEGER NOT NULL,
	content BLOB NOT NULL
) STRICT;
