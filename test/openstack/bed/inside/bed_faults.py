"""Fault files: a test writes them, the daemons look into them wherever they could be disturbed.

$MUSTER_BED_FAULTS/NAME.json: {"id": "changes with every writing", "rules": [RULE, …]}
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


def current(name):
    """The fault file as it is now; read again only if it has changed."""
    path = os.path.join(_FOLDER, f"{name}.json")
    try:
        stat = os.stat(path)
    except FileNotFoundError:
        return {"id": None, "rules": []}
    version = (stat.st_mtime_ns, stat.st_ino)
    if name not in _read or _read[name][0] != version:
        with open(path) as file:
            _read[name] = (version, json.load(file))
    return _read[name][1]


def firing(name, moment):
    """The rule that happens to this moment, or None."""
    file = current(name)
    for index, rule in enumerate(file["rules"]):
        matches = rule.get("match", {}).items()
        if all(re.search(pattern, moment.get(field) or "") for field, pattern in matches):
            if random.random() < rule.get("share", 1) and _note(name, file["id"], index, rule, moment):
                return rule
    return None


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
