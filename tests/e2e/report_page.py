#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a page of report must be, whatever is in it.

    report_page.py PAGE [AUDIT.json]

Well-formed; nothing is fetched, and nothing runs or styles but what its
Content-Security-Policy names by digest; tables and graphs can be read aloud;
every link leads somewhere. With an audit of the same policies: every edge of
it stands there, with its verdict, in one or two sections.
"""
import base64
import collections
import hashlib
import html.parser
import json
import re
import sys
import xml.etree.ElementTree as ET

H = "{http://www.w3.org/1999/xhtml}"
S = "{http://www.w3.org/2000/svg}"
VERDICTS = {"would-drop", "unknown", "allowed", "not-enforceable", "failed"}
TAGS = set("""html head meta title style body header h1 h2 h3 p dl dt dd div nav
ul li a main section figure figcaption svg g path circle text desc defs marker
rect form label input output table caption thead tbody tr th td span small b
br details summary footer em script""".split())
ATTRIBUTES = set("""xmlns lang charset http-equiv content name class href id
aria-label aria-labelledby aria-hidden aria-live hidden type placeholder value
checked scope role width height viewBox refX refY markerWidth markerHeight
markerUnits orient d x y rx cx cy r data-s data-d data-b data-v marker-end
tabindex""".split())


class Reader(html.parser.HTMLParser):
    """As a browser does: no XML, so that quoting has no second chance."""

    def __init__(self):
        super().__init__()
        self.bad = []
        self.content = collections.defaultdict(str)
        self.policy = None
        self.inside = None

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        # HTMLParser lowers names; those of SVG are compared so.
        known = {a.lower() for a in ATTRIBUTES}
        if tag not in TAGS:
            self.bad.append("element <%s>" % tag)
        for name, value in attrs:
            if name not in known:
                self.bad.append("attribute %s of <%s>" % (name, tag))
            if name == "href" and not re.fullmatch(r"#[a-z]+[0-9]*", value):
                self.bad.append("link to %r" % value)
        attrs = dict(attrs)
        if attrs.get("http-equiv") == "Content-Security-Policy":
            self.policy = attrs["content"]

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside in ("style", "script"):
            self.content[self.inside] += data

    def handle_comment(self, data):
        self.bad.append("a comment")


def digest(text):
    sha = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(sha).decode()


def check_policy(reader):
    want = ("default-src 'none'; style-src '%s'; script-src '%s'; "
            "base-uri 'none'; form-action 'none'" % (
                digest(reader.content["style"]),
                digest(reader.content["script"])))
    if reader.policy != want:
        yield "the policy is %r, it must be %r" % (reader.policy, want)
    for kind, text in reader.content.items():
        if re.search(r"url\(|@import|https?:|eval|innerHTML", text):
            yield "%s that reaches out" % kind


def check_tree(root):
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    for name, n in collections.Counter(ids).items():
        if n > 1:
            yield "%d times id %s" % (n, name)
    for e in root.iter():
        links = [e.get("href", "#")[1:]] + e.get("aria-labelledby", "").split()
        links += re.findall(r"url\(#(.*)\)", e.get("marker-end", ""))
        for to in filter(None, links):
            if to not in ids:
                yield "nothing is #%s" % to
    for e in root.iter():
        if e.get("tabindex") and not (
                e.get("role") and e.get("aria-labelledby")):
            yield "%s takes the focus and has no name" % e.tag
    for table in root.iter(H + "table"):
        if not "".join(table.find(H + "caption").itertext()):
            yield "a table without a caption"
        if any(th.get("scope") is None for th in table.iter(H + "th")):
            yield "a header without scope"
        widths = {len(tr) for tr in table.iter(H + "tr")}
        if len(widths) != 1:
            yield "rows of %s cells" % widths
    for svg in root.iter(S + "svg"):
        if svg.get("aria-hidden") is None and (
                svg[0].tag != S + "title" or svg[1].tag != S + "desc"):
            yield "a graph without title and description"
        for line in svg.iter(S + "g"):
            if line.get("data-s") and line.find(S + "title") is None:
                yield "a line without words"
    levels = [int(e.tag[-1]) for e in root.iter()
              if re.fullmatch(re.escape(H) + "h[1-6]", e.tag)]
    if levels[0] != 1 or levels.count(1) != 1:
        yield "headings %s" % levels
    if any(b > a + 1 for a, b in zip(levels, levels[1:])):
        yield "a level of headings is left out"


def rows_of(root):
    """Edges in the sections of namespaces, as (verdict, port, connections)."""
    rows = collections.Counter()
    for section in root.iter(H + "section"):
        name = section.get("aria-labelledby")
        if not re.fullmatch("ns[0-9]+|others", name):
            continue
        for tr in section.iter(H + "tr"):
            if tr.get("data-v") is None:
                continue
            cells = ["".join(td.itertext()) for td in tr]
            rows[(tr.get("data-v"), cells[3], cells[5],
                  int(cells[6].split()[-1]))] += 1
    return rows


def check_audit(root, audit):
    want = collections.Counter()
    for e in audit["edges"]:
        traffic = e["outcome"] in ("established", "oneway", "midstream")
        key = (e["verdict"] if traffic else "failed",
               "%s %d" % (e["protocol"], e["port"]), e["outcome"],
               e["connections"])
        ends = {e[end]["namespace"] for end in ("src", "dst")
                if e[end]["type"] == "workload"}
        want[key] += len(ends) or 1
    have = rows_of(root)
    if have != want:
        yield "too many: %s; too few: %s" % (have - want, want - have)
    figures = [int(re.match("[0-9]+", "".join(dd.itertext())).group())
               for dd in root.iter(H + "dd")]
    counts = [audit["summary"][k] for k in (
        "wouldDrop", "unknown", "allowed", "notEnforceable")]
    if figures[:4] != counts:
        yield "figures %s, audit has %s" % (figures, counts)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        text = f.read()
    reader = Reader()
    reader.feed(text)
    root = ET.fromstring(text)
    problems = reader.bad + list(check_policy(reader)) + list(check_tree(root))
    problems += ["a row is %s" % tr.get("data-v") for tr in
                 root.iter(H + "tr")
                 if tr.get("data-v", "failed") not in VERDICTS]
    if len(sys.argv) > 2:
        with open(sys.argv[2]) as f:
            problems += check_audit(root, json.load(f))
    for problem in problems[:20]:
        print(ascii(problem))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
