#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile names through every command and output format.

    hostile.py RINGFENCE

A cluster whose namespaces, workloads, labels, ports and Services are named by
an enemy, a capture in which they talk to each other, and policies of the same
kind. Each output is read by a parser of its kind, and looked at for what would
reach a terminal, a shell, a browser, a spreadsheet or another file.
"""
import csv
import http.server
import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unicodedata
import xml.etree.ElementTree as ET

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import report_page
from named_world import World
from tally import Tally

WIRE = "wire\x1b[31m\u202e.pcap"
POLICY_FILE = "policies\x1b[31m\u202e<b>|`a`$(touch pwned)\n.json"

# What no name may do anywhere. None is a name that a server would take.
HOSTILE = [
    "double\"quote", "single'quote", "new\nline", "carriage\rreturn",
    "tab\there", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "bell\x07",
    "c1\u009b31m", "del\x7f", "bidi\u202eevil", "isolate\u2066x\u2069",
    "zero\u200bwidth", "joiner\u2060x", "bom\ufeffx", "tag\U000e0041x",
    "line\u2028sep", "# comment", "key: value", "- item", "{flow: map}",
    "[flow, list]", "&anchor", "*alias", "!!python/object:os.system",
    "%directive", "---", "...", "null", "true", "1e3", "~", "|", ">",
    "<script>alert(1)</script>", "<!-- comment", "</details>", "a|b|c",
    "**bold**", "[link](http://evil.example)", "`code`", "http://evil.example",
    "$(touch pwned)", "`touch pwned`", "'; touch pwned; '",
    "\"; touch pwned; \"", "${IFS}touch${IFS}pwned", "x && touch pwned",
    "\\", "trailing\\", "EOF", "=cmd()", "+1+1", "-1", "@SUM(1)", "-rf",
    "--db", "a,b;c", " leading", "trailing ", "%s%n%x", "x" * 300,
    "\u00e4\u4e2d\U0001f600",
]
# These cannot be files; recommend -o refuses them, and writes nothing.
PATHS = ["../../escape", "/tmp/escape", "..", ".", ".hidden", "a/b"]

BAD = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def visible(text):
    """What is in text that a terminal would act upon, or show in disguise."""
    for i, c in enumerate(text):
        if c != "\n" and unicodedata.category(c) in BAD:
            return "U+%04X in %r" % (ord(c), text[max(0, i - 40):i + 40])
    return None


def policies(names):
    """Policies that say hostile things where a policy can."""
    out = []
    for name in names:
        out.append({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": name, "namespace": name},
            "spec": {"podSelector": {"matchLabels": {"app": name}},
                     "policyTypes": ["Ingress", "Egress"],
                     "ingress": [{"from": [{"podSelector": {
                         "matchLabels": {name: name}}}],
                         "ports": [{"port": name}]}]}})
    return {"apiVersion": "v1", "kind": "List", "items": out}


# ------------------------------------------------------- formats of output
def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for k, v in value.items():
            yield k
            yield from strings(v)
    elif isinstance(value, list):
        for v in value:
            yield from strings(v)


def look_json(text, names):
    have = set(strings(json.loads(text)))
    missing = [n for n in names if n not in have]
    return "lost: %r" % missing if missing else None


def look_csv(text, _):
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if len({len(r) for r in rows}) != 1 or len(rows) < 2:
        return "rows of %r fields" % {len(r) for r in rows}
    for row in rows:
        for field in row:
            if field[:1] in ("=", "+", "-", "@", "\t", "\r"):
                return "a formula: %r" % field
    return None


def look_markdown(text, _):
    bare = re.sub(r"</?(code|details|summary|br)>", "", text)
    if "<" in bare.replace("<=", ""):
        at = bare.index("<")
        return "markup: %r" % bare[max(0, at - 40):at + 40]
    link = re.search(r"(?<!\\)\]\(|https?://|www\.", text)
    if link:
        return "a link: %r" % text[max(0, link.start() - 40):link.end() + 40]
    widths, problem = None, None
    for line in text.split("\n"):
        if not line.startswith("|"):
            widths = None
            continue
        n = len(re.findall(r"(?<!\\)\|", line))
        if widths not in (None, n):
            problem = "a table of %r and %r columns: %r" % (widths, n, line)
        widths = n
    return problem


def look_yaml(text, _):
    docs = list(yaml.safe_load_all(text))
    for d in docs:
        if d.get("kind") not in ("NetworkPolicy", "Kustomization"):
            return "a document of kind %r" % d.get("kind")
        if set(d) - {"apiVersion", "kind", "metadata", "spec", "resources",
                     "sortOptions"}:
            return "members %r" % sorted(d)
    return None if docs else "nothing"


def look_text(_text, _names):
    return None


class Run:
    def __init__(self, ringfence, tally):
        self.ringfence, self.tally = ringfence, tally
        self.status = None

    def command(self, args, statuses=(0, 1)):
        p = subprocess.run([self.ringfence] + args, timeout=120,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           stdin=subprocess.DEVNULL)
        out, err = p.stdout.decode(), p.stderr.decode()
        self.status = p.returncode
        if p.returncode not in statuses:
            return out, err, "status %d: %s" % (p.returncode, err[:600])
        return out, err, None

    def look(self, name, args, look=look_text, names=(), statuses=(0, 1),
             crlf=False):
        out, err, problem = self.command(args, statuses)
        shown = out.replace("\r\n", "\n") if crlf else out
        problem = problem or visible(shown) or visible(err)
        if problem is None and not (out == "" and self.status == 3):
            try:
                problem = look(out, names)
            except (ValueError, yaml.YAMLError, csv.Error) as e:
                problem = "no parser takes it: %s" % e
        self.tally.check(name, problem)
        return out


def look_page(text, names):
    """Only our own markup; names as they are, or visibly escaped."""
    reader = report_page.Reader()
    reader.feed(text)
    root = ET.fromstring(text)
    problems = reader.bad + list(report_page.check_policy(reader)) + \
        list(report_page.check_tree(root))
    shown = "".join(root.itertext())
    if names and "<script>alert(1)</script>" in names and \
            "<script>alert(1)</script>" not in shown:
        problems.append("a name is lost")
    return problems[0] if problems else None


def look_lines(text, names):
    return look_json("[" + ",".join(text.splitlines()) + "]", names)


def try_script(script, folder):
    """Would a shell run anything but kubectl?"""
    done = subprocess.run(["bash", "-n", script], stderr=subprocess.PIPE)
    if done.returncode != 0:
        return "bash -n: %r" % done.stderr[:300]
    tools = os.path.join(folder, "tools")
    os.mkdir(tools)
    with open(os.path.join(tools, "kubectl"), "w") as f:
        f.write("#!/bin/sh\nprintf 'nc 1\\n'\nexit 0\n")
    os.chmod(os.path.join(tools, "kubectl"), 0o755)
    for phase in ("before", "after"):
        done = subprocess.run(
            ["sh", script, phase], cwd=folder, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": tools + ":/usr/bin:/bin"})
        problem = visible(done.stdout.decode()) or \
            visible(done.stderr.decode())
        if problem:
            return "what it prints: " + problem
    return None


def tree(folder):
    return {os.path.join(d, f) for d, _, files in os.walk(folder)
            for f in files if not f.endswith(("-wal", "-shm"))}


def all_commands(run, names, folder, want_policies):
    db = os.path.join(folder, "flows.db")
    objects = os.path.join(folder, "objects.json")
    bad = os.path.join(folder, POLICY_FILE)
    mine = os.path.join(folder, "mine.yaml")
    with open(bad, "w") as f:
        json.dump(policies(names), f)
    run.look("collect", ["collect", "-r", os.path.join(folder, WIRE),
                         "-s", objects, "--db", db], statuses=(0,))
    run.look("flows", ["flows", "--db", db])
    run.look("flows, JSON", ["flows", "--db", db, "-o", "json"], look_json,
             names)
    run.look("flows, CSV", ["flows", "--db", db, "-o", "csv"], look_csv,
             crlf=True)
    out = run.look("recommend", ["recommend", "--db", db, "-A"], look_yaml,
                   statuses=(0, 1) if want_policies else (3,))
    with open(mine, "w") as f:
        f.write(out or open(bad).read())
    for kind, look in (("table", look_text), ("json", look_json),
                       ("markdown", look_markdown), ("sarif", look_json)):
        run.look("audit, " + kind, ["audit", "--db", db, "-f", mine, "-o",
                                    kind], look,
                 statuses=(0, 1) if want_policies else (3,))
        run.look("audit of hostile policies, " + kind,
                 ["audit", "--db", db, "-f", bad, "-o", kind], look,
                 statuses=(0, 1, 3))
    for kind, look in (("table", look_text), ("json", look_json),
                       ("sarif", look_json)):
        run.look("lint, " + kind, ["lint", "-f", bad, "--db", db, "-o", kind],
                 look, statuses=(0, 1, 3))
        run.look("lint of ours, " + kind,
                 ["lint", "-f", mine, "--snapshot", objects, "-o", kind],
                 look, statuses=(0, 1, 3))
    for kind, look in (("text", look_text), ("json", look_lines)):
        run.look("validate, " + kind, ["validate", "-f", bad, "-o", kind],
                 look)
    run.look("diff", ["diff", bad, mine, "--db", db], statuses=(0, 1, 3))
    run.look("diff, JSON", ["diff", mine, mine, "--db", db, "-o", "json"],
             look_json, statuses=(0, 1, 3))
    if not want_policies:
        check_each(run, names, objects, mine)
    follow(run, db)
    if not want_policies:
        other_commands(run, names, folder, db, bad)
    run.look("report", ["report", "--db", db], look_page, statuses=(0, 3))
    run.look("report on hostile policies", ["report", "--db", db, "-f", bad],
             look_page, statuses=(0, 3))
    script = os.path.join(folder, "plan.sh")
    run.look("testplan", ["testplan", "--db", db, "-A", "-o", script])
    with open(script, encoding="utf-8") as f:
        run.tally.check("testplan: nothing hidden in the script",
                        visible(re.sub(r"(?m)^\t+", "", f.read())))
    run.tally.check("testplan: a shell runs only kubectl",
                    try_script(script, folder))
    return db


def follow(run, db):
    """What flows --follow prints before it is told to end."""
    p = subprocess.Popen([run.ringfence, "flows", "--db", db, "--follow"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         stdin=subprocess.DEVNULL)
    text = b""
    while text.count(b"\n") < 20 and (piece := p.stdout.read1()):
        text += piece
    # Not SIGINT: what a shell runs in the background ignores that one.
    p.send_signal(signal.SIGTERM)
    rest, err = p.communicate(timeout=60)
    text = (text + rest).decode()
    run.tally.check("flows --follow", visible(text) or visible(err.decode()) or
                    (None if text.count("\n") >= 20 else "little: " + text))


def other_commands(run, names, folder, db, bad):
    """Lines of probes, other databases, and the words of a server."""
    probes = os.path.join(folder, "probes")
    for line in ({"src_pod": "%s/%s-0", "dst_pod": "%s/client-0"},
                 {"src": "%s%s%s", "dst": "10.0.0.1"}):
        with open(probes, "w") as f:
            for name in names:
                f.write(json.dumps({
                    k: v.replace("%s", name) for k, v in line.items()} | {
                        "proto": "TCP", "port": 80}) + "\n")
        for kind, look in (("text", look_text), ("json", look_lines)):
            run.look("check --probes, " + kind, [
                "check", "--db", db, "-f", bad, "--probes", probes, "-o",
                kind], look, statuses=(0, 1, 3))
    copy = os.path.join(folder, "copy" + WIRE)
    run.look("backup", ["backup", "--db", db, "-o", copy], statuses=(0,))
    run.look("merge", ["merge", copy, db, "-o", copy + ".merged"],
             statuses=(0, 3))
    run.look("collect, another's file", [
        "collect", "-r", copy, "--db", db], statuses=(3,))
    problem = None
    for i in range(0, len(names), 4):
        text = " ".join(n[:40] for n in names[i:i + 4])
        answer = json.dumps({"kind": "Status", "status": "Failure",
                             "reason": text, "message": text, "code": 404})
        problem = problem or asked(
            run, folder, (answer, "<title>%s</title>" % text, text))
    run.tally.check("words of an API server", problem)


class Answer(http.server.BaseHTTPRequestHandler):
    """To every request the next of the texts, as a failure."""
    texts = []

    def do_GET(self):
        text = self.texts.pop().encode()
        self.send_response(404)  # which is not tried again
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


def asked(run, folder, texts):
    """What snapshot says when it gets such answers."""
    Answer.texts = list(texts)
    config = os.path.join(folder, "kubeconfig")
    problem = None
    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True,
                                  kwargs={"poll_interval": 0.01})
        thread.start()
        with open(config, "w") as f:
            json.dump({"current-context": "c", "contexts": [
                {"name": "c", "context": {"cluster": "k"}}], "clusters": [
                    {"name": "k", "cluster": {
                        "server": "http://127.0.0.1:%d" %
                                  server.server_port}}]}, f)
        while Answer.texts and problem is None:
            left = len(Answer.texts)
            out, err, problem = run.command(
                ["snapshot", "--kubeconfig", config, "-o", "s.json"], (3,))
            problem = problem or visible(out) or visible(err)
            if problem is None and left == len(Answer.texts):
                problem = "nothing was asked: " + err
        server.shutdown()
        thread.join()
    return problem


def check_each(run, names, objects, mine):
    """Names as arguments, and so in the messages about them: each in two of
    six places."""
    problem = None
    for i, name in enumerate(names):
        places = (["check", "--snapshot", objects, "-f", mine,
                   "%s/client-0" % name, "%s/%s-0" % (name, name),
                   "--port", "8080"],
                  ["flows", "--db", name], ["validate", "-f", name],
                  [name], ["flows", "--" + name],
                  ["audit", "--db", "x", "-f", "x", "-n", name])
        for args in (places[i % 6], places[(i + 3) % 6]):
            out, err, bad = run.command(args, (0, 1, 2, 3))
            problem = problem or bad or visible(out) or visible(err)
    run.tally.check("names as arguments", problem)


def all_files(run, db, folder, names):
    """What recommend -o writes, and where."""
    out = os.path.join(folder, "out")
    before = tree(folder)
    text, err, problem = run.command(
        ["recommend", "--db", db, "-A", "-o", out], (0, 3))
    run.tally.check("recommend -o", problem or visible(text) or visible(err))
    new = tree(folder) - before
    outside = [f for f in new if not f.startswith(out + "/")]
    run.tally.check("recommend -o writes only there",
                    "wrote %r" % outside if outside else None)
    for path in sorted(new):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if path.endswith(".md"):
            run.tally.check("REVIEW.md", visible(text) or
                            look_markdown(text, names))
        elif path.endswith(".yaml"):
            problem = visible(text) or look_yaml(text, names)
            if problem:
                run.tally.check(path[len(folder):], problem)
    return new


def one_world(run, only_owners):
    tally = run.tally
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        World(HOSTILE + PATHS if only_owners else HOSTILE,
              only_owners).write(folder, WIRE)
        db = all_commands(run, HOSTILE, folder, only_owners)
        new = all_files(run, db, folder, HOSTILE)
        if only_owners:
            tally.check("there are policies to look at",
                        None if len(new) > 2 * len(HOSTILE) else
                        "%d files" % len(new))
        tally.check("nothing was run", "pwned" if any(
            "pwned" in os.path.basename(f) and
            os.path.getsize(f) == 0 for f in tree(folder)) else None)


def main():
    ringfence = os.path.abspath(sys.argv[1])
    tally = Tally()
    run = Run(ringfence, tally)
    os.environ.pop("RINGFENCE_DB", None)
    one_world(run, False)
    one_world(run, True)
    for name in PATHS:
        with tempfile.TemporaryDirectory() as folder:
            deep = os.path.join(folder, "a", "b")
            os.makedirs(deep)
            os.chdir(deep)
            World([name]).write(deep, WIRE)
            db = os.path.join(deep, "flows.db")
            run.look("collect, namespace %r" % name, [
                "collect", "-r", WIRE, "-s", "objects.json", "--db",
                db], statuses=(0,))
            new = all_files(run, db, deep, [name])
            tally.check("nothing is written for %r" % name,
                        "wrote %r" % new if new else None)
    os.chdir("/")
    tally.end()


main()
