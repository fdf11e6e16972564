#!/usr/bin/env python3
"""Chooses tests/data from the recording. Run: choose.py RECORDING (the folder with events-core-v1.ndjson).

The choice is deterministic: first every event that shows something new (a kind, a reason, a reporter, a set
of members, an oddity in its message), then every n-th. No event is edited.
"""
import gzip, json, re, sys
from pathlib import Path

FROM, TO = Path(sys.argv[1]), Path(__file__).parent
EVENTS = 400


def lines(name):
    return (FROM / name).read_text(encoding="utf-8").split("\n")[:-1]


def write(name, chosen):
    text = "".join(line + "\n" for line in chosen).encode()
    with open(TO / name, "wb") as file:
        file.write(gzip.compress(text, mtime=0) if name.endswith(".gz") else text)


ODD = {
    "newline": "\n", "quote": '"', "backslash": "\\\\", "escape": "\x1b", "replacement": "\ufffd",
    "control": r"[\x00-\x08\x0b-\x1a]", "tab": "\t", "cyrillic": "[\u0400-\u04ff]", "cjk": "[\u3040-\u9fff]",
    "astral": "[\U00010000-\U0010ffff]", "markup": "[<>&]", "accent": "[\u00c0-\u024f]", "empty": "^$",
}


def traits(event):
    source, message = event.get("source") or {}, event.get("message", "")
    yield "reason", event.get("reason")
    yield "kind", event["involvedObject"].get("kind"), event["involvedObject"].get("apiVersion")
    yield "type", event.get("type")
    yield "reporter", source.get("component"), event.get("reportingComponent"), bool(source.get("host"))
    yield "members", tuple(event), tuple(event["involvedObject"]), tuple(event["metadata"]), tuple(source)
    yield "repeated", event.get("count", 0) > 1, event.get("series", {}).get("count", 0) > 2
    yield "long", len(message) // 500
    for name, pattern in ODD.items():
        if re.search(pattern, message):
            yield "odd", name


def choose(events, count):
    seen, chosen = {}, set()
    for index, event in enumerate(events):
        new = [trait for trait in traits(event) if seen.get(trait, 0) < 2]
        if new and len(chosen) < count:
            chosen.add(index)
            for trait in traits(event):
                seen[trait] = seen.get(trait, 0) + 1
    step = max(1, len(events) // max(1, count - len(chosen)))
    for index in range(0, len(events), step):
        if len(chosen) < count:
            chosen.add(index)
    return sorted(chosen)


core, k8s_io = lines("events-core-v1.ndjson"), lines("events-k8s-io-v1.ndjson")
picked = choose([json.loads(line) for line in core], EVENTS)
write("events-core-v1.ndjson.gz", [core[index] for index in picked])
write("events-k8s-io-v1.ndjson.gz", [k8s_io[index] for index in picked])

# The watch: what came of whole objects, so that an ADDED has its MODIFIEDs; every DELETED; then, from the
# replies of the server, expiries, bookmarks and errors.
watch = lines("watch-core-v1.ndjson")
by_event = {}
for index, line in enumerate(watch):
    by_event.setdefault(json.loads(line)["object"]["metadata"]["uid"], []).append(index)
deleted = {uid for uid, at in by_event.items() if any('"type":"DELETED"' in watch[i][:20] for i in at)}
series = {uid for uid, at in by_event.items() if any('"series":' in watch[i] for i in at)}
repeated = {uid for uid, at in by_event.items() if len(at) > 2}
chosen = []
for uids, most in ((sorted(deleted), 100), (sorted(series)[::7], 300), (sorted(repeated)[::5], 480), (list(by_event)[::9], 570)):
    for uid in uids:
        if uid in by_event and len(chosen) + len(by_event[uid]) <= most:
            chosen += by_event.pop(uid)
replies = []
for name, pattern in (
    ("api-server/watch-ttl90.txt", r'\{"type":"(?:DELETED|ADDED|MODIFIED)".*'),
    ("api-server/cached-bookmarks.txt", r'\{"type":"(?:BOOKMARK|DELETED|ADDED)".*'),
    ("api-server/sendInitialEvents.ndjson", r'\{"type":"BOOKMARK".*'),
    ("api-server/ns-bookmarks.txt", r'\{"type":"BOOKMARK".*'),
    ("api-server/410.txt", r'\{"type":"ERROR".*'),
    ("api-server/cached.txt", r'\{"type":"ERROR".*'),
):
    for reply in re.findall(pattern, (FROM / name).read_text(encoding="utf-8")):
        try:
            json.loads(reply)
            replies.append(reply)
        except ValueError:
            pass  # the recording has it cut off
write("watch-core-v1.ndjson.gz", [watch[index] for index in sorted(set(chosen))] + replies)

# A dozen and a half for the cases that are about routes, as kubectl prints them and one a line.
few = choose([json.loads(line) for line in core[:1500]], 1500)
by_kind = {}
for index in few:
    event = json.loads(core[index])
    repeated = event.get("count", 0) > 3
    key = (event["involvedObject"]["kind"], event["type"], bool(event["source"].get("host")), repeated)
    by_kind.setdefault(key, index)
few = sorted(by_kind.values())
write("few.ndjson", [core[index] for index in few])
listed = {"apiVersion": "v1", "items": [json.loads(core[index]) for index in picked[::20]],
          "kind": "List", "metadata": {"resourceVersion": ""}}
(TO / "list.json").write_text(json.dumps(listed, indent=4, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
