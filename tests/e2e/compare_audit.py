#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare_audit.py APP AUDIT.json - an audit against an application's truth.

The edges that the application's own policies would drop must be exactly those
of expected-audit.json.
"""
import json
import os
import sys

from compare_edges import TRAFFIC, edge_matches, edge_text, node_names


def main():
    app = sys.argv[1]
    audit = json.load(open(sys.argv[2]))["edges"]
    truth = {e["id"]: e for e in json.load(
        open(os.path.join(app, "expected-edges.json")))["edges"]}
    want = json.load(open(os.path.join(app, "expected-audit.json")))
    nodes = node_names(json.load(open(os.path.join(app, "snapshot.json"))))
    dropped = [g for g in audit if g["verdict"] == "would-drop"
               and g["outcome"] in TRAFFIC]
    left, bad = list(dropped), 0
    for d in want["dropped"]:
        found = [g for g in left if edge_matches(truth[d["edge"]], g, nodes)]
        left = [g for g in left if g not in found]
        text = "%s %s would drop" % (d["edge"], edge_text(truth[d["edge"]]))
        blocked = {(side, p) for side, names in d["blocked"]
                   for p in names.split(",") if p}
        named = {(side, p) for g in found for side in ("egress", "ingress")
                 if g[side]["verdict"] == "deny" for p in g[side]["policies"]}
        if not found:
            print("not ok %s: it is not reported" % text)
        elif named != blocked:
            print("not ok %s: isolated by %s, not %s" % (
                text, sorted(named), sorted(blocked)))
        else:
            print("ok " + text)
            continue
        bad += 1
    for g in left:
        print("not ok %s: reported, but it is allowed" % edge_text(g))
        bad += 1
    if not left:
        print("ok nothing else would drop")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
