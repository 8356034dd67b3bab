#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does nothing of a report's page stand out of it, whatever its width?

    page_layout.py PAGE...

Shows each page at the widths of a phone, a tablet and a desk in one Chromium;
prints what is wider than the page that it is in, or cut off, and exits with 1.
What scrolls within itself, such as the graph, may be wide. Exit status 77
where there is no Chromium.
"""
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile

WIDTHS = [360, 768, 1280]

# The page's policy lets no other script run, so here it goes without one.
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')

LOOK = """
function scrolls(e) {
  for (; e && e.tagName != "BODY"; e = e.parentElement)
    if (getComputedStyle(e).overflowX != "visible") return true;
  return false;
}
function look(frame) {
  var d = frame.contentDocument, w = d.documentElement.clientWidth, found = [];
  if (d.documentElement.scrollWidth > w)
    found.push("the page scrolls sideways");
  d.querySelectorAll("body *").forEach(function (e) {
    var r = e.getBoundingClientRect(), name = e.tagName + "." + e.className;
    if (e.closest("svg") || r.width == 0) return;
    if ((r.right > w + 1 || r.left < -1) && !scrolls(e))
      found.push(name + " stands out");
    if (e.scrollWidth > e.clientWidth + 1 &&
        getComputedStyle(e).overflowX == "hidden")
      found.push(name + " is cut off");
  });
  return [frame.title + ": " + d.querySelectorAll("tr").length + " rows"]
    .concat(found.slice(0, 5)).join("; ");
}
addEventListener("load", function () {
  document.title = Array.from(document.querySelectorAll("iframe"), look)
    .join("\\n");
});
"""


def frame(path, width):
    with open(path, encoding="utf-8") as f:
        page = POLICY.sub("", f.read())
    return '<iframe width="%d" height="900" title="%s at %d" srcdoc="%s">' \
        "</iframe>" % (width, html.escape(path), width, html.escape(page))


def main():
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        wrapper = os.path.join(folder, "all.html")
        with open(wrapper, "w", encoding="utf-8") as f:
            f.write("<!DOCTYPE html><title>none</title><script>%s</script>"
                    % LOOK)
            f.writelines(frame(p, w) for p in sys.argv[1:] for w in WIDTHS)
        shown = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu",
             "--user-data-dir=" + folder, "--dump-dom", "file://" + wrapper],
            capture_output=True, text=True, timeout=300).stdout
    title = re.search(r"<title>(.*?)</title>", shown, re.DOTALL)
    lines = html.unescape(title.group(1)).split("\n") if title else []
    print("\n".join(lines))
    whole = [l for l in lines if re.fullmatch(r".*: [1-9]\d* rows", l)]
    sys.exit(len(whole) != len(WIDTHS) * (len(sys.argv) - 1))


main()
