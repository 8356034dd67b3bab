-- SPDX-License-Identifier: Apache-2.0
-- Coverage also tells of how many connections the ends are unknown because the
-- cluster was not watched at their time, and until when it was; 0: the objects
-- are those of a snapshot.
ALTER TABLE coverage ADD COLUMN
	unowned INTEGER NOT NULL DEFAULT 0 CHECK (unowned >= 0);
ALTER TABLE coverage ADD COLUMN known_us INTEGER NOT NULL DEFAULT 0;
