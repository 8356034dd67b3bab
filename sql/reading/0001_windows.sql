-- SPDX-License-Identifier: Apache-2.0
-- How a database of schema 1 is read without being changed: no window of it is
-- in the totals, so every flow is added up from its windows.

CREATE TEMP TABLE flow_total (
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
	connections INTEGER NOT NULL,
	packets INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	first_us INTEGER NOT NULL,
	last_us INTEGER NOT NULL,
	newest_us INTEGER NOT NULL,
	newest_src_us INTEGER NOT NULL,
	newest_dst_us INTEGER NOT NULL,
	PRIMARY KEY (src, dst, seen_src, service, service_port, port, protocol,
	    outcome, certainty)
) STRICT, WITHOUT ROWID;

CREATE TEMP VIEW state AS
SELECT id, has_policies, lead_us, span_us,
	-9223372036854775808 AS rolled_us
FROM main.state;

-- Statements that write are prepared with the others; none of them is run.
CREATE TEMP TRIGGER state_is_read INSTEAD OF UPDATE ON state
BEGIN
	SELECT raise(ABORT, 'a database of an older schema is only read');
END;
