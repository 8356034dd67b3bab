-- SPDX-License-Identifier: Apache-2.0
-- Times are microseconds since the epoch; INT64_MIN is "since ever" and
-- INT64_MAX "still". Addresses that are keys are 16 bytes, IPv4 mapped
-- (::ffff:a.b.c.d). JSON columns are read back whole; a key is in no row that
-- a query searches for. An id of 0 is "none" where a key cannot hold NULL.
PRAGMA application_id = 1380338775; -- "RFLW"

-- What is known of the whole, in one row.
CREATE TABLE state (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	-- NetworkPolicies were among what was read, even if there were none.
	has_policies INTEGER NOT NULL CHECK (has_policies IN (0, 1)),
	-- Over all flows, the most by which first_us lies before its window's
	-- start, and last_us behind it: bounds the windows of a time range.
	lead_us INTEGER NOT NULL CHECK (lead_us >= 0),
	span_us INTEGER NOT NULL CHECK (span_us >= 0)
) STRICT;
INSERT INTO state VALUES (1, 0, 0, 0);

CREATE TABLE namespace (
	name TEXT NOT NULL PRIMARY KEY,
	-- No Namespace object was ever seen. One that was is never forgotten.
	assumed INTEGER NOT NULL CHECK (assumed IN (0, 1)),
	labels TEXT NOT NULL CHECK (json_valid(labels)) -- {key: value}
) STRICT, WITHOUT ROWID;

CREATE TABLE node (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	provider TEXT NOT NULL, -- spec.providerID up to "://"
	labels TEXT NOT NULL CHECK (json_valid(labels)),
	addrs TEXT NOT NULL CHECK (json_valid(addrs)), -- ["192.0.2.1", ...]
	pod_cidrs TEXT NOT NULL CHECK (json_valid(pod_cidrs))
) STRICT;

CREATE TABLE workload (
	id INTEGER PRIMARY KEY,
	namespace TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	api_version TEXT NOT NULL, -- '': no object or reference gave it
	has_object INTEGER NOT NULL CHECK (has_object IN (0, 1)),
	has_selector INTEGER NOT NULL CHECK (has_selector IN (0, 1)),
	selector TEXT NOT NULL CHECK (json_valid(selector)),
	-- Stable labels that all its pods had in common when last put.
	labels TEXT NOT NULL CHECK (json_valid(labels)),
	replicas INTEGER NOT NULL CHECK (replicas >= -1), -- -1: unknown
	suspended INTEGER NOT NULL CHECK (suspended IN (0, 1)),
	UNIQUE (namespace, kind, name)
) STRICT;

CREATE TABLE pod (
	id INTEGER PRIMARY KEY,
	namespace TEXT NOT NULL REFERENCES namespace (name),
	name TEXT NOT NULL,
	uid TEXT NOT NULL, -- '': not given; then the name is the identity
	workload INTEGER NOT NULL REFERENCES workload (id),
	node INTEGER REFERENCES node (id), -- NULL: not scheduled or unknown
	labels TEXT NOT NULL CHECK (json_valid(labels)),
	phase INTEGER NOT NULL CHECK (phase BETWEEN 0 AND 4), -- pod_phase
	host_network INTEGER NOT NULL CHECK (host_network IN (0, 1)),
	deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
	ips TEXT NOT NULL CHECK (json_valid(ips)),
	host_ips TEXT NOT NULL CHECK (json_valid(host_ips)),
	ports TEXT NOT NULL CHECK (json_valid(ports)),
	-- When it held its addresses: [from_us, to_us). Widens; an end that
	-- is known is never forgotten.
	from_us INTEGER NOT NULL,
	to_us INTEGER NOT NULL,
	UNIQUE (namespace, name, uid)
) STRICT;
CREATE INDEX pod_workload ON pod (workload);

CREATE TABLE service (
	id INTEGER PRIMARY KEY,
	namespace TEXT NOT NULL,
	name TEXT NOT NULL,
	type TEXT NOT NULL, -- "ClusterIP", ...
	external_traffic_policy TEXT NOT NULL, -- "Cluster", "Local" or ''
	headless INTEGER NOT NULL CHECK (headless IN (0, 1)),
	has_selector INTEGER NOT NULL CHECK (has_selector IN (0, 1)),
	selector TEXT NOT NULL CHECK (json_valid(selector)),
	labels TEXT NOT NULL CHECK (json_valid(labels)),
	cluster_ips TEXT NOT NULL CHECK (json_valid(cluster_ips)),
	lb_ips TEXT NOT NULL CHECK (json_valid(lb_ips)),
	ports TEXT NOT NULL CHECK (json_valid(ports)),
	UNIQUE (namespace, name)
) STRICT;

