#!/usr/bin/env python3
"""What should come out of a case: an independent model of weir, from DESIGN.md and KEE's semantics.

    oracle.py            compares each case's expectations with the model
    oracle.py --write    writes expected/{stdout.ndjson,ledger.json,exit}
    oracle.py CASE…      only these

It shares no code, no YAML or JSON reader and no regular expressions with weir. A case that the model
does not cover has a file expected/by-hand that says how its expectation came about. Needs PyYAML.
"""
import copy, gzip, json, os, re, sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent


def dump(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def document(event, cluster):
    """The core/v1 event as KEE prints it: no kind, apiVersion, managedFields; clusterName, deleted."""
    doc = {k: v for k, v in copy.deepcopy(event).items() if k not in ("kind", "apiVersion")}
    doc["metadata"].pop("managedFields", None)
    doc["involvedObject"].setdefault("deleted", False)
    if cluster or "clusterName" not in doc:
        doc.pop("clusterName", None)
        doc["clusterName"] = cluster
    return doc


def read(path):
    """Events of the core/v1 form in a file, and how many pieces of it are malformed."""
    raw = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(path.name + ".gz").read_bytes())
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    try:
        return items(json.loads(raw)), 0
    except ValueError:
        pass
    events, malformed = [], 0
    for line in raw.split(b"\n"):
        if line.strip():
            try:
                events += items(json.loads(line.decode()))
            except (ValueError, TypeError, AttributeError):
                malformed += 1
    return events, malformed


def items(value):
    if "items" in value:
        return value["items"]
    if "object" in value:
        if value["type"] not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"):
            raise ValueError(value["type"])
        return [value["object"]] if value["type"] in ("ADDED", "MODIFIED") else []
    if not (isinstance(value["metadata"], dict) and isinstance(value.get("involvedObject"), dict)):
        raise ValueError("no event")
    if value.get("kind", "Event") != "Event":
        raise ValueError("no event")
    return [value]


class Failed(Exception):
    pass


def pointer(doc, path):
    for part in path.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        doc = doc[int(part)] if isinstance(doc, list) else doc[part]
    return doc


def change(doc, path, value):
    parent, _, last = path.rpartition("/")
    pointer(doc, parent)[last.replace("~1", "/").replace("~0", "~")] = value


class Filters:
    """Each answers (kept?, reason, emitted) and may change the document; Failed where it fails."""

    def __init__(self, name, config):
        self.name, self.config = name, config

    def call(self, plugin, doc):
        return getattr(self, plugin.replace("-", "_"))(doc)

    def drop_reasons(self, doc):
        return doc["reason"] not in self.config["reasons"], "reason " + doc["reason"], []

    def redact(self, doc):
        mask = self.config.get("mask", "***")
        for path in self.config.get("pointers", []):
            try:
                pointer(doc, path)
            except (KeyError, IndexError, TypeError):
                continue
            if path in ("/metadata", "/involvedObject"):
                raise Failed
            change(doc, path, mask)
        for path in self.config.get("fields", ["/message"]) if self.config.get("patterns") else []:
            text = pointer(doc, path)
            hidden = [False] * len(text)
            for pattern in self.config["patterns"]:
                for found in re.finditer(pattern, text):
                    spans = [found.span(i) for i in range(1, found.re.groups + 1) if found.group(i) is not None]
                    for start, end in spans or [found.span()]:
                        hidden[start:end] = [True] * (end - start)
            out = "".join(mask if h and not (i and hidden[i - 1]) else "" if h else c
                          for i, (c, h) in enumerate(zip(text, hidden)))
            change(doc, path, out)
        return True, "", []

    def stamp(self, doc):
        doc["stamp"] = [doc["stamp"], self.config] if "stamp" in doc else self.config
        return True, "", []

    def emit(self, doc):
        emitted = copy.deepcopy(doc)
        emitted["metadata"]["resourceVersion"] += f"#{self.name}.1"
        return "drop" not in self.config, "replaced", [emitted]

    def fail(self, doc):
        if doc["type"].startswith("W"):
            raise Failed
        return True, "", []

    def recover(self, doc):
        return True, "", []  # after it was held


def matches(rule, doc):
    source, involved = doc.get("source") or {}, doc["involvedObject"]
    values = {
        "message": doc.get("message"), "apiVersion": involved.get("apiVersion"), "kind": involved.get("kind"),
        "namespace": doc["metadata"].get("namespace"), "reason": doc.get("reason"), "type": doc.get("type"),
        "component": source.get("component"), "host": source.get("host"),
    }
    for key, value in values.items():
        if rule.get(key) and not re.search(rule[key], value or "", re.ASCII):
            return False
    for key in ("labels", "annotations"):
        for name, pattern in rule.get(key, {}).items():
            have = involved.get(key) or {}
            if name not in have or not re.search(pattern, have[name], re.ASCII):
                return False
    return doc.get("count", 0) >= rule.get("minCount", rule.get("mincount", 0))


