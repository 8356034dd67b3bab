# SPDX-License-Identifier: Apache-2.0
"""Compare what the demo left in a folder with the truth of fixtures/shop.

    demo_check.py RINGFENCE FOLDER
"""
import json
import os
import re
import subprocess
import sys

SHOP = "fixtures/shop"
TRAFFIC = ("established", "oneway", "midstream")
passed = failed = 0


def check(ok, what):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print("FAIL " + what)


def end(e):
    """An end as one text, without what its identity does not depend on."""
    if e["type"] == "workload":
        return "%s/%s/%s" % (e["namespace"], e["kind"], e["name"])
    return "%s %s" % (e["type"], e.get("name") or e.get("ip"))


def key(e):
    s = e["service"]
    service = "%s/%s:%d" % (s["namespace"], s["name"], s["port"]) if s else "-"
    return (end(e["src"]), end(e["dst"]), e["protocol"], e["port"], service,
            e["outcome"])


def run(*args, status=0):
    r = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       universal_newlines=True, check=False)
    check(r.returncode == status, "%s: exit status %d, expected %d\n%s" % (
        " ".join(args), r.returncode, status, r.stderr))
    return r.stdout


def check_flows(binary, db, truth):
    seen = {}
    for e in json.loads(run(binary, "flows", "--db", db, "-o",
                            "json"))["edges"]:
        check(key(e) not in seen, "edge listed twice: %s" % (key(e),))
        seen[key(e)] = e
    for k, e in truth.items():
        got = seen.get(k)
        check(got is not None, "missing edge: %s" % (k,))
        if got is None:
            continue
        for field in ("connections", "packets", "bytes"):
            check(got[field] == e[field], "%s: %d %s, truth is %d" % (
                k, got[field], field, e[field]))
        check(got["certainty"] != "guessed", "%s: guessed" % (k,))
        check(e["protocol"] != "TCP" or got["certainty"] == e["certainty"],
              "%s: certainty %s" % (k, got["certainty"]))
        for side in ("src", "dst"):
            check(sorted(e[side].get("names", [])) ==
                  sorted(got[side].get("names", [])),
                  "%s: names %s" % (k, got[side].get("names")))
    for k in seen:
        check(k in truth, "edge that never was: %s" % (k,))


def check_policies(folder, truth):
    """Coarse, on text: the evaluator's proof is the exact one."""
    texts = {}
    for base, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(base, name)) as f:
                for doc in f.read().split("\n---"):
                    found = re.search(r"^  name: (\S+)$", doc, re.M)
                    if "kind: NetworkPolicy" in doc and found:
                        texts.setdefault(found.group(1), "")
                        texts[found.group(1)] += doc
    for name in ("frontend", "backend", "database", "db-migrate",
                 "debug-shell", "prometheus", "ingress-nginx-controller"):
        check(any(name in t for t in texts), "no policy for %s" % name)
    for name in ("allow-dns", "default-deny-all"):
        check(any(t.startswith(name) for t in texts), "no policy %s" % name)
    text = "\n".join(texts.values())
    ports = set(map(int, re.findall(r"^\s*(?:- )?port: (\d+)$", text, re.M)))
    for e in truth.values():
        if not e["rule"] and not e.get("kubelet"):
            check(e["port"] not in ports,
                  "the scan of port %d became a rule" % e["port"])
    for port in (443, 6443, 8080, 8081, 9102, 5432, 53):
        check(port in ports, "no rule with port %d" % port)
    for address in ("203.0.113.20/32", "203.0.113.21/32"):
        check(address in text, "no rule for %s" % address)


def check_audit(binary, db, policies, truth, broken):
    out = json.loads(run(binary, "audit", "--db", db, "-R", "-f", policies, "-o",
                         "json", status=1 if broken else 0))
    check(isinstance(out.get("summary"), dict), "audit without a summary")
    dropped = {key(e) for e in out["edges"] if e["verdict"] == "would-drop"
               and e["outcome"] in TRAFFIC}
    expected = {k for k, e in truth.items() if e.get("broken")} \
        if broken else set()
    for k in sorted(dropped ^ expected):
        check(False, "%s: %s %s" % (policies, k, "dropped" if k in dropped
                                    else "not dropped"))
    check(dropped == expected, "%s: edges dropped" % policies)


def main():
    binary, folder = sys.argv[1:3]
    db = os.path.join(folder, "shop.db")
    with open(os.path.join(SHOP, "expected-edges.json")) as f:
        truth = {key(e): e for e in json.load(f)["edges"]}
    policies = os.path.join(folder, "policies")
    check_flows(binary, db, truth)
    check_policies(policies, truth)
    check_audit(binary, db, policies, truth, False)
    check_audit(binary, db, os.path.join(SHOP, "policies-broken.yaml"), truth,
                True)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
