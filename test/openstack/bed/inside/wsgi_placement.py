from bed_api import Faults
from placement.wsgi import init_application

application = Faults(init_application(), "placement")
