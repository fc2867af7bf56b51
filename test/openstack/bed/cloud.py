"""Fills the running cloud: services and accounts, then images, flavors and networks. May be run again."""

import json
import time

import schemas
from keystoneauth1 import exceptions, session
from keystoneauth1.identity import v3
from processes import BedError
from settings import FAULTS, GUESTS, HOST, KEYSTONE_URL, PORTS, REGION, STATE, WITH_SENLIN, password

_CATALOGUE = {
    "placement": ("placement", ""),
    "glance": ("image", ""),
    "nova": ("compute", "/v2.1"),
    "neutron": ("network", ""),
    "octavia": ("load-balancer", ""),
    **({"senlin": ("clustering", "")} if WITH_SENLIN else {}),
}
_OCTAVIA_ROLES = ("load-balancer_member", "load-balancer_observer", "load-balancer_admin")
_MEMBER = ("member", "load-balancer_member")

URLS = {
    "compute": f"http://{HOST}:{PORTS['nova']}/v2.1",
    "network": f"http://{HOST}:{PORTS['neutron']}",
    "loadBalancer": f"http://{HOST}:{PORTS['octavia']}",
    "image": f"http://{HOST}:{PORTS['glance']}",
    "placement": f"http://{HOST}:{PORTS['placement']}",
}
if WITH_SENLIN:
    URLS["clustering"] = f"http://{HOST}:{PORTS['senlin']}"

# No host has room for huge.
_FLAVORS = {
    "tiny": {"vcpus": 1, "ram": 64, "disk": 1},
    "small": {"vcpus": 1, "ram": 512, "disk": 1},
    "large": {"vcpus": 4, "ram": 8192, "disk": 20},
    "huge": {"vcpus": 1, "ram": 64, "disk": 1_000_000},
}


def _session(user, project):
    auth = v3.Password(
        auth_url=KEYSTONE_URL,
        username=user,
        password=password(),
        project_name=project,
        user_domain_name="Default",
        project_domain_name="Default",
    )
    return session.Session(auth=auth)


def _find_or_make(who, url, kind, body):
    """The one of this name, made if it is missing."""
    listed = who.get(f"{url}/{kind}s", params={"name": body["name"]}).json()
    for one in listed[f"{kind}s"]:
        if one["name"] == body["name"]:
            return one
    return who.post(f"{url}/{kind}s", json={kind: body}).json()[kind]