-- What a Service has ever led to. Flows were resolved with these, so none is
-- lost: a Service whose backends come anew turns its old ones to current = 0,
-- and they then read as not ready.
CREATE TABLE backend (
	service INTEGER NOT NULL REFERENCES service (id),
	ip BLOB NOT NULL CHECK (length(ip) = 16),
	port INTEGER NOT NULL CHECK (port BETWEEN 0 AND 65535), -- target port
	protocol INTEGER NOT NULL CHECK (protocol BETWEEN 0 AND 255),
	port_name TEXT NOT NULL,
	pod INTEGER REFERENCES pod (id), -- NULL: none is known
	ready INTEGER NOT NULL CHECK (ready IN (0, 1)),
	current INTEGER NOT NULL CHECK (current IN (0, 1)),
	PRIMARY KEY (service, ip, port, protocol, port_name)
) STRICT, WITHOUT ROWID;

-- NetworkPolicies of the cluster as they were when last read, as a set.
CREATE TABLE policy (
	namespace TEXT NOT NULL,
	name TEXT NOT NULL,
	json TEXT NOT NULL,
	PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;

-- Who an address was. A pod knows its workload and node, so that pods that
-- are grouped otherwise later take their flows along: those two are 0 with it.
CREATE TABLE endpoint (
	id INTEGER PRIMARY KEY,
	type INTEGER NOT NULL CHECK (type BETWEEN 0 AND 3), -- endpoint_type
	ip BLOB NOT NULL CHECK (length(ip) = 16), -- zero: one of several pods
	pod INTEGER NOT NULL CHECK (pod >= 0),
	node INTEGER NOT NULL CHECK (node >= 0),
	workload INTEGER NOT NULL CHECK (workload >= 0),
	CHECK (pod = 0 OR (node = 0 AND workload = 0)),
	UNIQUE (type, ip, pod, node, workload)
) STRICT;
CREATE INDEX endpoint_workload ON endpoint (workload);

-- Connections between two endpoints within one window, added up. Written in
-- the order of the key: the order of its columns is that of flow_key().
CREATE TABLE flow (
	window_us INTEGER NOT NULL, -- its start
	src INTEGER NOT NULL,       -- endpoint
	dst INTEGER NOT NULL,       -- endpoint, after every DNAT
	seen_src INTEGER NOT NULL,  -- endpoint: src as dst sees it
	service INTEGER NOT NULL,   -- that was dialled, or 0
	service_port INTEGER NOT NULL CHECK (service_port BETWEEN 0 AND 65535),
	port INTEGER NOT NULL CHECK (port BETWEEN 0 AND 65535), -- dst's
	-- Spelt out: IN makes SQLite build a table for each row.
	protocol INTEGER NOT NULL
		CHECK (protocol = 6 OR protocol = 17 OR protocol = 132),
	outcome INTEGER NOT NULL CHECK (outcome BETWEEN 0 AND 5),
	certainty INTEGER NOT NULL CHECK (certainty BETWEEN 0 AND 2),
	sides INTEGER NOT NULL CHECK (sides BETWEEN 0 AND 3), -- flow_side bits
	connections INTEGER NOT NULL CHECK (connections >= 0),
	packets INTEGER NOT NULL CHECK (packets >= 0), -- both directions
	bytes INTEGER NOT NULL CHECK (bytes >= 0), -- from the IP header on
	first_us INTEGER NOT NULL,
	last_us INTEGER NOT NULL,
	PRIMARY KEY (window_us, src, dst, seen_src, service, service_port,
	    port, protocol, outcome, certainty)
) STRICT, WITHOUT ROWID;

-- DNS names that answers on the wire gave to an address.
CREATE TABLE dns_name (
	ip BLOB NOT NULL CHECK (length(ip) = 16),
	name TEXT NOT NULL, -- lower case, no final dot
	first_us INTEGER NOT NULL,
	last_us INTEGER NOT NULL,
	PRIMARY KEY (ip, name)
) STRICT, WITHOUT ROWID;

-- What one capture point has seen since from_us; counts only grow.
CREATE TABLE coverage (
	node TEXT NOT NULL,
	source TEXT NOT NULL, -- file name or interface
	from_us INTEGER NOT NULL,
	to_us INTEGER NOT NULL,
	packets INTEGER NOT NULL CHECK (packets >= 0),
	dropped INTEGER NOT NULL CHECK (dropped >= 0),
	truncated INTEGER NOT NULL CHECK (truncated >= 0),
	malformed INTEGER NOT NULL CHECK (malformed >= 0),
	unsupported INTEGER NOT NULL CHECK (unsupported >= 0),
	non_ip INTEGER NOT NULL CHECK (non_ip >= 0),
	icmp INTEGER NOT NULL CHECK (icmp >= 0),
	ignored INTEGER NOT NULL CHECK (ignored >= 0),
	fragments INTEGER NOT NULL CHECK (fragments >= 0),
	table_full INTEGER NOT NULL CHECK (table_full >= 0),
	PRIMARY KEY (node, source, from_us)
) STRICT, WITHOUT ROWID;

-- Captures that were collected, so that none is counted twice.
CREATE TABLE source (
	digest INTEGER NOT NULL PRIMARY KEY, -- 64 bits, as a signed number
	packets INTEGER NOT NULL CHECK (packets >= 0),
	name TEXT NOT NULL, -- as it was given
	collected_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
