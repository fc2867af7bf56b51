"""Daemons as sessions of their own: started once, found again by process id and start time."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress

from settings import HOST, LOGS, PIDS, environment


class BedError(Exception):
    """Something of the bed does not come up, or does not obey."""


def _stat(pid):
    """(state, session, start time) of a process, or None."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[3]), fields[19]


def members(name):
    """The living processes of a daemon: all that are left in the session that it was started in."""
    try:
        leader, started = (PIDS / name).read_text().split()
    except (OSError, ValueError):
        return []
    now = _stat(leader)
    if now and now[2] != started:
        return []  # Another process has this id by now.
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        stat = _stat(pid)
        if stat and stat[1] == int(leader) and stat[0] not in "ZX":
            found.append(int(pid))
    return found


def start(name, command, env=None):
    if members(name):
        return
    with open(LOGS / f"{name}.log", "ab") as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**environment(), **(env or {})},
            start_new_session=True,
        )
    (PIDS / name).write_text(f"{process.pid} {_stat(process.pid)[2]}")


def send(name, signal_number):
    """Sends a signal to every process of a daemon."""
    pids = members(name)
    if not pids:
        raise BedError(f"{name} does not run")
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal_number)


def stop(name, seconds_max=20):
    """Asks the daemon's first process to end, and ends what is left after a while."""
    pids = members(name)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)  # A paused process would not hear.
    leader = int((PIDS / name).read_text().split()[0]) if pids else None
    if leader in pids:
        with suppress(ProcessLookupError):
            os.kill(leader, signal.SIGTERM)
        _wait_until(lambda: leader not in members(name), seconds_max)
    kill(name)


def kill(name):
    def none_left():
        for pid in members(name):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not members(name)

    if not _wait_until(none_left, 10):
        raise BedError(f"{name} cannot be killed")
    (PIDS / name).unlink(missing_ok=True)


def wait_for_port(name, port, seconds_max=120):
    def is_ready():
        if not members(name):
            raise BedError(f"{name} has ended:\n{_last_lines(name)}")
        return listens(port)

    if not _wait_until(is_ready, seconds_max):
        raise BedError(f"{name} does not listen on {port}:\n{_last_lines(name)}")


def listens(port):
    with suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


def _wait_until(condition, seconds_max):
    end = time.monotonic() + seconds_max
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def _last_lines(name):
    return "\n".join((LOGS / f"{name}.log").read_text(errors="replace").splitlines()[-15:])
