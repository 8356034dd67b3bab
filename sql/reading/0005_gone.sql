-- SPDX-License-Identifier: Apache-2.0
-- How a database of schema 5 is read without being changed: of no Service is
-- told when it was there, and nothing is missed.
CREATE TEMP TABLE service (
	id INTEGER PRIMARY KEY,
	namespace TEXT NOT NULL,
	name TEXT NOT NULL,
	type TEXT NOT NULL,
	external_traffic_policy TEXT NOT NULL,
	headless INTEGER NOT NULL,
	has_selector INTEGER NOT NULL,
	selector TEXT NOT NULL,
	labels TEXT NOT NULL,
	cluster_ips TEXT NOT NULL,
	lb_ips TEXT NOT NULL,
	ports TEXT NOT NULL,
	from_us INTEGER NOT NULL DEFAULT -9223372036854775808,
	to_us INTEGER NOT NULL DEFAULT 9223372036854775807,
	gone INTEGER NOT NULL DEFAULT 0,
	UNIQUE (namespace, name)
) STRICT;

INSERT INTO temp.service (id, namespace, name, type, external_traffic_policy,
	headless, has_selector, selector, labels, cluster_ips, lb_ips, ports)
SELECT id, namespace, name, type, external_traffic_policy, headless,
	has_selector, selector, labels, cluster_ips, lb_ips, ports
FROM main.service;

CREATE TEMP TABLE missed (
	kind INTEGER NOT NULL,
	id INTEGER NOT NULL,
	since_us INTEGER NOT NULL,
	PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
