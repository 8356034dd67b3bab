# SPDX-License-Identifier: Apache-2.0
"""Is every edge of the generator's truth in the database, and no other?

    exact.py RINGFENCE DATABASE TRUTH
"""
import collections
import json
import subprocess
import sys


def end(e):
    if e["type"] == "workload":
        return "%s/%s/%s" % (e["namespace"], e["kind"], e["name"])
    return "%s %s" % (e["type"], e.get("name") or e.get("ip"))


def main():
    binary, db, truth_path = sys.argv[1:4]
    out = subprocess.run([binary, "flows", "--db", db, "-o", "json"],
                         stdout=subprocess.PIPE, check=True).stdout
    found = collections.Counter()
    for e in json.loads(out)["edges"]:
        s = e["service"]
        service = "%s/%s:%d" % (s["namespace"], s["name"], s["port"]) \
            if s else "-"
        found[end(e["src"]), end(e["dst"]), e["protocol"], e["port"],
              service, e["outcome"]] += e["connections"]
    truth = collections.Counter()
    with open(truth_path) as f:
        for e in json.load(f)["edges"]:
            truth[e["src"], e["dst"], e["protocol"], e["port"],
                  e["service"], e["outcome"]] += e["connections"]
    wrong = [k for k in set(truth) | set(found) if truth[k] != found[k]]
    print("      %d edges, %d connections in truth; %d and %d found; "
          "%d edges differ" % (len(truth), sum(truth.values()), len(found),
                               sum(found.values()), len(wrong)))
    for k in sorted(wrong)[:5]:
        print("      %s: %d, truth %d" % (k, found[k], truth[k]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
