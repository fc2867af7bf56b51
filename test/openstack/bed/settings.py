"""Where the bed keeps its state, where it listens and what it runs."""

import os
import secrets
from pathlib import Path

HERE = Path(__file__).resolve().parent
STATE = Path(os.environ.get("MUSTER_BED") or HERE.parents[2] / ".bed/openstack").absolute()
HOST = "127.0.0.1"
REGION = "RegionOne"
WITH_SENLIN = os.environ.get("MUSTER_BED_WITH") == "senlin"

ETC, LOGS, PIDS = STATE / "etc", STATE / "log", STATE / "pid"
DONE, FAULTS, GUESTS = STATE / "done", STATE / "faults", STATE / "guests"

_FIRST_PORT = int(os.environ.get("MUSTER_BED_PORT", "24000"))
_LISTENERS = (
    "keystone", "placement", "glance", "nova", "neutron", "octavia", "senlin",
    "mariadb", "rabbitmq", "rabbitmq_dist", "epmd", "memcached", "octavia_health",
)  # fmt: skip
PORTS = {name: _FIRST_PORT + offset for offset, name in enumerate(_LISTENERS)}
KEYSTONE_URL = f"http://{HOST}:{PORTS['keystone']}/v3"


def password() -> str:
    """The one password of all accounts and databases of this state folder."""
    path = STATE / "password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(12))
    return path.read_text()


def environment() -> dict[str, str]:
    """What every daemon and tool is started with: nothing of the caller's Python, proxies or clouds."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(STATE / "home"),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(HERE / "inside"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MUSTER_BED_FAULTS": str(FAULTS),
        "MUSTER_BED_GUESTS": str(GUESTS),
    }
