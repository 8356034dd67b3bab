-- SPDX-License-Identifier: Apache-2.0
-- When a Service was there: two may have had one address, one after the other.
ALTER TABLE service ADD COLUMN
	from_us INTEGER NOT NULL DEFAULT -9223372036854775808;
ALTER TABLE service ADD COLUMN
	to_us INTEGER NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE service ADD COLUMN
	gone INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1));

-- What a collector that forgets did not find in its cluster any more: how long
-- it is gone, at least.
CREATE TABLE missed (
	kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3), -- store/expire.c
	id INTEGER NOT NULL, -- of a service, workload or node
	since_us INTEGER NOT NULL,
	PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
