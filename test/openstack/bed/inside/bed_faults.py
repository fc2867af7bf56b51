"""Fault files: a test writes them, the daemons look into them wherever they could be disturbed.

$MUSTER_BED_FAULTS/NAME.WHOSE.json: {"id": "changes with every writing", "rules": [RULE, …]}
Each WHOSE, a test process, has its own; none sees the others'.
RULE: {"match": {FIELD: REGEX, …}, "times": N, "share": 0.2, …what happens}
The first rule whose every REGEX is found in the moment's FIELD happens, at most `times` times, or
to a `share` of the moments. Each time is noted, a JSON line each, in NAME.fired.
"""

import fcntl
import json
import os
import random
import re
import time

_FOLDER = os.environ["MUSTER_BED_FAULTS"]
_read = {}


def firing(name, moment):
    """The rule that happens to this moment with the "id" of its file, or None."""
    for file in _files(name):
        for index, rule in enumerate(file["rules"]):
            matches = rule.get("match", {}).items()
            if all(re.search(pattern, moment.get(field) or "") for field, pattern in matches):
                if random.random() < rule.get("share", 1) and _note(name, file["id"], index, rule, moment):
                    return {**rule, "id": file["id"]}
    return None


def stands(name, file_id):
    """Whether the file of a rule that has fired is still as it was."""
    return any(file["id"] == file_id for file in _files(name))


def _files(name):
    """The fault files as they are now; each is read again only if it has changed."""
    files = []
    for entry in sorted(os.listdir(_FOLDER)):
        if not (entry.startswith(f"{name}.") and entry.endswith(".json")):
            continue
        path = os.path.join(_FOLDER, entry)
        try:
            stat = os.stat(path)
            version = (stat.st_mtime_ns, stat.st_ino)
            if path not in _read or _read[path][0] != version:
                with open(path) as file:
                    _read[path] = (version, json.load(file))
        except FileNotFoundError:
            continue
        files.append(_read[path][1])
    return files


def _note(name, file_id, index, rule, moment):
    """Writes down that the rule fires, unless it has fired its `times`."""
    with open(os.path.join(_FOLDER, f"{name}.fired"), "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if "times" in rule:
            file.seek(0)
            lines = map(json.loads, file)
            fired = sum(1 for line in lines if line["id"] == file_id and line["rule"] == index)
            if fired >= rule["times"]:
                return False
        line = {"id": file_id, "rule": index, "atMs": round(time.time() * 1000), **moment}
        file.write(json.dumps(line) + "\n")
        return True
