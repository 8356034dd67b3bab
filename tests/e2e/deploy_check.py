# SPDX-License-Identifier: Apache-2.0
"""deploy_check.py RINGFENCE [KUBECTL]: what deploy/ says, held together.

kustomize's base and overlays, the Helm chart, the unit and the program tell
one story: the same objects, options that the program takes, one version. Run
from the top of the tree by deploy.sh. Without KUBECTL the base is put
together here and the overlays are left out.
"""
import copy
import json
import subprocess
import sys

import yaml

import helm_render

CHART = "deploy/helm/ringfence"
# On every object that Helm makes, by its conventions; kustomize has none.
HELM_LABELS = ("app.kubernetes.io/version", "app.kubernetes.io/managed-by",
               "helm.sh/chart")
# values of the chart: overlay that means the same
TWINS = {
    "base": {},
    "overlays/node-watch": {"watch": "node"},
    "overlays/prometheus": {"metricsOnNodeAddress": True,
                            "podMonitor": {"enabled": True}},
    "overlays/conntrack": {"conntrack": True},
    "overlays/openshift": {"openshift": {"enabled": True}},
}
# For each value of the chart another one, which must change what it makes.
OTHERS = {
    "image": {"repository": "r/ringfence", "digest": "sha256:" + 64 * "0"},
    "imagePullSecrets": [{"name": "registry"}],
    "nameOverride": "fence",
    "fullnameOverride": "other",
    "watch": "node",
    "retain": "7d",
    "databasePath": "/data/ringfence",
    "conntrack": True,
    "extraArgs": ["--depth=full"],
    "extraEnv": [{"name": "A", "value": "b"}],
    "apiServer": {"host": "192.0.2.1", "port": 6443},
    "metricsPort": 9798,
    "metricsOnNodeAddress": True,
    "podMonitor": {"enabled": True, "labels": {"release": "x"}},
    "serviceAccount": {"create": False, "name": "mine"},
    "rbac": {"create": False},
    "openshift": {"enabled": True},
    "priorityClassName": "system-node-critical",
    "podAnnotations": {"a": "b"},
    "podLabels": {"a": "b"},
    "resources": {"limits": {"memory": "1Gi"}},
    "nodeSelector": {"pool": "x"},
    "tolerations": [],
    "affinity": {"nodeAffinity": {}},
    "maxUnavailable": 1,
    "terminationGracePeriodSeconds": 10,
}
passed = failed = 0


def check(name, problems):
    global passed, failed
    passed, failed = passed + (not problems), failed + bool(problems)
    print("%s %s" % ("not ok" if problems else "ok", name))
    for p in problems:
        print("  " + p)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def by_name(objects):
    found = {}
    for o in objects:
        if o is not None:
            found[o["kind"] + "/" + o["metadata"]["name"]] = o
    return found


def base_by_hand():
    k = yaml.safe_load(read("deploy/base/kustomization.yaml"))
    objects = []
    for name in k["resources"]:
        o = yaml.safe_load(read("deploy/base/" + name))
        o["metadata"].setdefault("labels", {}).update(k["labels"][0]["pairs"])
        objects.append(o)
    return by_name(objects)


def charted(values):
    texts = helm_render.render(CHART, values)
    return by_name(o for name, t in texts.items() if name != "NOTES.txt"
                   for o in yaml.safe_load_all(t))


