"""Every setting of the service, read from the environment and from nowhere else.

Unset variables have the values of ``make run``; a variable with a value that can't be understood stops the start.
"""

from __future__ import annotations

from pathlib import Path

from orgbilling import embedded, production
from orgbilling.database.entries import Session
from orgbilling.env import (
    SECRETS,
    all_or_none,
    cron_schedule,
    database_from_url,
    email_from_url,
    env_bool,
    env_choice,
    env_int,
    env_list,
    env_networks,
    env_places,
    env_secret,
    env_str,
    long_enough,
    replica_from_url,
    web_address,
)

# Settings for libraries, to be found here by their names.
from orgbilling.fixed_settings import (  # noqa: F401
    AUTH_PASSWORD_VALIDATORS,
    AUTHENTICATION_BACKENDS,
    CORS_ALLOW_HEADERS,
    CORS_EXPOSE_HEADERS,
    OIDC_AUTHENTICATION_CALLBACK_URL,
    OIDC_RP_SCOPES,
    OIDC_TIMEOUT,
    OIDC_USE_NONCE,
    OIDC_USE_PKCE,
    PASSWORD_HASHERS,
    RATELIMIT_CACHE_PREFIX,
    RATELIMIT_ENABLE,
    RATELIMIT_HASH_ALGORITHM,
    REST_FRAMEWORK,
    SPECTACULAR_SETTINGS,
    TEMPLATES,
)
from orgbilling.lib.logs import configuring as logs
from orgbilling.lib.logs.jobs import within_job
from orgbilling.lib.stopping import knows_of_stop

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where it runs ---------------------------------------------------------------------------------

# Where strangers come: nothing unsafe is started then, and plain HTTP is not served (the end of this file).
PRODUCTION = env_bool("PRODUCTION", default=False)
DEBUG = env_bool("DEBUG", default=False)
SECRET_KEY = env_secret("SECRET_KEY", default="")
if not SECRET_KEY and not PRODUCTION:
    SECRET_KEY = embedded.secret_key(BASE_DIR)
    SECRETS.add(SECRET_KEY)
SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
PUBLIC_URL = env_str("PUBLIC_URL", default="http://127.0.0.1:8084").rstrip("/")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", default=[])
# Whose X-Forwarded-For and X-Forwarded-Proto are believed; from anybody else they are only text.
TRUSTED_PROXIES = env_networks("TRUSTED_PROXIES", default=[])
ROOT_URLCONF = "orgbilling.urls"
WSGI_APPLICATION = "orgbilling.wsgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
# Django takes a language's formats before the settings'.
FORMAT_MODULE_PATH = "orgbilling.formats"
USE_THOUSAND_SEPARATOR = True

