"""nova-compute without its Debian package, which brings libvirt and QEMU."""

import os
import sys

import nova.virt

# Nova loads drivers from this package only.
nova.virt.__path__.append(os.path.dirname(os.path.abspath(__file__)))

from nova.cmd.compute import main  # noqa: E402

sys.exit(main())
