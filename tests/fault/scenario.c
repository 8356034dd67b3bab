/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fault/scenario.h"

#define SHOP   "@shop/snapshot.json"
#define NODE_1 "@shop/capture-node-1.pcap"
#define NODE_2 "@shop/capture-node-2.pcap"

const char *const scenario_base[] = {
	"collect -r " NODE_1 " " NODE_2 " -s " SHOP " --db %shop.db",
	"collect -r " NODE_1 " -s " SHOP " --db %half.db",
	"collect -r " NODE_2 " -s " SHOP " --db %rest.db",
	"recommend --db %shop.db -A -o %policies",
	"recommend --db %half.db -n shop -o %fewer",
	NULL,
};

#define ROW(title, words)                                                      \
	{                                                                      \
		.name = (title), .args = (words)                               \
	}

const struct scenario scenarios[] = {
	{ .name = "collect, a new database",
	    .args = "collect -r " NODE_1 " " NODE_2 " -s " SHOP " --db #new.db",
	    .database = "new.db" },
	{ .name = "collect, into a database",
	    .args = "collect -r " NODE_2 " -s " SHOP " --db #work.db",
	    .copy = "half.db work.db",
	    .database = "work.db" },
	{ .name = "collect, the objects of the database",
	    .args = "collect -r " NODE_2 " --db #work.db",
	    .copy = "half.db work.db",
	    .database = "work.db" },
	{ .name = "collect, into a database of schema 1",
	    .args = "collect -r " NODE_2 " -s " SHOP " --db #work.db",
	    .copy = "@database/schema-1.db work.db",
	    .database = "work.db" },
	{ .name = "merge, a new database",
	    .args = "merge -o #all.db %half.db %rest.db",
	    .database = "all.db" },
	{ .name = "merge, over an older one",
	    .before = "merge -o #all.db %half.db",
	    .args = "merge -o #all.db %half.db %rest.db",
	    .database = "all.db" },
	ROW("flows, table", "flows --db %shop.db"),
	ROW("flows, JSON", "flows --db %shop.db -o json"),
	ROW("flows, CSV", "flows --db %shop.db -o csv -l app=frontend,!x"),
	ROW("flows, verdicts", "flows --db %shop.db -R -f %policies"),
	ROW("recommend, stdout", "recommend --db %shop.db -n shop"),
	ROW("recommend, incremental",
	    "recommend --db %shop.db -n shop --existing "
	    "@shop/policies-broken.yaml --incremental"),
	{ .name = "recommend, new folder",
	    .args = "recommend --db %shop.db -A -o #out" },
	{ .name = "recommend, over an older one",
	    .before = "recommend --db %half.db -n shop -o #out",
	    .args = "recommend --db %shop.db -A -o #out" },
	{ .name = "testplan, file",
	    .before = "testplan --db %half.db -n shop -o #plan.sh",
	    .args = "testplan --db %shop.db -n shop -o #plan.sh" },
	{ .name = "report, file",
	    .before = "report --db %half.db -n shop -o #page.html",
	    .args = "report --db %shop.db -o #page.html" },
	ROW("report, given policies",
	    "report --db %shop.db -f @shop/policies-broken.yaml"),
	{ .name = "backup, over an older one",
	    .before = "backup --db %half.db -o #copy.db",
	    .args = "backup --db %shop.db -o #copy.db",
	    .database = "copy.db" },
	ROW("audit, table", "audit --db %shop.db -R -f %policies"),
	ROW("audit, JSON",
	    "audit --db %shop.db -f @shop/policies-broken.yaml -o json"),
	ROW("audit, Markdown",
	    "audit --db %shop.db -f @shop/policies-broken.yaml -o markdown"),
	ROW("audit, SARIF",
	    "audit --db %shop.db -f @shop/policies-broken.yaml -o sarif"),
	ROW("check",
	    "check --snapshot " SHOP " -R -f %policies shop/deploy/frontend "
	    "shop/deploy/backend --port 8081"),
	ROW("check, probes",
	    "check --snapshot @check/snapshot.json -f @check/policies.yaml "
	    "-n here --probes @check/probes.jsonl -o json"),
	ROW("diff", "diff %fewer %policies -R --db %shop.db"),
	ROW("diff, JSON", "diff %fewer %policies -R --db %shop.db -o json"),
	ROW("validate", "validate -f @lint/RF008-bad.yaml"),
	ROW("validate, folder", "validate -R -f %policies -o json"),
	ROW("lint",
	    "lint -f @lint/RF004-bad.yaml --snapshot @lint/flannel.json"),
	ROW("lint, flows", "lint -R -f %policies --db %shop.db"),
	{ .name = "snapshot, over an older one",
	    .copy = "kubeconfig objects.json",
	    .args = "snapshot -q --kubeconfig %kubeconfig -o #objects.json",
	    .has_server = true },
	{ .name = "audit, policies of the cluster",
	    .args = "audit --db %shop.db --cluster --kubeconfig %kubeconfig -o "
		    "json",
	    .has_server = true },
	{ .name = "live collector",
	    .args = "live %kubeconfig #live.db",
	    .database = "live.db",
	    .adds = true,
	    .has_server = true },
	ROW("lint, SARIF",
	    "lint -f @lint/RF018-bad.yaml --snapshot @lint/objects.json "
	    "-o sarif"),
};
const size_t n_scenarios = sizeof(scenarios) / sizeof(scenarios[0]);
