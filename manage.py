#!/usr/bin/env python
"""Django's command line: `.venv/bin/python manage.py <command>`."""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line

from orgbilling.lib.metrics_files import share

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orgbilling.settings")
    if sys.argv[1:3] == ["procrastinate", "worker"]:
        # It runs as long as the web server, whose figures it tells; before the apps are loaded, which define them.
        share(settings.METRICS_DIR)
    execute_from_command_line(sys.argv)
