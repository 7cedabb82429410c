"""The WSGI application that granian (or any other WSGI server) serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from orgbilling.lib.metrics_files import share

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orgbilling.settings")

# Before the apps are loaded, which define what is counted.
share(settings.METRICS_DIR)
application = get_wsgi_application()
