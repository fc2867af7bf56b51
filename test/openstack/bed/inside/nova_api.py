"""nova-api that sometimes forgets to have built what it took down, as when it is killed in between.

Moments have the field name, the server's. A rule of $MUSTER_BED_FAULTS/handover.WHOSE.json that fits
says it all: the server is never built, and stays in BUILD for ever.
"""

import sys

import bed_faults
from nova.cmd.api import main
from nova.conductor import ComputeTaskAPI

_hand_over = ComputeTaskAPI.schedule_and_build_instances


def _perhaps(self, context, build_requests, *args, **kwargs):
    moment = {"name": build_requests[0].instance.display_name}
    if bed_faults.firing("handover", moment) is None:
        _hand_over(self, context, build_requests, *args, **kwargs)


ComputeTaskAPI.schedule_and_build_instances = _perhaps

sys.exit(main())