class Run:
    def __init__(self, config):
        self.config = config
        self.filters = {f["name"]: (f, Filters(f["name"], f.get("config", {}))) for f in config.get("filters", [])}
        self.receivers = {r["name"]: r for r in config["receivers"]}
        self.sent = {name: [] for name in self.receivers}
        self.ledger = {"received": 0, "malformed": 0, "emitted": 0, "routed": 0, "unrouted": 0, "duplicates": 0,
                       "tooOld": 0, "filtered": {}, "errors": {}, "receivers": {}}

    def event(self, doc):
        fate = {"routed": False, "dropped": None}
        self.route(self.config.get("route", {}), doc, fate)
        self.settle(fate)

    def settle(self, fate):
        if fate["routed"]:
            self.ledger["routed"] += 1
        elif fate["dropped"] is None:
            self.ledger["unrouted"] += 1
        elif fate["dropped"][1] is None:
            self.errors(fate["dropped"][0])["dropped"] += 1
        else:
            row = self.ledger["filtered"].setdefault(fate["dropped"][0], {})
            row[fate["dropped"][1]] = row.get(fate["dropped"][1], 0) + 1

    def errors(self, name):
        return self.ledger["errors"].setdefault(name, {"kept": 0, "dropped": 0})

    def route(self, route, doc, fate):
        if any(matches(rule, doc) for rule in route.get("drop", [])):
            fate["dropped"] = None
        else:
            self.filtered(route, route.get("filters", []), doc, fate)

    def filtered(self, route, names, doc, fate):
        if not names:
            return self.rules(route, doc, fate)
        use, filters = self.filters[names[0]]
        changed = copy.deepcopy(doc)
        try:
            kept, reason, emitted = filters.call(use["plugin"], changed)
        except Failed:
            if use.get("onError", "drop" if use["plugin"] == "redact" else "keep") == "drop":
                fate["dropped"] = (names[0], None)
                return None
            self.errors(names[0])["kept"] += 1
            return self.filtered(route, names[1:], doc, fate)
        if kept:
            self.filtered(route, names[1:], changed, fate)
        else:
            fate["dropped"] = (names[0], reason)
        for more in emitted:
            self.ledger["emitted"] += 1
            own = {"routed": False, "dropped": None}
            self.filtered(route, names[1:], more, own)
            self.settle(own)
        return None

    def rules(self, route, doc, fate):
        matched = [matches(rule, doc) for rule in route.get("match", [])]
        for rule, does in zip(route.get("match", []), matched):
            if does and rule.get("receiver"):
                self.sent[rule["receiver"]].append(doc)
                fate["routed"] = True
        if all(matched):
            for child in route.get("routes", []):
                self.route(child, doc, fate)

    def deliver(self):
        """Lines on standard output, receiver after receiver; counts them."""
        lines = []
        for name, docs in self.sent.items():
            (sink, block), = [(k, v) for k, v in self.receivers[name].items() if k not in ("name", "batch", "queue", "retry", "limits")]
            out = {"recovered": 0, "enqueued": len(docs), "delivered": 0, "dead": 0, "dropped": 0, "waiting": 0, "retries": 0}
            if block.get("deDot"):
                docs = [de_dotted(doc) for doc in docs]
            if sink == "odd-sink":
                habit = next(iter(block))
                out["retries"] = int(habit in ("first", "again", "trap"))
                if habit == "again":
                    docs = docs[1:] + docs[:1]
                dead = {"picky": lambda d: d["type"] == "Warning", "batch": lambda d: True}.get(habit, lambda d: False)
                out["dead"] = sum(map(dead, docs))
                docs = [doc for doc in docs if not dead(doc)]
            if sink == "tag-sink":
                docs = [{**{k: v for k, v in block.items() if k != "deDot"}, **doc} for doc in docs]
            out["delivered"] = len(docs)
            self.ledger["receivers"][name] = out
            lines += map(dump, docs)
        return lines


def de_dotted(doc):
    doc = copy.deepcopy(doc)
    for group in (doc["metadata"], doc["involvedObject"]):
        for key in ("labels", "annotations"):
            if key in group:
                group[key] = {name.replace(".", "_"): value for name, value in group[key].items()}
    return doc


def case(folder):
    text = (folder / "config.yaml").read_text()
    for line in (folder / "env").read_text().split("\n") if (folder / "env").exists() else []:
        name, _, value = line.partition("=")
        text = text.replace("${" + name + "}", value) if name else text
    config = yaml.safe_load(text)
    replay = config["source"]["replay"]
    path = "events.ndjson" if replay["path"] == "-" else replay["path"]
    run = Run(config)
    for _ in range(replay.get("repeat", 1)):
        events, malformed = read(folder / path)
        run.ledger["malformed"] += malformed
        for event in events:
            run.ledger["received"] += 1
            run.event(document(event, config.get("clusterName", "")))
    lines = run.deliver()
    return lines, run.ledger, int(any(r["dead"] for r in run.ledger["receivers"].values()))


def main():
    write = "--write" in sys.argv
    names = [a for a in sys.argv[1:] if a != "--write"] or sorted(os.listdir(HERE / "cases"))
    wrong = 0
    for name in names:
        folder = HERE / "cases" / name
        expected = folder / "expected"
        if (expected / "by-hand").exists():
            continue
        lines, ledger, code = case(folder)
        text = "".join(line + "\n" for line in lines)
        packed = len(text) > 100_000
        out = {
            "stdout.ndjson.gz" if packed else "stdout.ndjson": gzip.compress(text.encode(), mtime=0) if packed else text.encode(),
            "ledger.json": (json.dumps(ledger, indent=2) + "\n").encode(),
            "exit": f"{code}\n".encode(),
        }
        expected.mkdir(exist_ok=True)
        for file, contents in out.items():
            if (expected / file).is_symlink() or (not code and file == "exit") or (file[:6] == "stdout" and (expected / "documents.ndjson.gz").exists()):
                continue
            if file == "ledger.json" and (expected / "ledger-part.json").exists():
                continue
            if write:
                (expected / file).write_bytes(contents)
            elif not (expected / file).exists() or (expected / file).read_bytes() != contents:
                wrong += 1
                print(f"{name}: {file} is not what the model gives")
        if write:
            print(name, {k: v["enqueued"] for k, v in ledger["receivers"].items()}, {k: v for k, v in ledger.items() if v and k != "receivers"})
    sys.exit(bool(wrong))


main()
