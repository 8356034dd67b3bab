#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Databases and disks that fail, under every command.

    faults.py RINGFENCE

A command may answer or refuse; it may not crash, hang, refuse without a
reason, or change what it cannot read. Damage within: damaged.py.
"""
import fcntl
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from tally import Tally

SHOP = os.path.join(HERE, "..", "..", "fixtures", "shop")
NODES = [os.path.join(SHOP, "capture-node-%d.pcap" % n) for n in (1, 2)]
OBJECTS = os.path.join(SHOP, "snapshot.json")
BROKEN = os.path.join(SHOP, "policies-broken.yaml")
NOBODY = 65534

READERS = [
    ["flows", "-o", "json", "--db"],
    ["recommend", "-A", "--db"],
    ["audit", "-f", BROKEN, "-o", "json", "--db"],
    ["testplan", "-A", "--db"],
    ["report", "--db"],
    ["lint", "-f", BROKEN, "--db"],
    ["check", "-f", BROKEN, "shop/deploy/frontend", "shop/deploy/backend",
     "--port", "8081", "--db"],
]
COLLECT = ["collect", "-q", "-r", NODES[1], "-s", OBJECTS, "--db"]


class Faults(Tally):
    def __init__(self, ringfence):
        super().__init__()
        self.ringfence = ringfence

    def run(self, args, **more):
        """The status, what was printed, and what is wrong with that."""
        stdout = more.pop("stdout", subprocess.PIPE)
        try:
            p = subprocess.run([self.ringfence] + args, timeout=60,
                               stdout=stdout, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, **more)
        except subprocess.TimeoutExpired:
            return None, "", "hangs: %r" % args
        err = p.stderr.decode(errors="replace")
        bad = None
        if p.returncode not in (0, 1, 2, 3) or "Sanitizer" in err:
            bad = "status %d of %r: %s" % (p.returncode, args, err[-900:])
        elif p.returncode == 3 and "ringfence" not in err:
            bad = "no reason: %r" % args
        return p.returncode, err, bad

    def refuses(self, args, *words, **more):
        status, err, bad = self.run(args, **more)
        if bad is None and status != 3:
            bad = "status %r of %r: %s" % (status, args, err)
        for word in words:
            if bad is None and word not in err:
                bad = "%r does not say %r: %s" % (args, word, err)
        return bad


def make_databases(f):
    for name, files in (("half.db", NODES[:1]), ("shop.db", NODES),
                        ("other.db", NODES[1:])):
        f.run(["collect", "-q", "-s", OBJECTS, "--db", name, "-r"] + files)


def integrity(path):
    db = sqlite3.connect(path)
    try:
        rows = [r[0] for r in db.execute("PRAGMA integrity_check")]
        n = db.execute("SELECT count(*), sum(connections) FROM flow")
        return (None if rows == ["ok"] else "damaged: %r" % rows[:3],
                n.fetchone())
    except sqlite3.Error as e:
        return str(e), None
    finally:
        db.close()


# ------------------------------------------------------- what is no database
def strangers(f, whole):
    def put(name, data):
        with open(name, "wb") as out:
            out.write(data)

    put("empty.db", b"")
    put("text.db", b"this is no database, but it is long enough\n" * 200)
    put("json.db", open(OBJECTS, "rb").read())
    put("pcap.db", open(NODES[0], "rb").read())
    put("head.db", whole[:100])
    os.mkdir("folder.db")
    for name in ("empty.db", "text.db", "json.db", "pcap.db", "head.db",
                 "folder.db", "absent.db"):
        problem = None
        for args in READERS:
            problem = problem or f.refuses(args + [name], name)
        f.check("%s is refused" % name, problem)
    os.mkfifo("fifo.db")
    os.symlink("loop.db", "loop.db")
    for name in ("fifo.db", "folder.db", "loop.db", "/dev/zero"):
        problem = None
        for args in (READERS[0] + [name], COLLECT + [name],
                     ["merge", "-o", "new.db", name],
                     ["merge", "half.db", "-o", name],
                     ["backup", "-o", "new.db", "--db", name]):
            problem = problem or f.refuses(args, name)
        if os.path.exists("new.db") or not os.path.islink("loop.db"):
            problem = problem or "something was made"
        f.check("%s is no file for a database" % name, problem)
    f.check("probes without an end", f.refuses(
        ["check", "--snapshot", OBJECTS, "-f", BROKEN, "--probes",
         "/dev/zero"], "/dev/zero:1: longer than"))
    f.check("a kubeconfig without an end", f.refuses(
        ["snapshot", "--kubeconfig", "/dev/zero", "-o", "new.json"],
        "/dev/zero: more than"))
    for name in ("text.db", "json.db", "pcap.db"):
        before = open(name, "rb").read()
        problem = f.refuses(COLLECT + [name], name)
        if problem is None and open(name, "rb").read() != before:
            problem = "it was changed"
        f.check("collect leaves %s alone" % name, problem)
    put("newer.db", whole)
    db = sqlite3.connect("newer.db", isolation_level=None)
    db.execute("PRAGMA user_version = 4711")
    db.close()
    before = open("newer.db", "rb").read()
    problem = None
    for args in READERS + [COLLECT]:
        problem = problem or f.refuses(args + ["newer.db"], "newer", "4711")
    if problem is None and open("newer.db", "rb").read() != before:
        problem = "it was changed"
    f.check("a newer database is refused and untouched", problem)


def logs(f, half):
    """A write-ahead log that is missing, foreign or cut."""
    for name, data in (("missing", None), ("empty", b""),
                       ("garbage", random.Random(1).randbytes(50000)),
                       ("cut", None)):
        with open("log.db", "wb") as out:
            out.write(half)
        # A writer that is killed leaves its log behind.
        db = sqlite3.connect("log.db", isolation_level=None)
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("UPDATE flow SET connections = connections + 1")
        wal = open("log.db-wal", "rb").read()
        shutil.copy("log.db", "killed.db")
        db.close()
        for side in ("-wal", "-shm"):
            if os.path.exists("killed.db" + side):
                os.remove("killed.db" + side)
        if name == "cut":
            data = wal[:len(wal) // 2 + 17]
        if data is not None:
            with open("killed.db-wal", "wb") as out:
                out.write(data)
        problem = None
        for args in READERS + [COLLECT]:
            status, err, bad = f.run(args + ["killed.db"])
            if bad is None and status == 3:
                bad = "refused: %s" % err
            problem = problem or bad
        f.check("write-ahead log %s: the last state before it" % name,
                problem or integrity("killed.db")[0])


# ---------------------------------------------------------- locks and rights
def locked(f, half):
    with open("locked.db", "wb") as out:
        out.write(half)
    db = sqlite3.connect("locked.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE flow SET connections = connections + 1")
    began = time.monotonic()
    problem = f.refuses(COLLECT + ["locked.db"], "another process writes")
    if problem is None and time.monotonic() - began > 30:
        problem = "it took %d s" % (time.monotonic() - began)
    f.check("collect into a locked database gives up and says why", problem)
    problem = None
    for args in READERS:
        status, err, bad = f.run(args + ["locked.db"])
        problem = problem or bad or (err if status == 3 else None)
    f.check("reading goes on while another writes", problem)
    db.execute("ROLLBACK")
    db.close()
    status, err, bad = f.run(COLLECT + ["locked.db"])
    f.check("and then it works", bad or (err if status != 0 else None))


def run_time(f, args):
    began = time.monotonic()
    f.run(args)
    return time.monotonic() - began


def killed(f, half):
    """collect killed at any time: the database is as it was before, or as it
    is after; and the next run can go on with it."""
    with open("kill.db", "wb") as out:
        out.write(half)
    ends = [integrity("kill.db")[1]]
    took = run_time(f, COLLECT + ["kill.db"])
    ends.append(integrity("kill.db")[1])
    for _ in range(2):  # the machine may have been busy
        with open("kill.db", "wb") as out:
            out.write(half)
        took = min(took, run_time(f, COLLECT + ["kill.db"]))
    step = took / 20
    problem, kills = None, 0
    for i in range(24):
        for side in ("", "-wal", "-shm"):
            if os.path.exists("kill.db" + side):
                os.remove("kill.db" + side)
        with open("kill.db", "wb") as out:
            out.write(half)
        p = subprocess.Popen([f.ringfence] + COLLECT + ["kill.db"],
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        time.sleep(i * step)
        p.kill()
        kills += p.wait() == -signal.SIGKILL
        damaged, after = integrity("kill.db")
        if after not in ends:
            damaged = damaged or "%r is neither of %r" % (after, ends)
        if damaged is None and after == ends[0]:
            damaged = f.run(COLLECT + ["kill.db"])[2]
            if damaged is None and integrity("kill.db")[1] != ends[1]:
                damaged = "the next run ends with other sums"
        problem = problem or damaged
    if problem is None and kills < 2:
        problem = "only %d of 24 were killed" % kills
    f.check("collect -r killed: nothing or all of it", problem)


def folders(f):
    """recommend -o by several at once, and by one that is killed: the files of
    one of them, whole, and the next run takes them for its own."""
    clean = ["recommend", "--db", "half.db", "-A", "-o"]
    full = ["recommend", "--db", "shop.db", "-A", "-o", "many"]
    f.run(clean + ["few"])
    few = {p.replace("few/", "", 1): t for p, t in texts("few").items()}
    problem = None
    for _ in range(3):
        all_of = [subprocess.Popen(
            [f.ringfence] + full, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE) for _ in range(4)]
        for p in all_of:
            err = p.communicate(timeout=60)[1].decode()
            if p.returncode not in (0, 1):
                problem = problem or "status %d: %s" % (p.returncode, err)
        have = {p.replace("many/", "out/", 1): t
                for p, t in texts("many").items()}
        if have != NEW:
            problem = problem or "other files: %r" % (set(have) ^ set(NEW))
        shutil.rmtree("many")
    f.check("four recommend into one folder at once: as if one did", problem)
    step = run_time(f, full) / 24
    problem = None
    for i in range(24):
        shutil.rmtree("many", ignore_errors=True)
        if i % 2:
            f.run(clean + ["many"])
        p = subprocess.Popen([f.ringfence] + full, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        time.sleep(i * step)
        p.kill()
        p.wait()
        status, err, bad = f.run(clean + ["many"])
        if bad is None and status not in (0, 1):
            bad = "refuses what it left: " + err
        have = {p.replace("many/", "", 1): t for p, t in texts("many").items()}
        # folders that only the killed one made stay
        if bad is None and any(have.get(p) != t for p, t in few.items()
                               if "/" in p):
            bad = "other files: %r" % (set(have) ^ set(few))
        if bad is None and any(".tmp" in p for p in have):
            bad = "temporary files stay: %r" % [p for p in have if ".tmp" in p]
        problem = problem or bad
    f.check("recommend -o killed: the next run goes on from there", problem)


def beside(output):
    return [n for n in os.listdir(".") if n.startswith(output + ".ringfence-")]


def heed():
    """Signals that a shell in the background ignores, and we with it."""
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_DFL)


def ended_by(f, sig, args, output):
    """Send the signal while the output is being written: was it in time, and
    what is wrong then?"""
    p = subprocess.Popen([f.ringfence] + args, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, preexec_fn=heed)
    while p.poll() is None and not beside(output):
        pass
    p.send_signal(sig)
    err = p.communicate()[1].decode()
    if p.returncode >= 0:
        return False, None
    if sig == signal.SIGKILL:
        return bool(beside(output)), None
    if beside(output):
        return True, "signal %d: %r stays" % (sig, beside(output))
    return "as it was" in err, None


def interrupted(f):
    """-o, and a signal that ends the command meanwhile: nothing stays beside
    it. Of what SIGKILL leaves the next one for the same output takes care."""
    for args, output in ((["merge", "half.db", "other.db"], "ended.db"),
                         (["report", "--db", "shop.db"], "ended.html")):
        args += ["-o", output]
        problem = f.run(args)[2]
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                    signal.SIGKILL):
            hits, before = 0, open(output, "rb").read()
            for _ in range(200):
                hit, bad = ended_by(f, sig, args, output)
                problem, hits = problem or bad, hits + hit
                if hits >= 2 or problem:
                    break
                if output[-4:] == "html" and open(
                        output, "rb").read() != before:
                    problem = "the page changed"
            if hits == 0:
                problem = problem or "signal %d: always too late" % sig
        own = [output + ".ringfence-" + n for n in ("abcde", "abcdef.x")]
        locked = output + ".ringfence-locked"
        for name in own + [locked]:
            open(name, "w").close()
        with open(locked) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            problem = problem or f.run(args)[2]
            left = beside(output)
        if problem is None and sorted(left) != sorted(own + [locked]):
            problem = "%r stays" % left
        f.check("%s -o and signals: nothing stays beside it" % args[0],
                problem)
        for name in left:
            os.remove(name)


def become_nobody():
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def for_everybody(path):
    """A copy that others can read: a clone may lie where only root may."""
    copy = os.path.abspath(os.path.basename(path))
    shutil.copy(path, copy)
    os.chmod(copy, 0o755)
    return copy


def rights(f, half):
    if os.getuid() != 0:
        print("skipped: rights need root to give them up")
        return
    collect = ["collect", "-q", "-r", for_everybody(NODES[1]),
               "-s", for_everybody(OBJECTS), "--db"]
    ours, f.ringfence = f.ringfence, for_everybody(f.ringfence)
    os.mkdir("theirs")
    with open("theirs/flows.db", "wb") as out:
        out.write(half)
    for at in (".", "theirs", "theirs/flows.db"):
        os.chmod(at, 0o755)
    problem = f.refuses(collect + ["theirs/flows.db"], "theirs/flows.db",
                        preexec_fn=become_nobody)
    f.check("collect without the right to write", problem)
    problem = f.refuses(collect + ["theirs/new.db"], "theirs/new.db",
                        preexec_fn=become_nobody)
    f.check("collect where nothing can be made", problem)
    problem = f.refuses(["recommend", "-A", "--db", "half.db", "-o",
                         "theirs/out"], preexec_fn=become_nobody)
    f.check("recommend where nothing can be made", problem)
    f.ringfence = ours
    if integrity("theirs/flows.db")[0] is not None:
        problem = "the database suffered"
    f.check("nothing was touched", problem)


def limits(f, half):
    """Files that may not grow, and no more files: as a full disk."""
    def bound(kind, value):
        return lambda: resource.setrlimit(kind, (value, value))

    commands = (COLLECT + ["small.db"],
                ["recommend", "-A", "--db", "shop.db", "-o", "small"],
                ["report", "--db", "shop.db", "-o", "small.html"],
                ["backup", "--db", "shop.db", "-o", "small-copy.db"],
                ["merge", "half.db", "other.db", "-o", "small-all.db"])
    for args in commands:
        problem, refused = None, 0
        for size in (0, 4096, 10000, 40000, 100000):
            with open("small.db", "wb") as out:
                out.write(half)
            before = integrity("small.db")[1]
            status, err, bad = f.run(
                args, preexec_fn=bound(resource.RLIMIT_FSIZE, size))
            refused += status == 3
            damaged, after = integrity("small.db")
            bad = bad or damaged
            if bad is None and status == 3 and after != before:
                bad = "refused, and yet %r became %r" % (before, after)
            left = [n for n in os.listdir(".") if n.startswith(
                ("small-", "small.html"))]
            if bad is None and status == 3 and left:
                bad = "refused, and %r stays" % left
            for name in left:
                os.remove(name)
            problem = problem or bad and "%d bytes: %s" % (size, bad)
        if problem is None and refused == 0:
            problem = "never refused"
        f.check("%s where files may not grow: an error, nothing half" %
                args[0], problem)
    problem = None
    for files in range(3, 12):
        with open("small.db", "wb") as out:
            out.write(half)
        for args in (COLLECT + ["small.db"], READERS[0] + ["half.db"]):
            p = subprocess.run([f.ringfence] + args, timeout=60,
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, preexec_fn=bound(
                                   resource.RLIMIT_NOFILE, files))
            err = p.stderr.decode()
            # the system's loader of programs needs one, too
            if p.returncode not in (0, 3, 127) or (
                    p.returncode == 3 and "Too many open files" not in err):
                problem = problem or "%d files: %d %s" % (
                    files, p.returncode, err)
    f.check("few files may be open: it works, or says so", problem)


# ------------------------------------------------------------- full disks
def full_output(f):
    for args in [a + ["half.db"] for a in READERS]:
        with open("/dev/full", "wb") as full:
            problem = f.refuses(args, "No space left", stdout=full)
        f.check("%s to a full disk" % args[0], problem)


def mounted(size):
    os.mkdir("disk")
    return subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=%d" % size, "tmpfs", "disk"],
        stderr=subprocess.DEVNULL).returncode == 0


def texts(folder):
    return {os.path.join(d, n): open(os.path.join(d, n), "rb").read()
            for d, _, files in os.walk(folder) for n in files}


def fill(room):
    """Leave only so much of the disk."""
    st = os.statvfs("disk")
    with open("disk/ballast", "wb") as out:
        out.write(bytes(max(0, st.f_bavail * st.f_frsize - room)))


def full_disk(f, half):
    if not mounted(4 << 20):
        print("skipped: no tmpfs can be mounted here")
        return
    try:
        full_disk_mounted(f, half)
    finally:
        subprocess.run(["umount", "disk"])


def full_disk_mounted(f, half):
    problem = None
    for room in range(0, 400 * 1024, 40 * 1024):
        with open("disk/flows.db", "wb") as out:
            out.write(half)
        before = integrity("disk/flows.db")[1]
        fill(room)
        status, err, bad = f.run(COLLECT + ["disk/flows.db"])
        if status == 3 and "full" not in err and "No space" not in err:
            bad = bad or err
        os.remove("disk/ballast")  # looking at it needs some room, too
        damaged, after = integrity("disk/flows.db")
        bad = bad or damaged
        if bad is None and status == 3 and after != before:
            bad = "refused, and yet %r became %r" % (before, after)
        problem = problem or bad and "%d bytes left: %s" % (room, bad)
        for name in os.listdir("disk"):
            os.remove(os.path.join("disk", name))
    f.check("collect on a disk that fills: all or nothing", problem)
    problem, refused = None, 0
    for room in range(0, 200 * 1024, 8 * 1024):
        shutil.rmtree("disk/out", ignore_errors=True)
        f.run(["recommend", "--db", "half.db", "-n", "shop", "-o",
               "disk/out"])
        old = texts("disk/out")
        fill(room)
        status, err, bad = f.run(["recommend", "--db", "shop.db", "-A", "-o",
                                  "disk/out"])
        refused += status == 3
        os.remove("disk/ballast")
        left = texts("disk/out")
        for path, text in left.items():
            new = NEW.get(path.replace("disk/", "", 1))
            if path.endswith("/.ringfence"):  # of old and new
                continue
            if bad is None and text != old.get(path) and text != new:
                bad = "%s is neither old nor new" % path
        if bad is None and set(old) - set(left):
            bad = "gone: %r" % (set(old) - set(left))
        if bad is None and any(p.endswith(".tmp") for p in left):
            bad = "temporary files stay"
        problem = problem or bad
    if problem is None and refused == 0:
        problem = "the disk was never full"
    f.check("recommend -o on a disk that fills: files whole", problem)
    copies(f, half)
    with open("disk/plan.sh", "w") as out:
        out.write("old\n")
    fill(0)
    problem = f.refuses(["testplan", "--db", "shop.db", "-A", "-o",
                         "disk/plan.sh"], "No space left")
    if problem is None and open("disk/plan.sh").read() != "old\n":
        problem = "the old script is gone"
    f.check("testplan -o on a full disk", problem)
    problem = f.refuses(["report", "--db", "shop.db", "-o", "disk/plan.sh"],
                        "No space left")
    if problem is None and open("disk/plan.sh").read() != "old\n":
        problem = "the old page is gone"
    f.check("report -o on a full disk", problem)


def copies(f, half):
    """backup and merge where the copy may not fit: whole, or not there."""
    for args in (["backup", "--db", "shop.db", "-o", "disk/copy.db"],
                 ["merge", "half.db", "other.db", "-o", "disk/copy.db"]):
        problem, refused = None, 0
        for room in range(0, 12 * 96 * 1024, 96 * 1024):
            for name in os.listdir("disk"):
                if name.startswith("copy"):
                    os.remove(os.path.join("disk", name))
            fill(room)
            status, err, bad = f.run(args)
            refused += status == 3
            os.remove("disk/ballast")
            left = [n for n in os.listdir("disk") if n.startswith("copy")]
            if bad is None and status == 3 and left:
                bad = "refused, and %r stays: %s" % (left, err)
            if bad is None and status == 0:
                bad = integrity("disk/copy.db")[0]
            problem = problem or bad and "%d bytes left: %s" % (room, bad)
        if problem is None and not 0 < refused < 12:
            problem = "%d of 12 refused: %s" % (refused, err)
        f.check("%s to a disk that fills: whole or not there" % args[0],
                problem)
    for name in os.listdir("disk"):
        if name.startswith("copy"):
            os.remove(os.path.join("disk", name))


NEW = {}


def main():
    f = Faults(os.path.abspath(sys.argv[1]))
    os.environ.pop("RINGFENCE_DB", None)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.chdir(folder)
        make_databases(f)
        f.run(["recommend", "--db", "shop.db", "-A", "-o", "out"])
        NEW.update(texts("out"))
        whole = open("shop.db", "rb").read()
        half = open("half.db", "rb").read()
        strangers(f, whole)
        logs(f, half)
        locked(f, half)
        killed(f, half)
        folders(f)
        interrupted(f)
        rights(f, half)
        limits(f, half)
        full_output(f)
        full_disk(f, half)
        os.chdir("/")
    f.end()


if __name__ == "__main__":
    main()
