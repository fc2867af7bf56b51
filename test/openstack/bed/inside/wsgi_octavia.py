import os

from bed_api import Faults
from octavia.api.app import setup_app

arguments = ["octavia-api", "--config-file", os.environ["MUSTER_BED_OCTAVIA"]]
application = Faults(setup_app(argv=arguments), "octavia")