def differences(a, b, at=""):
    """Where two trees differ, as lines."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [line for key in sorted(set(a) | set(b))
                for line in differences(a.get(key), b.get(key),
                                        at + "/" + str(key))]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [line for i, pair in enumerate(zip(a, b))
                for line in differences(*pair, at + "/%d" % i)]
    return [] if a == b else ["%s: %r, but %r" % (at, a, b)]


def without_helm_labels(objects):
    objects = copy.deepcopy(objects)
    for o in objects.values():
        for label in HELM_LABELS:
            o["metadata"]["labels"].pop(label)
    return objects


def twin(kustomized, values):
    """The chart leaves the Namespace to `helm install --namespace`."""
    want = {k: o for k, o in kustomized.items() if o["kind"] != "Namespace"}
    return differences(want, without_helm_labels(charted(values)))


def pod_of(objects):
    return objects["DaemonSet/ringfence"]["spec"]["template"]["spec"]


def takes(ringfence, args):
    """Does the program take these options? What they lead to is not run."""
    p = subprocess.run([ringfence, *args, "--help"], capture_output=True,
                       text=True, check=False)
    return [p.stderr.strip()] if p.returncode != 0 else []


def probes_ask_where_it_listens(objects):
    c = pod_of(objects)["containers"][0]
    listen = [a for a in c["args"] if a.startswith("--listen=")][0]
    host, port = listen[len("--listen="):].rsplit(":", 1)
    want = {"port": int(port)}
    if host != "[$(HOST_IP)]":
        want["host"] = host
    problems = []
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        get = dict(c[probe]["httpGet"])
        get.pop("path")
        if get != want:
            problems.append("%s asks %r of --listen %s" % (probe, get, listen))
    return problems


def least_privilege(objects, capabilities):
    """Why it is so: deploy/README.md, "What rights it takes"."""
    pod = pod_of(objects)
    c = pod["containers"][0]
    want = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"], "add": capabilities}}
    problems = differences(want, c["securityContext"])
    if pod["securityContext"]["seccompProfile"]["type"] != "RuntimeDefault":
        problems.append("no seccomp profile")
    if pod["securityContext"]["runAsUser"] != 0:
        problems.append("not root: capabilities.add would give nothing")
    mounts = {m["name"]: m["mountPath"] for m in c["volumeMounts"]}
    db = [a for a in c["args"] if a.startswith("--db=")][0][len("--db="):]
    if not db.startswith(mounts["database"] + "/"):
        problems.append("%s is not in the volume" % db)
    for field in ("hostPID", "hostIPC"):
        if field in pod:
            problems.append(field)
    return problems


def schema_gaps(values, schema, at=""):
    """Names in values.yaml and in the schema are the same."""
    known = schema.get("properties")
    if not isinstance(values, dict) or known is None:
        return []
    open_names = {"global", "host", "port"}  # documented, without a default
    problems = ["%s%s: not in both" % (at, name) for name in
                set(values) ^ set(known) if name not in open_names]
    if schema.get("additionalProperties", True):
        problems.append("%s: takes any name" % (at or "the top"))
    for name in set(values) & set(known):
        problems += schema_gaps(values[name], known[name], at + name + ".")
    return problems


def chart_values():
    values = yaml.safe_load(read(CHART + "/values.yaml"))
    schema = json.loads(read(CHART + "/values.schema.json"))
    check("schema and values of the chart name the same",
          schema_gaps(values, schema))
    check("each value of the chart is tried below",
          differences(sorted(values), sorted(OTHERS)))
    check("odd names stay strings", odd_names())
    plain = helm_render.render(CHART, {})
    for name, other in OTHERS.items():
        made = helm_render.render(CHART, {name: other})
        for template, text in made.items():
            list(yaml.safe_load_all(text)) if template != "NOTES.txt" else 0
        check("the chart heeds " + name,
              [] if made != plain else ["nothing changed"])


def odd_names():
    """What Helm lets a release, a namespace or a value be called, and YAML
    would read as a number, a truth, a comment or a mistake."""
    texts = helm_render.render(
        CHART, {"databasePath": "/data/a: b #c", "nameOverride": "true",
                "metricsOnNodeAddress": True, "openshift": {"enabled": True},
                "podMonitor": {"enabled": True, "interval": "60"}},
        "123", "7")
    objects = [o for name, t in texts.items() if name != "NOTES.txt"
               for o in yaml.safe_load_all(t)]
    problems = []
    for o in objects:
        meta = o["metadata"]
        strings = [meta["name"], meta.get("namespace", ""),
                   *meta["labels"].values()]
        for s in o.get("subjects", []) + [o.get("roleRef", {})]:
            strings += s.values()
        if o["kind"] == "DaemonSet":
            spec = o["spec"]["template"]["spec"]
            strings += [*o["spec"]["selector"]["matchLabels"].values(),
                        spec["serviceAccountName"], spec["priorityClassName"]]
            if spec["volumes"][0]["hostPath"]["path"] != "/data/a: b #c":
                problems.append("databasePath")
        if o["kind"] == "PodMonitor":
            strings.append(o["spec"]["podMetricsEndpoints"][0]["interval"])
        problems += ["%s: %r" % (o["kind"], s) for s in strings
                     if not isinstance(s, str)]
    return problems


def versions(ringfence, objects):
    out = subprocess.run([ringfence, "--version"], capture_output=True,
                         text=True, check=True).stdout
    version = out.split()[1]
    about = yaml.safe_load(read(CHART + "/Chart.yaml"))
    said = {
        "the base": pod_of(objects)["containers"][0]["image"].split(":")[1],
        "Chart.yaml, version": about["version"],
        "Chart.yaml, appVersion": about["appVersion"],
    }
    return ["%s says %s, the program %s" % (where, v, version)
            for where, v in said.items() if v != version]


def unit_args():
    text = read("deploy/systemd/ringfence-collect.service")
    line = text.replace("\\\n", " ").split("ExecStart=")[1].split("\n")[0]
    return [w for w in line.split()[1:] if w != "$ARGS"]


def main():
    ringfence, kubectl = sys.argv[1], (sys.argv + [None])[2]
    hand = base_by_hand()
    made = {}
    for name in TWINS if kubectl else ():
        p = subprocess.run([kubectl, "kustomize", "deploy/" + name],
                           capture_output=True, text=True, check=False)
        check("kubectl kustomize deploy/" + name, [p.stderr] * p.returncode)
        made[name] = by_name(yaml.safe_load_all(p.stdout))
    if kubectl:
        check("the base as kustomize reads it", differences(
            hand, made["base"]))
    else:
        made["base"] = hand
    for name, objects in made.items():
        check("%s: the chart makes the same" % name, twin(
            objects, TWINS[name]))
        check("%s: the program takes its options" % name, takes(
            ringfence, pod_of(objects)["containers"][0]["args"]))
        check("%s: probes ask where it listens" % name,
              probes_ask_where_it_listens(objects))
        check("%s: least privilege" % name, least_privilege(
            objects, ["NET_RAW"] + ["NET_ADMIN"] * (
                "conntrack" in TWINS[name])))
    chart_values()
    check("one version", versions(ringfence, hand))
    check("the unit's options", takes(ringfence, unit_args()))
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


sys.exit(main())
