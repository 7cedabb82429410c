FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.txt /
RUN python -m venv /venv && /venv/bin/pip install --require-hashes -r /requirements.txt

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home orgbilling
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=orgbilling.settings
COPY --from=build /venv /venv
WORKDIR /app
COPY manage.py ./
COPY orgbilling orgbilling
COPY organizations organizations
COPY credits credits
COPY billing billing
COPY templates templates
USER 10001
EXPOSE 8084
# As many of the threads of a worker as its pool has connections (DB_POOL_SIZE, 10 unless set) are at work at once.
CMD ["granian", "orgbilling.wsgi:application", "--interface", "wsgi", "--no-ws", \
     "--host", "0.0.0.0", "--port", "8084", "--workers", "2", "--blocking-threads", "24", \
     "--respawn-failed-workers", "--workers-kill-timeout", "30", "--access-log"]
