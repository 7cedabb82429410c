"""Every setting of the service, read from the environment and from nowhere else.

Unset variables have the values of ``make run``; a variable with a value that can't be understood stops the start.
"""

from __future__ import annotations

from pathlib import Path

from orgbilling import embedded
from orgbilling.env import database_from_url, env_bool, env_int, env_list, env_secret, env_str

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where it runs ---------------------------------------------------------------------------------

DEBUG = env_bool("DEBUG", default=False)
SECRET_KEY = env_secret("SECRET_KEY", default="") or embedded.secret_key(BASE_DIR)
SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
PUBLIC_URL = env_str("PUBLIC_URL", default="http://127.0.0.1:8084").rstrip("/")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "orgbilling.urls"
WSGI_APPLICATION = "orgbilling.wsgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False

INSTALLED_APPS = [
    "orgbilling",
    "orgbilling.web",
    "organizations",
    "credits",
    "billing",
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
]

MIDDLEWARE = [
    "orgbilling.web.request_id.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- PostgreSQL ------------------------------------------------------------------------------------

DATABASE_URL = env_secret("DATABASE_URL", default="")
DB_POOL_SIZE = env_int("DB_POOL_SIZE", default=10, minimum=1)
# Both outlast a hundred callers on one row; a caller past them gets 503 and may retry with its key.
DB_POOL_TIMEOUT_SECONDS = env_int("DB_POOL_TIMEOUT_SECONDS", default=10, minimum=1)
DB_LOCK_TIMEOUT_MS = env_int("DB_LOCK_TIMEOUT_MS", default=5_000, minimum=100)
DB_STATEMENT_TIMEOUT_MS = env_int("DB_STATEMENT_TIMEOUT_MS", default=30_000, minimum=1_000)


def _database(extra_options: str = "") -> dict[str, object]:
    base = database_from_url(DATABASE_URL) if DATABASE_URL else embedded.database_settings(BASE_DIR)
    session = (
        f"-c lock_timeout={DB_LOCK_TIMEOUT_MS} -c statement_timeout={DB_STATEMENT_TIMEOUT_MS} "
        f"-c idle_in_transaction_session_timeout=30000 {extra_options}"
    )
    options = {
        **base.get("OPTIONS", {}),
        "options": session.strip(),
        "pool": {"min_size": 1, "max_size": DB_POOL_SIZE, "timeout": DB_POOL_TIMEOUT_SECONDS},
    }
    # No health check at checkout: it would cost every charge a second round trip. A connection that turns out to be
    # dead empties its pool of others like it (orgbilling.lib.connections) and its request may be retried.
    return {**base, "OPTIONS": options, "CONN_HEALTH_CHECKS": False}


# `counters` is the same database over connections of its own: a count must be committed whatever
# becomes of the request, and losing the last few in a crash of the server is harmless.
DATABASES = {
    "default": _database(),
    "counters": {**_database("-c synchronous_commit=off"), "TEST": {"MIRROR": "default"}},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Caches and rate limits ------------------------------------------------------------------------

REDIS_URL = env_secret("REDIS_URL", default="")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "counters": (
        {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "orgbilling.web.counters.CountersCache", "LOCATION": "counters"}
    ),
}
RATELIMIT_USE_CACHE = "counters"
RATE_LIMIT_WRITES = env_str("RATE_LIMIT_WRITES", default="20/m")
RATE_LIMIT_READS = env_str("RATE_LIMIT_READS", default="100/m")
RATE_LIMIT_SERVICE = env_str("RATE_LIMIT_SERVICE", default="6000/m")
# django-ratelimit knows only Redis and memcached; tests/concurrency proves that our counter is atomic.
SILENCED_SYSTEM_CHECKS = [] if REDIS_URL else ["django_ratelimit.W001"]

# --- Who calls -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "organizations.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
CSRF_FAILURE_VIEW = "orgbilling.web.failures.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

OIDC_ISSUER = env_str("OIDC_ISSUER", default="")
OIDC_AUDIENCE = env_str("OIDC_AUDIENCE", default="")
OIDC_JWKS_URL = env_str("OIDC_JWKS_URL", default="")

CORS_ALLOWED_ORIGINS = env_list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_CREDENTIALS = bool(CORS_ALLOWED_ORIGINS)
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "x-csrftoken",
    "x-request-id",
    "idempotency-key",
)
CORS_EXPOSE_HEADERS = (
    "X-Request-ID",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Idempotent-Replayed",
)

# --- API -------------------------------------------------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "organizations.api.authentication.ApiKeyAuthentication",
        "organizations.api.authentication.OidcAuthentication",
        "organizations.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "orgbilling.web.schema.OperationSchema",
    "EXCEPTION_HANDLER": "orgbilling.web.errors.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Org billing",
    "DESCRIPTION": (BASE_DIR / "orgbilling" / "web" / "description.md").read_text(encoding="utf-8"),
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1/org-billing",
    "COMPONENT_SPLIT_REQUEST": True,
    # A PATCH's serializer says itself what may be left out: a role may not.
    "COMPONENT_SPLIT_PATCH": False,
    # Enumerations stay where they are used: shared ones would be named by guesswork.
    "POSTPROCESSING_HOOKS": [],
}

# --- Static files ----------------------------------------------------------------------------------

STATIC_URL = "/static/"
# Unless a folder of collected files is named, WhiteNoise serves them from the installed packages.
STATIC_ROOT = env_str("STATIC_ROOT") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_AUTOREFRESH = False

# --- Logs ------------------------------------------------------------------------------------------

LOG_LEVEL = env_str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "orgbilling.web.request_id.RequestIdFilter"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        }
    },
    # Every refusal is an answer, not an incident; what fails is logged by whoever answers 5xx.
    "loggers": {"django.request": {"level": "ERROR"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
