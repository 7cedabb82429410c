# One image for everything: the web server (its command), the worker, and the commands of manage.py.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements.txt /
RUN python -m venv /venv && /venv/bin/pip install --require-hashes --only-binary :all: -r /requirements.txt
WORKDIR /app
COPY manage.py ./
COPY orgbilling orgbilling
COPY organizations organizations
COPY credits credits
COPY billing billing
COPY templates templates
# Compiled once here: the image is read-only where it runs. No setting of production is known or needed yet.
RUN DATA_DIR=/tmp/build STATIC_ROOT=/app/static /venv/bin/python manage.py collectstatic --no-input && \
    /venv/bin/python -m compileall -q /app /venv/lib

FROM python:3.11-slim-bookworm
# pg_dump and pg_restore of the server's own version, for backups: Debian's are older, and refuse a newer server.
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 liblz4-1 libzstd1 && \
    rm -rf /var/lib/apt/lists/*
COPY --from=postgres:18-bookworm /usr/lib/postgresql/18/bin/pg_dump /usr/lib/postgresql/18/bin/pg_restore \
    /usr/lib/postgresql/18/bin/
COPY --from=postgres:18-bookworm /usr/lib/*-linux-gnu/libpq.so.5* /usr/local/lib/
RUN ldconfig && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin orgbilling && \
    install -d -o 10001 -m 700 /var/lib/orgbilling/backups /var/lib/orgbilling/metrics
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=orgbilling.settings \
    PRODUCTION=true STATIC_ROOT=/app/static DATA_DIR=/tmp/orgbilling METRICS_DIR=/tmp/metrics
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER 10001
EXPOSE 8084
STOPSIGNAL SIGTERM
# Whether the process lives. Whether it can serve is /ready: a lost database is no reason to restart it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "orgbilling.healthcheck"]
# As many of the threads of a worker as its pool has connections (DB_POOL_SIZE, 10 unless set) are at work at once.
CMD ["granian", "orgbilling.wsgi:application", "--interface", "wsgi", "--no-ws", \
     "--host", "0.0.0.0", "--port", "8084", "--workers", "2", "--blocking-threads", "24", \
     "--respawn-failed-workers", "--workers-kill-timeout", "30", \
     "--log-config", "orgbilling/granian-logs.json"]
