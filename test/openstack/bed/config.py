"""Writes the configuration of every daemon into the state folder."""

import re
import subprocess
from pathlib import Path
from string import Template

from settings import ETC, HERE, HOST, KEYSTONE_URL, PORTS, REGION, STATE, WITH_SENLIN, password


def write_all():
    names = ["keystone", "placement", "glance", "nova", "neutron", "octavia"]
    for name in [*names, *(["senlin"] if WITH_SENLIN else [])]:
        (ETC / name).mkdir(parents=True, exist_ok=True)
        _render(f"{name}.conf", ETC / name / f"{name}.conf")
    for name in ("mariadb.cnf", "rabbitmq.conf"):
        _render(name, ETC / name)
    _write_pipelines()
    if not (ETC / "octavia" / "client.pem").exists():
        _write_certificates(ETC / "octavia")


def _render(name, target):
    values = {
        "state": STATE,
        "host": HOST,
        "region": REGION,
        "password": password(),
        "keystone_url": KEYSTONE_URL,
        "rabbitmq": f"rabbit://openstack:{password()}@{HOST}:{PORTS['rabbitmq']}/",
        "database": f"mysql+pymysql://bed:{password()}@{HOST}:{PORTS['mariadb']}",
        **{f"port_{listener}": port for listener, port in PORTS.items()},
    }
    for user in ("placement", "glance", "nova", "neutron", "octavia", "senlin"):
        values[f"login_{user}"] = _login(user)
        values[f"authtoken_{user}"] = _authtoken(user)
    text = Template((HERE / "etc" / name).read_text()).substitute(values)
    target.touch(mode=0o600)
    target.write_text(text)


def _login(user):
    return "\n".join(
        (
            "auth_type = password",
            f"auth_url = {KEYSTONE_URL}",
            f"username = {user}",
            f"password = {password()}",
            "project_name = service",
            "user_domain_name = Default",
            "project_domain_name = Default",
            f"region_name = {REGION}",
        )
    )


def _authtoken(user):
    return "\n".join(
        (
            _login(user),
            f"www_authenticate_uri = {KEYSTONE_URL}",
            f"memcached_servers = {HOST}:{PORTS['memcached']}",
            "service_token_roles_required = true",
        )
    )


def _write_pipelines():
    """Debian's own WSGI pipelines, with the faults before everything else."""
    _pipeline("nova", "nova-common/api-paste.ini", r"^(keystone = )")
    _pipeline("glance", "glance-common/glance-api-paste.ini", r"^(pipeline = )")
    _pipeline("neutron", "neutron-common/api-paste.ini", r"^(keystone = )(?=.*neutronapiapp_v2_0)")
    if WITH_SENLIN:
        _pipeline("senlin", "senlin-common/api-paste.ini", r"^(pipeline = )")


def _pipeline(service, source, start):
    text = Path("/usr/share", source).read_text()
    changed, count = re.subn(start, r"\1faults ", text, flags=re.MULTILINE)
    if count == 0:
        raise ValueError(f"{source} has no pipeline {start!r}")
    changed += f"\n[filter:faults]\npaste.filter_factory = bed_api:factory\nservice = {service}\n"
    (ETC / service / "api-paste.ini").write_text(changed)


def _write_certificates(folder):
    """Octavia reads them at start, though its no-op drivers talk to nobody."""
    quiet = {"cwd": folder, "check": True, "capture_output": True}
    authority = ["-x509", "-days", "3650", "-subj", "/CN=bed", "-passout", f"pass:{password()}"]
    keys = ["-newkey", "rsa:2048", "-keyout", "ca.key", "-out", "ca.pem"]
    subprocess.run(["openssl", "req", *authority, *keys], **quiet)
    own = ["-x509", "-nodes", "-days", "3650", "-subj", "/CN=bed", "-newkey", "rsa:2048"]
    subprocess.run(["openssl", "req", *own, "-keyout", "client.pem", "-out", "client.crt"], **quiet)
    with open(folder / "client.pem", "a") as file:
        file.write((folder / "client.crt").read_text())
