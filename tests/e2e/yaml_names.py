#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names that a YAML reader might take for something else.

    yaml_names.py RINGFENCE

kubectl's reader resolves plain words as YAML 1.1 does, and so does python3-yaml:
on is true, 012 is ten, 1_000 a thousand, 2020-01-01 a day. What recommend
writes must come back as the strings that the cluster has; what no label can
be is refused with its name, and nothing is written.
"""
import os
import subprocess
import sys
import tempfile

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from named_world import World
from tally import Tally

# Namespaces, workloads, and values and keys of labels: all that may be each.
NAMES = ["on", "off", "yes", "no", "y", "n", "true", "false", "null", "none",
         "012", "0", "1", "7e", "0x10", "0b11", "0o17", "1e3", "12e03",
         "2020-01-01", "190-20-30", "inf", "nan", "a", "x-1", "infinity",
         "685e2", "0xbeef", "00", "08"]
# Values of labels, which may also be these.
VALUES = ["On", "NO", "Y", "True", "FALSE", "Null", "NULL", "1_000", "1.5",
          "1.e3", "1.0", "6.8523015e5", "0x_1", "0b1_1", "1.", "1_",
          "2020-01-01T00", "1..2", "0.0", "Inf", "NaN", "1.5.2", "E1", "1E3"]
VALUES = [v for v in VALUES if v[-1].isalnum()]
# What no label can be.
NEVER = ["~", ".inf", "-.inf", ".nan", "=", "<<", "!", "-", "1:30", "190:20:30",
         "+1", ".5", "1_000_", "2020-01-01 00:00:00", "? x", "@a", "0x10 "]


class Strings(yaml.SafeLoader):
    """Takes every scalar for the string that it is."""


Strings.yaml_implicit_resolvers = {}


def differs(resolved, plain, path=""):
    """Where does a reader of YAML 1.1 see something else than text? Ports are
    numbers, and lists and maps what they are."""
    if isinstance(plain, dict):
        if {str(k) for k in resolved} != set(plain):
            return "%s: keys %r for %r" % (path, set(resolved), set(plain))
        for key, value in plain.items():
            if key not in resolved:
                return "%s: a key that is no string: %r" % (path, key)
            problem = differs(resolved[key], value, path + "." + key)
            if problem:
                return problem
    elif isinstance(plain, list):
        for i, value in enumerate(plain):
            problem = differs(resolved[i], value, "%s[%d]" % (path, i))
            if problem:
                return problem
    elif path.split(".")[-1] in ("port", "endPort") and \
            isinstance(resolved, int):
        return None if str(resolved) == plain else path
    elif not isinstance(resolved, str) or resolved != plain:
        return "%s: %r for %r" % (path, resolved, plain)
    return None


def read_twice(text):
    """Documents, and what is wrong with them."""
    resolved = list(yaml.safe_load_all(text))
    plain = list(yaml.load_all(text, Strings))
    problem = None
    for i, doc in enumerate(plain):
        problem = problem or differs(resolved[i], doc, "document %d" % i)
    return resolved, problem


def labels_of(value):
    """All labels that selectors in there ask for."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "matchLabels":
                yield from inner.items()
            elif key == "matchExpressions":
                for e in inner:
                    for v in e.get("values", []):
                        yield e["key"], v
            else:
                yield from labels_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from labels_of(inner)


def collect(ringfence, folder, world):
    world.write(folder, "wire.pcap")
    p = subprocess.run(
        [ringfence, "collect", "-r", "wire.pcap", "-s", "objects.json", "--db",
         "flows.db"], cwd=folder, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, check=False)
    return p.stderr.decode() if p.returncode != 0 else None


def recommend(ringfence, folder, *more):
    p = subprocess.run([ringfence, "recommend", "--db", "flows.db", "-A"] +
                       list(more), cwd=folder, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, check=False)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def names_come_back(tally, ringfence, folder):
    tally.check("a cluster of such names", collect(
        ringfence, folder, World(NAMES)))
    status, text, err = recommend(ringfence, folder)
    tally.check("recommend", None if status in (0, 1) else err)
    docs, problem = read_twice(text)
    tally.check("both readers agree", problem)
    have = {d["metadata"]["namespace"] for d in docs}
    tally.check("each namespace is there as a string",
                None if have == set(NAMES) else have ^ set(NAMES))
    labels = set(labels_of(docs))
    missing = [n for n in NAMES if ("app", n) not in labels]
    tally.check("each workload is selected by its own name",
                missing or None)
    status, _, err = recommend(ringfence, folder, "-o", "out")
    tally.check("recommend -o", None if status in (0, 1) else err)
    n, problem = 0, None
    for where, _, files in os.walk(os.path.join(folder, "out")):
        for name in files:
            if name.endswith(".yaml"):
                n += 1
                with open(os.path.join(where, name), encoding="utf-8") as f:
                    problem = problem or read_twice(f.read())[1]
    tally.check("its %d files" % n, problem or (None if n > 2 * len(NAMES)
                                                else "too few"))
    p = subprocess.run([ringfence, "audit", "--db", "flows.db", "-R", "-f",
                        "out"], cwd=folder, stdout=subprocess.PIPE, check=False,
                       stderr=subprocess.PIPE)
    tally.check("and as audit reads them, nothing is dropped",
                None if p.returncode == 0 else p.stdout.decode()[-800:] +
                p.stderr.decode())


def values_come_back(tally, ringfence, folder):
    """Workloads that only such a value tells apart."""
    world = World([])
    world.namespace(0, "team")
    for i, value in enumerate(VALUES):
        client, server = "10.42.7.%d" % (2 * i), "10.42.7.%d" % (2 * i + 1)
        world.workload("team", "server-%d" % i, server, {"v": value})
        world.workload("team", "client-%d" % i, client, {"c": value})
        world.talk(client, server, 40000 + i, 8080)
    tally.check("values of labels", collect(ringfence, folder, world))
    status, text, err = recommend(ringfence, folder)
    tally.check("recommend", None if status in (0, 1) else err)
    docs, problem = read_twice(text)
    tally.check("both readers agree", problem)
    labels = set(labels_of(docs))
    missing = [v for v in VALUES
               if not {("v", v), ("c", v)} <= labels]
    tally.check("each value is asked for as the string it is",
                missing or None)


def never_is_refused(tally, ringfence, folder, value):
    world = World([])
    world.namespace(0, "team")
    world.workload("team", "odd", "10.42.9.1", {"app": value})
    world.talk("10.42.0.11", "10.42.9.1", 41000, 8080)
    problem = collect(ringfence, folder, world)
    if problem is None:
        status, out, err = recommend(ringfence, folder)
        if status != 3 or out or '"%s"' % value not in err:
            problem = "status %d, %r, %r" % (status, out[:300], err)
    tally.check("%r is refused" % value, problem)


def main():
    ringfence = os.path.abspath(sys.argv[1])
    os.environ.pop("RINGFENCE_DB", None)
    tally = Tally()
    for test in (names_come_back, values_come_back):
        with tempfile.TemporaryDirectory() as folder:
            test(tally, ringfence, folder)
    for value in NEVER:
        with tempfile.TemporaryDirectory() as folder:
            never_is_refused(tally, ringfence, folder, value)
    tally.end()


main()
