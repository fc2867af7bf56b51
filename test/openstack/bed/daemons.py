"""The daemons of the bed, in the order in which they start."""

from dataclasses import dataclass, field

from settings import ETC, HERE, HOST, LOGS, PORTS, STATE, WITH_SENLIN

INSIDE = HERE / "inside"


@dataclass(frozen=True)
class Daemon:
    name: str
    command: list
    port: int | None = None
    env: dict[str, str] = field(default_factory=dict)


def _wsgi(name, service, threads, env, processes=1):
    port = PORTS[service]
    command = ["uwsgi-core", "--plugin", "python3", "--http-socket", f"{HOST}:{port}"]
    command += ["--wsgi-file", INSIDE / f"wsgi_{service}.py", "--master", "--die-on-term"]
    command += ["--processes", processes, "--threads", threads, "--enable-threads", "--thunder-lock"]
    command += ["--lazy-apps", "--need-app", "--buffer-size", 65535, "--listen", 100]
    command += ["--add-header", "Connection: close", "--disable-logging"]
    return Daemon(name, command, port, env)


def _python(name, *words, config, port=None):
    return Daemon(name, ["/usr/bin/python3", *words, "--config-file", config], port)


def _program(name, config, port=None):
    return Daemon(name, [f"/usr/bin/{name}", "--config-file", config], port)


_NOVA = ETC / "nova" / "nova.conf"
_GLANCE = ETC / "glance" / "glance.conf"
_NEUTRON = ETC / "neutron" / "neutron.conf"
_OCTAVIA = ETC / "octavia" / "octavia.conf"
_SENLIN = ETC / "senlin" / "senlin.conf"

_RABBIT = STATE / "rabbitmq"
_ERLANG_PORTS = {"ERL_EPMD_PORT": str(PORTS["epmd"]), "ERL_EPMD_ADDRESS": HOST}
_RABBIT_ENV = {
    **_ERLANG_PORTS,
    "HOME": str(_RABBIT),
    "RABBITMQ_NODENAME": f"bed{PORTS['rabbitmq']}@localhost",
    "RABBITMQ_CONFIG_FILE": str(ETC / "rabbitmq.conf"),
    "RABBITMQ_CONF_ENV_FILE": "/dev/null",
    "RABBITMQ_MNESIA_BASE": str(_RABBIT / "mnesia"),
    "RABBITMQ_ENABLED_PLUGINS_FILE": str(_RABBIT / "enabled_plugins"),
    "RABBITMQ_FEATURE_FLAGS_FILE": str(_RABBIT / "feature_flags"),
    "RABBITMQ_PID_FILE": str(_RABBIT / "pid"),
    "RABBITMQ_LOG_BASE": str(LOGS),
    "RABBITMQ_LOGS": str(LOGS / "rabbitmq-broker.log"),
    "RABBITMQ_DIST_PORT": str(PORTS["rabbitmq_dist"]),
    # Loopback only, two schedulers, and none of them spinning while it waits.
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
        "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none"
    ),
}

BACKING = [
    Daemon("mariadb", ["mariadbd", f"--defaults-file={ETC}/mariadb.cnf"], PORTS["mariadb"]),
    Daemon(
        "memcached",
        ["memcached", "-u", "nobody", "-l", HOST, "-p", PORTS["memcached"], "-U", 0, "-m", 64],
        PORTS["memcached"],
    ),
    Daemon(
        "epmd",
        ["epmd", "-port", PORTS["epmd"], "-address", HOST, "-relaxed_command_check"],
        PORTS["epmd"],
    ),
    Daemon("rabbitmq", ["/usr/lib/rabbitmq/bin/rabbitmq-server"], PORTS["rabbitmq"], _RABBIT_ENV),
]

IDENTITY = [
    _wsgi(
        "keystone",
        "keystone",
        threads=4,
        processes=2,
        env={"OS_KEYSTONE_CONFIG_FILES": str(ETC / "keystone" / "keystone.conf")},
    )
]

SERVICES = [
    _wsgi("placement", "placement", threads=4, env={"OS_PLACEMENT_CONFIG_DIR": str(ETC / "placement")}),
    _python("glance-api", "-m", "glance.cmd.api", config=_GLANCE, port=PORTS["glance"]),
    _program("nova-conductor", _NOVA),
    _program("nova-scheduler", _NOVA),
    _python("nova-api", INSIDE / "nova_api.py", config=_NOVA, port=PORTS["nova"]),
    _program("neutron-server", _NEUTRON, PORTS["neutron"]),
    _wsgi("octavia-api", "octavia", threads=4, env={"MUSTER_BED_OCTAVIA": str(_OCTAVIA)}),
    _program("octavia-worker", _OCTAVIA),
]
# Registers itself through nova-conductor, so it comes when that one is there.
COMPUTE = [_python("nova-compute", INSIDE / "nova_compute.py", config=_NOVA)]
if WITH_SENLIN:
    SERVICES += [
        _python("senlin-conductor", INSIDE / "senlin_daemon.py", "conductor", config=_SENLIN),
        _python("senlin-engine", INSIDE / "senlin_daemon.py", "engine", config=_SENLIN),
        _python("senlin-api", INSIDE / "senlin_daemon.py", "api", config=_SENLIN, port=PORTS["senlin"]),
    ]

DAEMONS = {one.name: one for one in [*BACKING, *IDENTITY, *SERVICES, *COMPUTE]}
