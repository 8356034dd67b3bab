# SPDX-License-Identifier: Apache-2.0
"""Expand a Helm chart whose templates keep to a small part of the language.

render(chart, values, release, namespace) gives {template: text}. Known are
define, include, if/else if/else, with, end, variables, pipelines and the
functions in FUNCTIONS. Anything else is an error: a template must stay as
plain as that.
"""
import copy
import os
import re

import yaml

TOKEN = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", re.S)
WORD = re.compile(r'"(?:[^"\\]|\\.)*"|:=|[()|]|[^\s()|]+')


def truth(value):
    return value not in (None, False, 0, "", [], {}) or value is True


def to_yaml(value):
    return yaml.safe_dump(value, default_flow_style=False).rstrip("\n")


def text_of(value):
    if value is None:
        raise ValueError("a value that is not set was printed")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        raise ValueError("a map or list was printed: %r" % (value,))
    return str(value)


def indent(n, text):
    return "\n".join(" " * n + line for line in text.split("\n"))


def quote(value):
    return '"%s"' % text_of(value).replace("\\", "\\\\").replace('"', '\\"')


FUNCTIONS = {
    "default": lambda d, v=None: v if truth(v) else d,
    "quote": quote,
    "int64": int,
    "trunc": lambda n, s: s[:n],
    "trimSuffix": lambda end, s: s[:-len(end)] if s.endswith(end) else s,
    "contains": lambda part, s: part in s,
    "replace": lambda old, new, s: s.replace(old, new),
    "printf": lambda fmt, *a: fmt % a,
    "toYaml": to_yaml,
    "nindent": lambda n, s: "\n" + indent(n, s),
    "not": lambda v: not truth(v),
    "and": lambda *v: next((x for x in v if not truth(x)), v[-1]),
    "or": lambda *v: next((x for x in v if truth(x)), v[-1]),
}


def parse(text):
    """A tree of ("text", s), ("do", e), ("if"|"with"|"define", [(e, body)])."""
    pieces, at = [], 0
    for m in TOKEN.finditer(text):
        before = text[at:m.start()]
        if pieces and pieces[-1][2]:
            before = before.lstrip()
        if m.group(1):
            before = before.rstrip()
        pieces += [("text", before, False), ("do", m.group(2), m.group(3))]
        at = m.end()
    rest = text[at:]
    pieces.append(("text", rest.lstrip() if pieces and pieces[-1][2] else rest,
                   False))
    root = []
    stack = [("root", None, root)]
    for kind, value, _ in pieces:
        here = stack[-1][2]
        if kind == "text":
            here.append(("text", value))
            continue
        word, _, rest = value.partition(" ")
        if word in ("if", "with", "define"):
            arms = [(rest, [])]
            here.append((word, arms))
            stack.append((word, arms, arms[0][1]))
        elif word == "else":
            opened, arms, _ = stack.pop()
            arms.append((rest.strip()[3:] if rest else None, []))
            stack.append((opened, arms, arms[-1][1]))
        elif word == "end":
            stack.pop()
        elif not value.startswith("/*"):
            here.append(("do", value))
    if len(stack) != 1:
        raise ValueError("%s without end" % stack[-1][0])
    return root


class Template:
    def __init__(self, root):
        self.root = root  # Values, Release, Chart
        self.named = {}

    @staticmethod
    def look_up(path, dot):
        value = dot
        for name in path.strip(".").split("."):
            if name:
                value = (value or {}).get(name)
        return value

    def atom(self, words, dot, variables):
        w = words.pop(0)
        if w == "(":
            value = self.pipeline(words, dot, variables)
            assert words.pop(0) == ")"
            return value
        if w.startswith('"'):
            return yaml.safe_load(w)
        if re.fullmatch(r"\d+", w):
            return int(w)
        if w.startswith("$"):
            name, _, path = w.partition(".")
            return self.look_up(path, self.root if name == "$"
                                else variables[name])
        if w.startswith("."):
            return self.look_up(w, dot)
        raise ValueError("what is %s?" % w)

    def command(self, words, dot, variables, piped):
        if words[0] != "include" and words[0] not in FUNCTIONS:
            value = self.atom(words, dot, variables)
            if piped or (words and words[0] not in "|)"):
                raise ValueError("unknown function before %r" % words)
            return value
        name, args = words.pop(0), []
        while words and words[0] not in "|)":
            args.append(self.atom(words, dot, variables))
        args += piped
        if name == "include":
            return self.run(self.named[args[0]], args[1], {})
        return FUNCTIONS[name](*args)

    def pipeline(self, words, dot, variables):
        value = self.command(words, dot, variables, [])
        while words and words[0] == "|":
            words.pop(0)
            value = self.command(words, dot, variables, [value])
        return value

    def evaluate(self, text, dot, variables):
        words = WORD.findall(text)
        if len(words) > 1 and words[1] == ":=":
            variables[words[0]] = self.pipeline(words[2:], dot, variables)
            return ""
        value = self.pipeline(words, dot, variables)
        if words:
            raise ValueError("what is left of {{ %s }}: %r" % (text, words))
        return value

    def run(self, tree, dot, variables):
        out = ""
        for node in tree:
            kind, value = node
            if kind == "text":
                out += value
            elif kind == "do":
                out += text_of(self.evaluate(value, dot, variables))
            elif kind == "define":
                self.named[yaml.safe_load(value[0][0])] = value[0][1]
            else:
                for condition, body in value:
                    got = condition is None or self.evaluate(
                        condition, dot, variables)
                    if truth(got):
                        new = got if kind == "with" and condition else dot
                        out += self.run(body, new, dict(variables))
                        break
        return out


def merge(base, over):
    """As helm does: maps unite, everything else is replaced."""
    out = copy.deepcopy(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        else:
            out[key] = value
    return out


def render(chart, values, release="ringfence", namespace="ringfence"):
    def read(name):
        with open(os.path.join(chart, name), encoding="utf-8") as f:
            return f.read()

    about = yaml.safe_load(read("Chart.yaml"))
    template = Template({
        "Values": merge(yaml.safe_load(read("values.yaml")), values),
        "Chart": {k[0].upper() + k[1:]: v for k, v in about.items()},
        "Release": {"Name": release, "Namespace": namespace,
                    "Service": "Helm"},
    })
    files = os.listdir(os.path.join(chart, "templates"))
    out = {}
    # What others include comes first.
    for name in sorted(files, key=lambda f: (f[0] != "_", f)):
        try:
            text = template.run(parse(read("templates/" + name)),
                                template.root, {})
        except (ValueError, KeyError, IndexError, TypeError) as e:
            raise SystemExit("templates/%s: %s" % (name, e)) from e
        if not name.startswith("_"):
            out[name] = text
    return out
