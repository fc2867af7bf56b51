from bed_api import Faults
from keystone.server.wsgi import initialize_public_application

application = Faults(initialize_public_application(), "keystone")
