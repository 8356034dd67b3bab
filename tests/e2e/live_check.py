# SPDX-License-Identifier: Apache-2.0
"""Hold a live database against what live_net.py did.

live_check.py WHAT DB RINGFENCE DIR

flows: all that ran, and the long connection if it is there; long: with it;
alive: the long one alone; quiet: without scan, and with what was dropped.
"""
import json
import subprocess
import sys

N = 9  # clients times rounds

# destination, protocol, port, service, outcome: connections
TRAFFIC = {
    ("web", "TCP", 8080, "web", "established"): 2 * N,  # both families
    ("web", "TCP", 8080, None, "established"): N,  # over IPv6, directly
    ("dns", "UDP", 53, "dns", "established"): N,
    ("time", "UDP", 7123, "time", "established"): N,
    ("time", "UDP", 8125, None, "oneway"): N,
    ("db", "TCP", 5432, None, "established"): N,
    ("203.0.113.10", "TCP", 80, None, "established"): N,
    ("db", "TCP", 9999, None, "dropped"): 1,
    **{("db", "TCP", p, None, "refused"): 1 for p in range(100, 120)},
}
NOT_QUIET = ("refused", "dropped")
LONG = ("db", "TCP", 5432, None, "midstream")


def edges(db, ringfence):
    out = subprocess.run([ringfence, "flows", "--db", db, "-o", "json"],
                         check=True, capture_output=True).stdout
    found = {}
    for e in json.loads(out)["edges"]:
        if not e["src"].get("name", "").startswith("client") and \
                e["outcome"] != "dropped":
            print("unexpected source:", e["src"])
        dst = e["dst"]
        name = dst.get("name", dst.get("ip", "?"))
        name = name.rsplit("-", 1)[0] if dst["type"] == "workload" else \
            dst.get("ip") or dst.get("address") or name
        service = (e.get("service") or {}).get("name")
        key = (name, e["protocol"], e["port"], service, e["outcome"])
        found[key] = found.get(key, 0) + e["connections"]
        if e["certainty"] == "guessed":
            print("guessed:", key)
    return found


def main():
    what, db, ringfence, _ = sys.argv[1:]
    found = edges(db, ringfence)
    if what == "alive":
        if found.get(LONG) == 1:
            return 0
        print("the long connection:", found.get(LONG))
        return 1
    want = dict(TRAFFIC)
    if LONG in found or what == "long":
        want[LONG] = 1
    if what == "quiet":
        want = {k: n for k, n in want.items() if k[4] not in NOT_QUIET}
        want["web", "TCP", 8080, "web", "dropped"] = 1
    for key in sorted(set(want) | set(found), key=str):
        if want.get(key) != found.get(key):
            print(f"{key}: {found.get(key)}, and {want.get(key)} ran")
    return want != found


if __name__ == "__main__":
    sys.exit(main())
