"""Django's PostgreSQL backend for a server that may fall silent: what waits for it learns so in time."""
