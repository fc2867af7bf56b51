"""nova-compute without its Debian package, which brings libvirt and QEMU."""

import os
import sys

import nova.virt

# Nova loads drivers from this package only.
nova.virt.__path__.append(os.path.dirname(os.path.abspath(__file__)))

from nova.cmd.compute import main  # noqa: E402
from nova.scheduler.client.report import SchedulerReportClient  # noqa: E402

# For PCI devices, which the bed has not, Nova asks Placement for each server of the host whenever it
# begins to build one. Real clouds spread their servers over many hosts; here all are on this one.
SchedulerReportClient.get_allocations_for_provider_tree = lambda *_: {}

sys.exit(main())
