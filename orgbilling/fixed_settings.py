"""Settings of libraries in which nothing is up to whoever runs the service; ``orgbilling.settings`` takes them in."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

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

# What django-ratelimit takes anyway, but looks for in vain with every request where it isn't said.
RATELIMIT_ENABLE = True
RATELIMIT_CACHE_PREFIX = "rl:"
RATELIMIT_HASH_ALGORITHM = sha256

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
    "DESCRIPTION": (Path(__file__).parent / "web" / "description.md").read_text(encoding="utf-8"),
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
    "POSTPROCESSING_HOOKS": ["organizations.api.webhook_schema.add_webhooks"],
}

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "organizations.sign_on.backend.SignOnBackend",
]
# What mozilla-django-oidc reads; it asks for neither PKCE nor a time limit unless told.
OIDC_AUTHENTICATION_CALLBACK_URL = "sign_on_callback"
OIDC_RP_SCOPES = "openid email profile"
OIDC_USE_PKCE = True
OIDC_USE_NONCE = True
OIDC_TIMEOUT = 5

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).resolve().parent.parent / "templates"],
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
