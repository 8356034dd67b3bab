#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""score_policies.py APP POLICIES - what score.py beside APP says of a folder.

Its excess counts DNS over a protocol that was not seen in the capture; our
policies always allow DNS over UDP and TCP, so that is left out here and shown
on the line that begins with "#".
"""
import glob
import importlib.util
import json
import os
import sys


def main():
    app, folder = sys.argv[1], sys.argv[2]
    spec = importlib.util.spec_from_file_location(
        "score", os.path.join(os.path.dirname(os.path.abspath(app)),
                              "score.py"))
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    files = sorted(glob.glob(os.path.join(folder, "*", "*.yaml")))
    r = score.score(app, score.Policies.load(files, "default"), True)
    truth = json.load(open(os.path.join(app, "expected-edges.json")))
    servers = {score.wkey(e["dst"]) for e in truth["edges"]
               if e["class"] in ("dns", "dns-upstream")}
    dns = {k for k in r["_excess"] if k[1] in servers and k[3] in (53, 5353)}
    done = r["completeness"]
    checks = (
        ("complete", done["ratio"] == 1, [
            (e["id"], b) for e, b in r["_dropped"]][:3]),
        ("complete after a rollout", done["after_rollout"] == 1,
         done["after_rollout"]),
        ("DNS everywhere", not done["workloads_without_dns"],
         done["workloads_without_dns"]),
        ("no excess", r["_excess"] == dns, sorted(r["_excess"] - dns)[:3]),
        ("nothing open to the world", not r["exposure"][
            "to_anywhere_workloads"], r["exposure"]),
    )
    for name, good, got in checks:
        print("ok " + name if good else "not ok %s: %s" % (name, got))
    print("# %d DNS pairs over a protocol that was not seen; %s" % (
        len(dns), r["size"]))
    return not all(good for _, good, _ in checks)


if __name__ == "__main__":
    sys.exit(main())
