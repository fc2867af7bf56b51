"""Nova's fake virt driver with faults, that tells what it was given to build.

Moments have the fields step (spawn or destroy), name, uuid, image and flavor. What a rule of
$MUSTER_BED_FAULTS/compute.WHOSE.json says:
  "delaySeconds": 3         waits before anything else
  "end": "abort"            of a spawn: ERROR at once, with "message" in the server's fault
       | "error"            any other failure: a spawn is tried on other hosts first, then ERROR
       | "hang"             goes on only after the fault file has changed
Each guest that it was told to build is written to $MUSTER_BED_GUESTS/UUID.json.
"""

import base64
import json
import os
import time

import bed_faults
from nova import context as nova_context
from nova import exception, objects
from nova.compute import power_state
from nova.virt import fake

_KEPT = (power_state.RUNNING, power_state.SHUTDOWN, power_state.PAUSED)


class BedDriver(fake.FakeDriver):
    def init_host(self, host):
        """Takes up the guests that it had before it was stopped, which the fake driver forgets."""
        super().init_host(host)
        admin = nova_context.get_admin_context()
        for one in objects.InstanceList.get_by_host(admin, host, expected_attrs=["flavor"]):
            if one.power_state in _KEPT:
                self.instances[one.uuid] = fake.FakeInstance(one.name, one.power_state, one.uuid)
                flavor = one.flavor
                self.resources.claim(flavor.vcpus, flavor.memory_mb, flavor.root_gb)

    def spawn(self, context, instance, image_meta, injected_files, *args, **kwargs):
        _note_guest(instance, injected_files, kwargs.get("network_info"))
        _disturb("spawn", instance)
        return super().spawn(context, instance, image_meta, injected_files, *args, **kwargs)

    def destroy(self, context, instance, *args, **kwargs):
        _disturb("destroy", instance)
        return super().destroy(context, instance, *args, **kwargs)


def _disturb(step, instance):
    moment = {
        "step": step,
        "name": instance.display_name,
        "uuid": instance.uuid,
        "image": instance.image_ref,
        "flavor": instance.flavor.name,
    }
    rule = bed_faults.firing("compute", moment) or {}
    time.sleep(rule.get("delaySeconds", 0))
    message = rule.get("message", "fault of the test bed")
    match rule.get("end"):
        case "abort":
            raise exception.BuildAbortException(instance_uuid=instance.uuid, reason=message)
        case "error":
            raise exception.NovaException(message)
        case "hang":
            while bed_faults.stands("compute", rule["id"]):
                time.sleep(0.2)


def _note_guest(instance, injected_files, network_info):
    guest = {
        "uuid": instance.uuid,
        "name": instance.display_name,
        "flavor": instance.flavor.name,
        "image": instance.image_ref,
        "keyName": instance.key_name,
        "metadata": dict(instance.metadata),
        "hasConfigDrive": bool(instance.config_drive),
        "userData": instance.user_data,
        "files": [
            {"path": path, "contents": _base64(contents)} for path, contents in injected_files or []
        ],
        "ports": [
            {"id": vif["id"], "network": vif["network"]["id"], "mac": vif["address"]}
            for vif in network_info or []
        ],
    }
    target = os.path.join(os.environ["MUSTER_BED_GUESTS"], f"{instance.uuid}.json")
    with open(f"{target}.new", "w") as file:
        json.dump(guest, file)
    os.rename(f"{target}.new", target)


def _base64(contents):
    raw = contents.encode() if isinstance(contents, str) else contents
    return base64.b64encode(raw).decode()
