#!/usr/bin/python3
"""Starts, stops and disturbs the bed.

Usage: bed.py up
       bed.py down [--clean]
       bed.py start|stop|kill|pause|resume DAEMON
       bed.py status
"""

import fcntl
import importlib.util
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import processes
from settings import DONE, ETC, FAULTS, GUESTS, HERE, LOGS, PIDS, PORTS, STATE, WITH_SENLIN

_FOLDERS = ("home", "lock", "rabbitmq", "glance/images", "glance/staging", "glance/tasks", "nova", "neutron")
_started_at = time.monotonic()


def main(words):
    match words:
        case ["up"]:
            up()
        case ["down"]:
            down()
        case ["down", "--clean"]:
            down()
            shutil.rmtree(STATE, ignore_errors=True)
        case ["status"]:
            status()
        case ["start", name]:
            _start(_daemon(name))
        case ["stop", name]:
            processes.stop(_daemon(name).name)
        case ["kill", name]:
            processes.kill(_daemon(name).name)
        case ["pause", name]:
            processes.send(_daemon(name).name, signal.SIGSTOP)
        case ["resume", name]:
            processes.send(_daemon(name).name, signal.SIGCONT)
        case _:
            sys.exit(__doc__)


def up():
    _require_packages()
    # After `install.sh`: these import what that installs.
    import cloud
    import config
    import schemas
    from daemons import BACKING, COMPUTE, IDENTITY, SERVICES

    for folder in (ETC, LOGS, PIDS, DONE, FAULTS, GUESTS, *(STATE / name for name in _FOLDERS)):
        folder.mkdir(parents=True, exist_ok=True)
    for left in FAULTS.iterdir():
        left.unlink()
    config.write_all()
    schemas.make_data_folder()
    _start(*BACKING)
    _say("database and message bus are up")
    schemas.make_all(WITH_SENLIN)
    _say("schemas are made")
    _start(*IDENTITY)
    schemas.once(f"accounts{'-senlin' if WITH_SENLIN else ''}", cloud.make_accounts)
    _start(*SERVICES)
    _start(*COMPUTE)
    _say("all APIs listen")
    cloud.write_facts(cloud.make_resources())
    _say(f"up: {STATE / 'bed.json'}")


def _require_packages():
    wanted = ["keystone", "placement", "glance", "nova", "neutron", "octavia", *_SENLIN]
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        words = "MUSTER_BED_WITH=senlin " if WITH_SENLIN else ""
        script = HERE / "install.sh"
        raise processes.BedError(f"not installed: {', '.join(missing)}; as root: {words}{script}")


_SENLIN = ["senlin"] if WITH_SENLIN else []


def down():
    """The services first and at once; then what they stand on."""
    (STATE / "bed.json").unlink(missing_ok=True)
    first = _known() - {"keystone", *_LAST}
    with ThreadPoolExecutor() as pool:
        list(pool.map(processes.stop, first))
    for name in ("keystone", *_LAST):
        processes.stop(name)
    left = [name for name in _known() if processes.members(name)]
    left += [f"{name} on port {port}" for name, port in PORTS.items() if processes.listens(port)]
    if left:
        raise processes.BedError(f"still there: {', '.join(left)}")
    _say("down")


_LAST = ("rabbitmq", "epmd", "memcached", "mariadb")


def _known():
    """Whatever was ever started here, whichever settings it had."""
    return {path.name for path in PIDS.iterdir()} if PIDS.exists() else set()


def status():
    for name in sorted(_known()):
        pids = processes.members(name)
        megabytes = sum(map(_megabytes, pids))
        print(f"{name:20} {len(pids):2} processes {megabytes:6.0f} MB")


def _megabytes(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024
    except OSError:
        return 0


def _daemon(name):
    from daemons import DAEMONS

    if name not in DAEMONS:
        raise processes.BedError(f"no daemon {name}; there are {', '.join(DAEMONS)}")
    return DAEMONS[name]


def _start(*daemons):
    for one in daemons:
        processes.start(one.name, one.command, one.env)
    for one in daemons:
        if one.port:
            processes.wait_for_port(one.name, one.port)


def _say(text):
    print(f"{time.monotonic() - _started_at:6.1f} s  {text}", flush=True)


if __name__ == "__main__":
    STATE.mkdir(parents=True, exist_ok=True)
    try:
        # One at a time: what one starts, another must not start as well.
        with open(STATE / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            main(sys.argv[1:])
    except processes.BedError as error:
        sys.exit(f"bed: {error}")
