-- SPDX-License-Identifier: Apache-2.0
-- How a database of schema 2 is read without being changed: its coverage, as it
-- is when the database is opened, with nothing unowned. No view, as statements
-- that write are prepared with the others, and none can be for one.

CREATE TEMP TABLE coverage (
	node TEXT NOT NULL,
	source TEXT NOT NULL,
	from_us INTEGER NOT NULL,
	to_us INTEGER NOT NULL,
	packets INTEGER NOT NULL,
	dropped INTEGER NOT NULL,
	truncated INTEGER NOT NULL,
	malformed INTEGER NOT NULL,
	unsupported INTEGER NOT NULL,
	non_ip INTEGER NOT NULL,
	icmp INTEGER NOT NULL,
	ignored INTEGER NOT NULL,
	fragments INTEGER NOT NULL,
	table_full INTEGER NOT NULL,
	unowned INTEGER NOT NULL DEFAULT 0,
	known_us INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (node, source, from_us)
) STRICT, WITHOUT ROWID;

INSERT INTO temp.coverage (node, source, from_us, to_us, packets, dropped,
	truncated, malformed, unsupported, non_ip, icmp, ignored, fragments,
	table_full)
SELECT node, source, from_us, to_us, packets, dropped, truncated, malformed,
	unsupported, non_ip, icmp, ignored, fragments, table_full
FROM main.coverage;
