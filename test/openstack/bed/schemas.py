"""Makes the databases, each schema once; what is made is kept for the next start."""

import base64
import secrets
import subprocess
from concurrent.futures import ThreadPoolExecutor

from processes import BedError
from settings import DONE, ETC, HOST, KEYSTONE_URL, LOGS, PORTS, REGION, STATE, environment, password

_DATABASES = (
    "keystone", "placement", "glance", "nova", "nova_api", "nova_cell0", "neutron", "octavia", "senlin",
)  # fmt: skip


def once(name, work):
    mark = DONE / name
    if not mark.exists():
        work()
        mark.touch()


def make_data_folder():
    """MariaDB's own tables; before it starts."""
    once("mariadb", lambda: _run("mariadb-install", [
        "mariadb-install-db", f"--defaults-file={ETC}/mariadb.cnf",
        "--auth-root-authentication-method=normal", "--skip-test-db",
    ]))  # fmt: skip


def make_all(with_senlin):
    """Every schema; two at a time, as the large ones take a minute."""
    once("databases", _make_databases)
    small = [_keystone, _simple("placement", "db", "sync"), _simple("glance", "db_sync")]
    small += [_simple("octavia", "upgrade", "head", tool="octavia-db-manage")]
    if with_senlin:
        small.append(_simple("senlin", "db_sync"))
    large = [_nova, _simple("neutron", "upgrade", "head", tool="neutron-db-manage")]
    with ThreadPoolExecutor(2) as pool:
        chains = [pool.submit(lambda: [make() for make in chain]) for chain in (small, large)]
        for chain in chains:
            chain.result()


def manage(service, *words, tool=None):
    """Runs a service's own tool for its operators."""
    config = ETC / service / f"{service}.conf"
    command = [tool or f"{service}-manage", "--config-file", str(config), *words]
    _run(f"{service}-manage", command)


def _simple(service, *words, tool=None):
    return lambda: once(f"{service}-schema", lambda: manage(service, *words, tool=tool))


def _make_databases():
    lines = [f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb3;" for name in _DATABASES]
    for host in ("%", "localhost"):
        lines.append(f"GRANT ALL ON *.* TO 'bed'@'{host}' IDENTIFIED BY '{password()}';")
    client = ["mariadb", "--no-defaults", "-h", HOST, "-P", str(PORTS["mariadb"]), "-u", "root"]
    _run("databases", client, "\n".join(lines))


def _keystone():
    once("keystone-schema", lambda: manage("keystone", "db_sync"))
    once("keystone-keys", _keystone_keys)
    once("keystone-admin", lambda: manage(
        "keystone", "bootstrap", "--bootstrap-password", password(),
        "--bootstrap-region-id", REGION, "--bootstrap-admin-url", KEYSTONE_URL,
        "--bootstrap-internal-url", KEYSTONE_URL, "--bootstrap-public-url", KEYSTONE_URL,
    ))  # fmt: skip


def _keystone_keys():
    """As keystone-manage does: a key for now, and the next one, which is 0."""
    for name in ("fernet", "credential"):
        folder = ETC / "keystone" / f"{name}-keys"
        folder.mkdir(mode=0o700, exist_ok=True)
        for number in ("0", "1"):
            (folder / number).touch(mode=0o600)
            (folder / number).write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))


def _nova():
    once("nova-api-schema", lambda: manage("nova", "api_db", "sync"))
    once("nova-cells", _nova_cells)
    once("nova-schema", lambda: manage("nova", "db", "sync"))


def _nova_cells():
    connection = f"mysql+pymysql://bed:{password()}@{HOST}:{PORTS['mariadb']}/nova_cell0"
    manage("nova", "cell_v2", "map_cell0", "--database_connection", connection)
    manage("nova", "cell_v2", "create_cell", "--name", "cell1")


def _run(log, command, stdin=""):
    done = subprocess.run(
        command, input=stdin, text=True, capture_output=True, env=environment(), cwd=STATE
    )
    with open(LOGS / f"{log}.log", "a") as file:
        file.write(done.stdout + done.stderr)
    if done.returncode != 0:
        raise BedError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
