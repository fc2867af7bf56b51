"""ML2 mechanism driver that binds every port and makes it ACTIVE at once: no agent runs here.

Moments have the fields port and host. What a rule of $MUSTER_BED_FAULTS/network.WHOSE.json says:
  "delaySeconds": 3         waits before anything else
  "isRefused": true         leaves the port unbound: the server's build fails
"""

import time

import bed_faults
from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class BedMechanismDriver(api.MechanismDriver):
    def initialize(self):
        pass

    @property
    def connectivity(self):
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, context):
        moment = {"port": context.current["id"], "host": context.host}
        rule = bed_faults.firing("network", moment) or {}
        time.sleep(rule.get("delaySeconds", 0))
        if rule.get("isRefused"):
            return
        segment = context.segments_to_bind[0]
        details = {portbindings.CAP_PORT_FILTER: True}
        context.set_binding(
            segment[api.ID],
            portbindings.VIF_TYPE_OVS,
            details,
            status=constants.PORT_STATUS_ACTIVE,
        )
