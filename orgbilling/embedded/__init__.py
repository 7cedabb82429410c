"""A real PostgreSQL inside the clone's `.data/`, for `make run`, manage.py and the tests.

Production never comes here: with DATABASE_URL set nothing of this package runs.
"""

from orgbilling.embedded.home import data_dir, secret_key
from orgbilling.embedded.server import database_settings, ensure_running

__all__ = ["data_dir", "database_settings", "ensure_running", "secret_key"]