INSTALLED_APPS = [
    "orgbilling",
    "orgbilling.web",
    "organizations",
    "credits",
    "billing",
    # Before the admin, whose templates and pages it replaces; the site is our own.
    "unfold.apps.BasicAppConfig",
    "orgbilling.console.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    "orgbilling.web.request_id.RequestIdMiddleware",
    # Before all that asks whose address it is, and whether the request came by https.
    "orgbilling.web.addresses.ProxyMiddleware",
    "orgbilling.web.request_log.RequestLogMiddleware",
    "orgbilling.web.measuring.MeasuringMiddleware",
    "orgbilling.web.plain_http.PlainHttpMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "orgbilling.web.csp.PolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "orgbilling.web.cors.CorsMiddleware",
    # Before whatever asks the database for anything.
    "orgbilling.web.admission.AdmissionMiddleware",
    # Takes itself out where there is no replica.
    "orgbilling.web.replica.ReplicaMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

# Calls of the API by key or token take a shorter way (orgbilling.web.doors), without what serves people in browsers.
API_SHORT_DOOR = env_bool("API_SHORT_DOOR", default=True)

# --- PostgreSQL ------------------------------------------------------------------------------------

DATABASE_URL = env_secret("DATABASE_URL", default="")
DATABASE_PASSWORD = env_secret("DATABASE_PASSWORD", default="")
# Behind a pooler of transactions: what a session says is lost there, so create_roles gives it to the role.
DB_POOLER = env_bool("DB_POOLER", default=False)
DB_POOL_SIZE = env_int("DB_POOL_SIZE", default=12, minimum=1)
# Of commands and jobs, which have nobody who waits for an answer.
DB_POOL_TIMEOUT_SECONDS = env_int("DB_POOL_TIMEOUT_SECONDS", default=10, minimum=1)
# Of the web processes alone: for its turn (orgbilling.web.admission), and then for a connection. A caller past it
# gets 503 and may retry with its key.
REQUEST_WAIT_MS = env_int("REQUEST_WAIT_MS", default=1_200, minimum=100, maximum=60_000)
# Of the web processes alone, too (orgbilling.database.watch).
DB_SILENCE_MS = env_int("DB_SILENCE_MS", default=1_500, minimum=0, maximum=60_000)
DB_LOCK_TIMEOUT_MS = env_int("DB_LOCK_TIMEOUT_MS", default=5_000, minimum=100)
DB_STATEMENT_TIMEOUT_MS = env_int("DB_STATEMENT_TIMEOUT_MS", default=30_000, minimum=1_000)
# Reports of the web processes may be read there (orgbilling.lib.replica), unless it is further behind than that.
REPLICA_DATABASE_URL = env_secret("REPLICA_DATABASE_URL", default="")
REPLICA_DATABASE_PASSWORD = env_secret("REPLICA_DATABASE_PASSWORD", default="")
REPLICA_MAX_LAG_SECONDS = env_int("REPLICA_MAX_LAG_SECONDS", default=10, minimum=1, maximum=3_600)
# Charges that a process is asked for at the same time go to PostgreSQL in one statement (credits.coalescing).
COALESCE_DEDUCTS = env_bool("COALESCE_DEDUCTS", default=True)
COALESCE_DEDUCTS_MAX = env_int("COALESCE_DEDUCTS_MAX", default=64, minimum=2, maximum=1_000)

_PRIMARY = (
    database_from_url(DATABASE_URL, DATABASE_PASSWORD)
    if DATABASE_URL
    else embedded.database_settings(BASE_DIR)
)
_SESSION = Session(
    lock_timeout_ms=DB_LOCK_TIMEOUT_MS,
    statement_timeout_ms=DB_STATEMENT_TIMEOUT_MS,
    pool_size=DB_POOL_SIZE,
    pool_timeout_seconds=DB_POOL_TIMEOUT_SECONDS,
)
# `counters` is the same database over connections of its own: a count must be committed whatever
# becomes of the request, and losing the last few in a crash of the server is harmless.
DATABASES = {
    "default": _SESSION.of(_PRIMARY, pooler=DB_POOLER),
    "counters": {
        **_SESSION.of(_PRIMARY, "-c synchronous_commit=off", pooler=DB_POOLER),
        "TEST": {"MIRROR": "default"},
    },
}
if REPLICA_DATABASE_URL:
    DATABASES["replica"] = _SESSION.of_replica(
        replica_from_url(REPLICA_DATABASE_URL, REPLICA_DATABASE_PASSWORD, primary=_PRIMARY)
    )
DATABASE_ROUTERS = ["orgbilling.lib.replica.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Billing ---------------------------------------------------------------------------------------

# After how many days an unpaid charge makes its subscription past due, and how long it may be that.
PAYMENT_TERMS_DAYS = env_int("PAYMENT_TERMS_DAYS", default=14, minimum=0, maximum=3650)
PAST_DUE_DAYS = env_int("PAST_DUE_DAYS", default=30, minimum=1, maximum=3650)

# Printed on the invoices that are issued from now on; issued ones keep what they say.
INVOICE_SELLER_NAME = env_str("INVOICE_SELLER_NAME", default="Org billing")
# One line in the environment: a backslash and an n begin the next line of the address.
INVOICE_SELLER_ADDRESS = env_str(
    "INVOICE_SELLER_ADDRESS", default="1 Example Street\\nExample City"
).replace("\\n", "\n")
INVOICE_SELLER_TAX_ID = env_str("INVOICE_SELLER_TAX_ID", default="")
INVOICE_SELLER_EMAIL = env_str("INVOICE_SELLER_EMAIL", default="billing@orgbilling.example")
INVOICE_NOTE = env_str(
    "INVOICE_NOTE", default="Please name the number of this invoice with your payment."
)

# Who collects what is owed. Without keys nobody does: invoices are on account, and a system admin marks them paid.
STRIPE_SECRET_KEY = env_secret("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET = env_secret("STRIPE_WEBHOOK_SECRET", default="")
STRIPE_PUBLISHABLE_KEY = env_str("STRIPE_PUBLISHABLE_KEY", default="")
STRIPE_API_BASE = web_address("STRIPE_API_BASE", env_str("STRIPE_API_BASE", default=""))
all_or_none(
    STRIPE_SECRET_KEY=STRIPE_SECRET_KEY,
    STRIPE_WEBHOOK_SECRET=STRIPE_WEBHOOK_SECRET,
    because="cards are charged with the first, and what became of them is told with the second",
)
PAYMENT_PROVIDER = "stripe" if STRIPE_SECRET_KEY else "on_account"

# --- Webhooks out -----------------------------------------------------------------------------------

# What organizations' endpoints may reach although it isn't public, and at which ports: (hosts, networks).
WEBHOOKS_ALLOWED_HOSTS = env_places("WEBHOOKS_ALLOWED_HOSTS")
WEBHOOKS_ALLOW_HTTP = env_bool("WEBHOOKS_ALLOW_HTTP", default=False)
WEBHOOKS_CONCURRENCY = env_int("WEBHOOKS_CONCURRENCY", default=8, minimum=1, maximum=64)
# Delivered events and their attempts are kept for so long; what was not delivered is kept until it is.
WEBHOOKS_RETENTION_DAYS = env_int("WEBHOOKS_RETENTION_DAYS", default=30, minimum=1, maximum=3650)

# --- Jobs ------------------------------------------------------------------------------------------

# In the same database, by Django's connection, so that a job is asked for in the transaction that causes it. The worker
# has connections of its own, one of them for LISTEN: that one needs PostgreSQL itself, no transaction pooler.
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
PROCRASTINATE_IMPORT_PATHS = ["orgbilling.schedule"]
WORKER_CONCURRENCY = env_int("WORKER_CONCURRENCY", default=5, minimum=1, maximum=DB_POOL_SIZE)
PROCRASTINATE_WORKER_DEFAULTS = {
    "name": "worker",
    "concurrency": WORKER_CONCURRENCY,
    # What is still running then is undone by PostgreSQL and done by another worker.
    "shutdown_graceful_timeout": 5.0,
    "worker_middleware": [within_job, knows_of_stop],
}

# --- Backups ---------------------------------------------------------------------------------------

BACKUP_DIR = env_str("BACKUP_DIR", default="") or str(embedded.data_dir(BASE_DIR) / "backups")
# What is older is deleted after the next backup, but never the last so many.
BACKUP_KEEP_DAYS = env_int("BACKUP_KEEP_DAYS", default=14, minimum=1, maximum=3650)
BACKUP_KEEP_LAST = env_int("BACKUP_KEEP_LAST", default=7, minimum=1, maximum=3650)
# Empty: somebody else calls the commands, or nobody does.
BACKUP_SCHEDULE = cron_schedule("BACKUP_SCHEDULE", env_str("BACKUP_SCHEDULE", default=""))
RESTORE_DRILL_SCHEDULE = cron_schedule(
    "RESTORE_DRILL_SCHEDULE", env_str("RESTORE_DRILL_SCHEDULE", default="")
)

# --- E-mail ----------------------------------------------------------------------------------------

# Notices go there; without a server they are shown in the console only.
EMAIL_URL = env_secret("EMAIL_URL", default="")
DEFAULT_FROM_EMAIL = env_str("DEFAULT_FROM_EMAIL", default="")
all_or_none(
    EMAIL_URL=EMAIL_URL,
    DEFAULT_FROM_EMAIL=DEFAULT_FROM_EMAIL,
    because="notices are sent through the first, and say that they come from the second",
)
NOTICES_BY_EMAIL = bool(EMAIL_URL)
_MAIL = email_from_url(EMAIL_URL)
EMAIL_BACKEND = _MAIL["EMAIL_BACKEND"]
EMAIL_HOST = _MAIL.get("EMAIL_HOST", "")
EMAIL_PORT = _MAIL.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = _MAIL.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _MAIL.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _MAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _MAIL.get("EMAIL_USE_SSL", False)
# Seconds for each step of a conversation; a try as a whole ends before the next one is due.
EMAIL_TIMEOUT = 10

# --- Caches and rate limits ------------------------------------------------------------------------

REDIS_URL = env_secret("REDIS_URL", default="")


def _counters(redis_url: str) -> dict[str, object]:
    if not redis_url:
        return {"BACKEND": "orgbilling.web.counters.CountersCache", "LOCATION": "counters"}
    # Seconds, and no retry: a count that was sent and not answered may have been counted.
    timeouts = {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 1}
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": redis_url,
        "OPTIONS": timeouts,
    }


CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "counters": _counters(REDIS_URL),
}
RATELIMIT_USE_CACHE = "counters"
RATE_LIMIT_WRITES = env_str("RATE_LIMIT_WRITES", default="20/m")
RATE_LIMIT_READS = env_str("RATE_LIMIT_READS", default="100/m")
RATE_LIMIT_SERVICE = env_str("RATE_LIMIT_SERVICE", default="6000/m")
# While nobody can count: closed refuses, open serves uncounted.
RATE_LIMIT_FAIL = env_choice("RATE_LIMIT_FAIL", default="closed", choices=("closed", "open"))
# Sign-ins to the console that fail; of single sign-on, those that are begun.
LOGIN_LIMIT_PAIR = env_str("LOGIN_LIMIT_PAIR", default="5/5m")
LOGIN_LIMIT_ADDRESS = env_str("LOGIN_LIMIT_ADDRESS", default="30/10m")
LOGIN_LIMIT_ACCOUNT = env_str("LOGIN_LIMIT_ACCOUNT", default="100/h")
LOGIN_LIMIT_SIGN_ON = env_str("LOGIN_LIMIT_SIGN_ON", default="30/10m")
# django-ratelimit knows only Redis and memcached; tests/concurrency proves that our counter is atomic.
SILENCED_SYSTEM_CHECKS = [] if REDIS_URL else ["django_ratelimit.W001"]
# That the domain be built into browsers is for its owner to ask for: it can hardly be taken back.
SILENCED_SYSTEM_CHECKS += ["security.W021"]

# --- Who calls -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "organizations.User"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
if SESSION_COOKIE_SECURE:
    # A browser takes these from this host alone, over https alone: no neighbour below the same domain can plant one.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
CSRF_FAILURE_VIEW = "orgbilling.web.failures.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# A browser that came once comes back by https for so long. Pages are redirected there; the API's calls and webhooks
# are refused instead (orgbilling.web.plain_http). Whoever looks after the process asks it directly.
HSTS_SECONDS = env_int("HSTS_SECONDS", default=31_536_000, minimum=0)
SECURE_HSTS_SECONDS = HSTS_SECONDS if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^ready$", r"^metrics$"]

OIDC_ISSUER = env_str("OIDC_ISSUER", default="")
OIDC_AUDIENCE = env_str("OIDC_AUDIENCE", default="")
OIDC_JWKS_URL = env_str("OIDC_JWKS_URL", default="")
# Of the console alone. Addresses that are not given are asked of the issuer when somebody signs in.
OIDC_CLIENT_ID = env_str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env_secret("OIDC_CLIENT_SECRET", default="")
OIDC_AUTHORIZATION_URL = env_str("OIDC_AUTHORIZATION_URL", default="")
OIDC_TOKEN_URL = env_str("OIDC_TOKEN_URL", default="")
OIDC_USERINFO_URL = env_str("OIDC_USERINFO_URL", default="")
OIDC_SIGN_ALGORITHMS = env_list("OIDC_SIGN_ALGORITHMS", default=["RS256"])
LOGIN_REDIRECT_URL = "/admin/"

CORS_ALLOWED_ORIGINS = env_list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_CREDENTIALS = bool(CORS_ALLOWED_ORIGINS)
CORS_URLS_REGEX = r"^/api/"

# --- Console ---------------------------------------------------------------------------------------

UNFOLD = {"SITE_TITLE": "Org billing", "SITE_HEADER": "Org billing", "SITE_URL": "/api/docs"}

# --- API -------------------------------------------------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# The console allocates to 500 members at once, each with an amount of their own.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

# --- Static files ----------------------------------------------------------------------------------

STATIC_URL = "/static/"
# Unless a folder of collected files is named, WhiteNoise serves them from the installed packages.
STATIC_ROOT = env_str("STATIC_ROOT") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_AUTOREFRESH = False

# --- Metrics ---------------------------------------------------------------------------------------

# Who may read /metrics; without a token only programs on this machine.
METRICS_TOKEN = long_enough("METRICS_TOKEN", env_secret("METRICS_TOKEN", default=""), characters=16)
# Where the processes of one machine keep their figures together.
METRICS_DIR = Path(env_str("METRICS_DIR", default="") or embedded.data_dir(BASE_DIR) / "metrics")

# --- Logs ------------------------------------------------------------------------------------------

LOG_LEVEL = env_choice("LOG_LEVEL", default="INFO", choices=logs.LEVELS)
LOG_FORMAT = env_choice("LOG_FORMAT", default="json", choices=logs.FORMATS)
LOGGING_CONFIG = "orgbilling.lib.logs.configuring.configure"
LOGGING = logs.configuration(level=LOG_LEVEL, form=LOG_FORMAT)

if PRODUCTION:
    production.refuse_unsafe(globals())
