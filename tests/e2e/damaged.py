#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Damaged databases, under every command that opens one.

    damaged.py RINGFENCE

Whatever the damage, a command answers, or it refuses with status 3 and what to
do; it leaves what it reads as it is, and where it writes what stood there, or
something whole. Damage is random with a fixed seed.
"""
import os
import random
import sqlite3
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from faults import (BROKEN, COLLECT, READERS, Faults, integrity,
                    make_databases, texts)

PAGE = 4096
DAMAGED = 60  # databases of each kind of damage
# Each with something of before where it writes to; a damaged database is then
# the last word.
WRITERS = [
    ["backup", "-o", "kept.db", "--db"],
    ["merge", "-q", "-o", "kept.db"],
    ["recommend", "-A", "-o", "kept", "--db"],
    ["testplan", "-A", "-o", "kept.sh", "--db"],
    ["report", "-o", "kept.html", "--db"],
]
COMPARERS = [
    ["diff", BROKEN, "out", "-R", "--db"],
    ["flows", "-f", BROKEN, "-o", "csv", "--db"],
]
# What a refusal may tell people to do.
ADVICE = ("restore a copy", "give another path", "; fill ",
          "upgrade ringfence")


def flip(rng, data):
    """A few bytes of what is not the header."""
    for _ in range(rng.randrange(1, 12)):
        data[rng.randrange(100, len(data))] = rng.randrange(256)
    return data


def wreck_page(rng, data):
    at = rng.randrange(len(data) // PAGE) * PAGE
    fill = rng.choice((b"\0", b"\xff", None))
    data[at:at + PAGE] = rng.randbytes(PAGE) if fill is None else fill * PAGE
    return data


def swap_pages(rng, data):
    a, b = rng.sample(range(1, len(data) // PAGE), 2)
    a, b = a * PAGE, b * PAGE
    data[a:a + PAGE], data[b:b + PAGE] = data[b:b + PAGE], data[a:a + PAGE]
    return data


def cut(rng, data):
    return data[:rng.randrange(1, len(data))]


def wreck_header(rng, data):
    data[rng.randrange(100)] = rng.randrange(256)
    return data


def kept():
    """All that a command of WRITERS may write to."""
    files = {n: open(n, "rb").read() for n in os.listdir(".")
             if n.startswith("kept") and os.path.isfile(n)}
    return {**files, **texts("kept")}


def lay_out(f):
    """What the commands of WRITERS find; as kept() shows it."""
    for name in kept():
        os.remove(name)
    f.run(["merge", "-q", "-o", "kept.db", "half.db"])
    f.run(["recommend", "--db", "half.db", "-A", "-o", "kept"])
    for name in ("kept.sh", "kept.html"):
        with open(name, "w") as out:
            out.write("of before\n")
    return kept()


def on_damaged(f, args, path, old):
    """The status, and what is wrong: a command of any kind on a database that
    is damaged. What was to be written is as before, or whole."""
    before = open(path, "rb").read()
    status, err, bad = f.run(args + [path])
    if bad is None and status == 3:
        if kept() != old:
            bad = "%r refuses, and yet %r changed" % (args, sorted(
                n for n in {**old, **kept()} if kept().get(n) != old.get(n)))
        elif not any(a in err for a in ADVICE) or \
                args[0] != "collect" and path not in err:
            bad = "%r does not say what to do: %s" % (args, err)
    elif bad is None and "kept.db" in args:
        bad = integrity("kept.db")[0]
    if bad is None and args[0] != "collect" and \
            open(path, "rb").read() != before:
        bad = "%r changed what it read" % args
    for side in ("-wal", "-shm"):
        if os.path.exists(path + side):
            os.remove(path + side)
    return status, bad


def damage(f, whole, half):
    """Every kind of damage, the commands taking turns."""
    rng = random.Random("faults")
    commands = READERS + WRITERS + COMPARERS + [COLLECT]
    turn, old = 0, lay_out(f)
    for how in (flip, wreck_page, swap_pages, cut, wreck_header):
        problem, refused = None, 0
        for i in range(DAMAGED):
            args = commands[turn % len(commands)]
            turn += 1
            with open("bad.db", "wb") as out:
                out.write(how(rng, bytearray(
                    half if args is COLLECT else whole)))
            status, bad = on_damaged(f, args, "bad.db", old)
            refused += status == 3
            problem = problem or bad
            if kept() != old:
                old = lay_out(f)
        f.check("%s: %d of %d refused, none crashed" %
                (how.__name__, refused, DAMAGED), problem)


def plain_lies(f, half):
    """Values that the schema forbids, as damage could make them."""
    wrong = ("UPDATE endpoint SET type = 99",
             "UPDATE flow SET outcome = 77, certainty = 9",
             "UPDATE flow SET protocol = 250",
             "UPDATE flow SET port = 99999999",
             "UPDATE flow SET src = 123456789012",
             "UPDATE flow SET service = 4294967295",
             "UPDATE flow SET connections = -1, packets = -5",
             "UPDATE flow SET first_us = 9223372036854775807",
             "UPDATE flow SET first_us = -9223372036854775807 - 1",
             "UPDATE endpoint SET ip = x'00'",
             "UPDATE endpoint SET pod = -3",
             "UPDATE pod SET phase = 88",
             "UPDATE pod SET workload = 999999",
             "UPDATE pod SET ips = '[\"x\"]'",
             "UPDATE pod SET ports = '[{\"port\": 1e99}]'",
             "UPDATE pod SET labels = '[]'",
             "UPDATE workload SET selector = '{}'",
             "UPDATE namespace SET name = ''",
             "UPDATE namespace SET labels = 'null'",
             "UPDATE backend SET protocol = 999, port = 70000",
             "UPDATE policy SET json = '{'",
             "DELETE FROM state",
             "DELETE FROM namespace",
             "DELETE FROM endpoint",
             "DROP TABLE coverage",
             "UPDATE coverage SET from_us = 5, to_us = 1")
    turn, old = 0, lay_out(f)
    for statement in wrong:
        problem = None
        with open("lie.db", "wb") as out:
            out.write(half)
        db = sqlite3.connect("lie.db", isolation_level=None)
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("PRAGMA foreign_keys = OFF")
        try:
            statement = statement.replace("UPDATE", "UPDATE OR REPLACE")
            db.execute(statement)
            if " flow " in statement:
                db.execute(statement.replace(" flow ", " flow_total "))
        except sqlite3.Error as e:
            problem = "the test itself: %s" % e
        db.close()
        turn += 1
        for args in [READERS[0], READERS[turn % len(READERS)], COLLECT,
                     COMPARERS[turn % len(COMPARERS)]] + WRITERS[:3]:
            _, bad = on_damaged(f, args, "lie.db", old)
            problem = problem or bad
            if kept() != old:
                old = lay_out(f)
        f.check(statement, problem)


def main():
    f = Faults(os.path.abspath(sys.argv[1]))
    os.environ.pop("RINGFENCE_DB", None)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_databases(f)
        f.run(["recommend", "--db", "shop.db", "-A", "-o", "out"])
        whole = open("shop.db", "rb").read()
        half = open("half.db", "rb").read()
        damage(f, whole, half)
        plain_lies(f, half)
        os.chdir("/")
    f.end()


if __name__ == "__main__":
    main()
