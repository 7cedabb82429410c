"""The WSGI application that granian (or any other WSGI server) serves."""

import gc
import multiprocessing
import os
import signal

import django
from django.conf import settings

from orgbilling.lib.metrics_files import share


def _end_when_asked() -> None:
    """Let a worker of granian that is still loading end when it is asked to.

    Until it serves, it has the handler of the first process, which only makes a note that nobody reads there: the
    worker would go on to serve, and be killed with what it is doing when the first process's patience is over.
    """
    if multiprocessing.parent_process() is None:
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        if getattr(signal.getsignal(number), "__module__", "").startswith("granian."):
            signal.signal(number, signal.SIG_DFL)


_end_when_asked()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orgbilling.settings")

# Before the apps are loaded, which define what is counted.
share(settings.METRICS_DIR)
django.setup(set_prefix=False)

# The apps are there only now.
from django.db import connection, connections  # noqa: E402
from django.urls import resolve  # noqa: E402

from orgbilling.database.base import REPLICA, be_patient_for  # noqa: E402
from orgbilling.database.following import FOLLOWER  # noqa: E402
from orgbilling.database.watch import WATCH  # noqa: E402
from orgbilling.web.doors import Doors  # noqa: E402

application = Doors()

# Somebody waits for what a web process does, and has waited for a place before: with both the answer is there in 3 s.
# Commands and the worker keep to PostgreSQL's own timeouts.
be_patient_for(settings.REQUEST_WAIT_MS / 2000)
WATCH.start(connection.get_connection_params, settings.DB_SILENCE_MS / 1000)
if REPLICA in settings.DATABASES:
    FOLLOWER.start(
        connection.get_connection_params,
        connections[REPLICA].get_connection_params,
        settings.REPLICA_MAX_LAG_SECONDS,
    )
# Imports every view: else the first request of each process would wait for that, a second or two.
resolve("/health")
# What is loaded by now stays. The garbage collector would walk through it again and again, which costs a batch of 1,000
# a fifth of its time.
gc.collect()
gc.freeze()