def _eventually(work, seconds_max=120):
    """Answers of services that have only just begun to listen may be failures."""
    end = time.monotonic() + seconds_max
    while True:
        try:
            return work()
        except (exceptions.ClientException, BedError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def make_accounts():
    admin = _session("admin", "admin")
    roles = {one["name"]: one["id"] for one in admin.get(f"{KEYSTONE_URL}/roles").json()["roles"]}
    for name in ("service", *_OCTAVIA_ROLES):
        if name not in roles:
            roles[name] = _find_or_make(admin, KEYSTONE_URL, "role", {"name": name})["id"]

    def make_account(user, project, role_names):
        body = {"name": project, "domain_id": "default"}
        project_id = _find_or_make(admin, KEYSTONE_URL, "project", body)["id"]
        body = {"name": user, "domain_id": "default", "password": password()}
        user_id = _find_or_make(admin, KEYSTONE_URL, "user", body)["id"]
        for role in role_names:
            path = f"projects/{project_id}/users/{user_id}/roles/{roles[role]}"
            admin.put(f"{KEYSTONE_URL}/{path}")

    for name, (kind, path) in _CATALOGUE.items():
        make_account(name, "service", ("admin", "service"))
        body = {"name": name, "type": kind}
        service = _find_or_make(admin, KEYSTONE_URL, "service", body)["id"]
        _make_endpoints(admin, service, f"http://{HOST}:{PORTS[name]}{path}")
    make_account("admin", "admin", ("admin", "load-balancer_admin"))
    for name in ("acme", "other", "counted"):
        make_account(name, name, _MEMBER)


def _make_endpoints(admin, service, url):
    listed = admin.get(f"{KEYSTONE_URL}/endpoints", params={"service_id": service}).json()
    have = {one["interface"] for one in listed["endpoints"]}
    for interface in {"public", "internal", "admin"} - have:
        endpoint = {"service_id": service, "interface": interface, "region_id": REGION, "url": url}
        admin.post(f"{KEYSTONE_URL}/endpoints", json={"endpoint": endpoint})


def make_resources():
    """What servers and load balancers need; returns what bed.json says."""
    names = ("admin", "acme", "other", "counted")
    admin, acme, other, counted = (_session(name, name) for name in names)
    image = _eventually(lambda: _make_image(admin, "tiny"))
    second_image = _make_image(admin, "second")
    network, subnet = _eventually(lambda: _make_network(admin, acme.get_project_id()))
    flavors = _eventually(lambda: _make_flavors(admin))
    _eventually(lambda: _see_compute(admin))
    _eventually(lambda: acme.get(f"{URLS['loadBalancer']}/v2.0/lbaas/loadbalancers"))
    return {
        "authUrl": KEYSTONE_URL,
        "region": REGION,
        "accounts": {
            "acme": _application_credential(acme),
            "other": _password_account("other", other),
            "counted": _application_credential(counted),
        },
        "admin": _password_account("admin", admin),
        "image": image,
        "imageName": "tiny",
        "secondImage": second_image,
        "flavors": flavors,
        "network": network,
        "subnet": subnet,
        "urls": URLS,
        "faults": str(FAULTS),
        "guests": str(GUESTS),
    }


def _application_credential(who):
    """Restricted: it can make no further credentials."""
    url = f"{KEYSTONE_URL}/users/{who.get_user_id()}"
    body = {"name": "muster", "secret": password()}
    made = _find_or_make(who, url, "application_credential", body)
    return {
        "applicationCredentialId": made["id"],
        "applicationCredentialSecret": password(),
        "projectId": who.get_project_id(),
    }


def _password_account(name, who):
    return {
        "username": name,
        "password": password(),
        "userDomain": "Default",
        "project": name,
        "projectDomain": "Default",
        "projectId": who.get_project_id(),
    }


def _make_image(admin, name):
    images = f"{URLS['image']}/v2/images"
    for one in admin.get(images, params={"name": name, "status": "active"}).json()["images"]:
        return one["id"]
    body = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "public"}
    made = admin.post(images, json=body).json()["id"]
    kind = {"Content-Type": "application/octet-stream"}
    admin.put(f"{images}/{made}/file", data=b"nothing boots from this", headers=kind)
    return made


def _make_network(admin, owner):
    """One network that all accounts may use; only its owner may ask for addresses by number."""
    url = f"{URLS['network']}/v2.0"
    body = {"name": "bed", "project_id": owner}
    network = _find_or_make(admin, url, "network", {**body, "shared": True})["id"]
    body |= {"network_id": network, "ip_version": 4, "cidr": "10.77.0.0/16", "enable_dhcp": False}
    return network, _find_or_make(admin, url, "subnet", body)["id"]


def _make_flavors(admin):
    url = URLS["compute"]
    return {
        name: _find_or_make(admin, url, "flavor", {"name": name, **size})["id"]
        for name, size in _FLAVORS.items()
    }


def _see_compute(admin):
    """Waits until nova-compute is up and the scheduler can place servers on it."""
    listed = admin.get(f"{URLS['compute']}/os-services").json()["services"]
    up = {one["binary"] for one in listed if one["state"] == "up"}
    missing = {"nova-compute", "nova-conductor", "nova-scheduler"} - up
    if missing:
        raise BedError(f"not up: {', '.join(sorted(missing))}")
    schemas.once("host", lambda: schemas.manage("nova", "cell_v2", "discover_hosts"))
    providers = admin.get(f"{URLS['placement']}/resource_providers").json()["resource_providers"]
    if not providers:
        raise BedError("nova-compute has told placement nothing")
    path = f"resource_providers/{providers[0]['uuid']}/inventories"
    if not admin.get(f"{URLS['placement']}/{path}").json()["inventories"]:
        raise BedError("nova-compute has told placement of no room")


def write_facts(facts):
    path = STATE / "bed.json"
    unfinished = STATE / "bed.json.new"
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(facts, indent=2))
    unfinished.rename(path)
