"""
Every setting, read once from the environment. A wrong one stops the start in words.

`.env.example` lists the variables. With PORTAL_DEMO=1 keys are made and kept under
VAR_DIR; without it a missing one stops the start.
"""

import base64
import binascii
import secrets
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()  # type: ignore[no-untyped-call]
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

DEMO = env.bool("PORTAL_DEMO", default=False)
DEBUG = env.bool("DEBUG", default=False)
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))


def _kept(name: str, made: str) -> str:
    """The demo's value of `name`: made once, kept under VAR_DIR, readable by its owner only."""
    path = VAR_DIR / name
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(made)
    return path.read_text().strip()


def _required(name: str, made: str) -> str:
    """The variable `name`; made up only in the demo."""
    value = env.str(name, default="")
    if value:
        return value
    if DEMO:
        return _kept(name.lower(), made)
    raise ImproperlyConfigured(
        f"{name} is not set. Set it in the environment or in .env (see .env.example), "
        f"or set PORTAL_DEMO=1 to try the portal with keys made for you."
    )


def _keyring(text: str) -> dict[str, bytes]:
    """`id:base64 of 32 bytes, ...` as a ring; the first key seals, all of them open."""
    ring: dict[str, bytes] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key_id, _, coded = part.partition(":")
        try:
            key = base64.b64decode(coded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not key_id or len(key) != 32:
            raise ImproperlyConfigured(
                "PORTAL_KEYRING must be `id:base64 of 32 bytes`, comma-separated. "
                f"The entry {key_id or '(without id)'!r} is not."
            )
        ring[key_id] = key
    if not ring:
        raise ImproperlyConfigured("PORTAL_KEYRING holds no key.")
    return ring


def _keyring_text() -> str:
    path = env.str("PORTAL_KEYRING_FILE", default="")
    if path:
        try:
            return Path(path).read_text()
        except OSError as error:
            raise ImproperlyConfigured(f"PORTAL_KEYRING_FILE cannot be read: {error}") from error
    made = "demo:" + base64.b64encode(secrets.token_bytes(32)).decode()
    return _required("PORTAL_KEYRING", made)


SECRET_KEY = _required("SECRET_KEY", secrets.token_urlsafe(50))
PORTAL_KEYRING = _keyring(_keyring_text())
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
_SECURE = PUBLIC_URL.startswith("https://")

# Only the deployment may point a provider elsewhere, never a signed-in person (reliability T12).
# NEXADESK_BASE_URL, DEXRA_BASE_URL; a provider not named here is at its documented address.
PROVIDER_BASE_URLS = {
    name.removesuffix("_BASE_URL").lower(): value.rstrip("/")
    for name, value in env.ENVIRON.items()
    if name.endswith("_BASE_URL") and value
}
OUTBOX_SETTLE_SECONDS = env.float("OUTBOX_SETTLE_SECONDS", default=90)
LIVE_STREAMS_PER_PROCESS = env.int("LIVE_STREAMS_PER_PROCESS", default=200)
LIVE_STREAMS_PER_PERSON = env.int("LIVE_STREAMS_PER_PERSON", default=4)
# Deliveries that one webhook address takes, a minute and process; and how many may wait.
WEBHOOKS_PER_MINUTE = env.int("WEBHOOKS_PER_MINUTE", default=9_000)
WEBHOOKS_WAITING = env.int("WEBHOOKS_WAITING", default=50_000)
# How long the log of who did what is kept.
AUDIT_KEEP_DAYS = env.int("AUDIT_KEEP_DAYS", default=730)
# How long the rows of an ended batch are kept. What was done can be undone for 30 days.
BATCH_KEEP_DAYS = env.int("BATCH_KEEP_DAYS", default=90)
if BATCH_KEEP_DAYS < 31:
    raise ImproperlyConfigured("BATCH_KEEP_DAYS must be 31 or more: a batch can be undone so long.")
WRITE_DEADLINE_SECONDS = 8.0
# How long a reply can be taken back before it goes to the customer; 0 sends at once.
HOLD_SECONDS = env.int("HOLD_SECONDS", default=10)
SYNC_DEADLINE_SECONDS = 30.0
# Only for tests: how long a service's window of calls is, in seconds.
BUDGET_WINDOW_SECONDS = env.float("CROSSDESK_WINDOW_SECONDS", default=60.0)
# Only for tests: the named point (`portal.crash`) at which this process ends as if killed.
# Longer than a read and a write with their deadlines and their waits for the budget.
OUTBOX_LEASE_SECONDS = env.float("CROSSDESK_LEASE_SECONDS", default=60)
CRASH_AT = env.str("CROSSDESK_CRASH_AT", default="")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "allauth",
    "allauth.account",
    "huey.contrib.djhuey",
    "portal",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "portal.web.packed.packed",
    "portal.web.frame.never_stored",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.web.errors.PortalErrors",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["portal.web.lean.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.web.frame.frame",
            ],
            "builtins": ["portal.templatetags.portal"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# A checkpoint is a long wait for whoever's commit begins it: seldom, then, and more at once.
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
    "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32000; PRAGMA wal_autocheckpoint=8000;"
)


def _database() -> dict[str, Any]:
    """SQLite opened one way (reliability, rule 21), or PostgreSQL with a pool."""
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    database: dict[str, Any] = env.db_url(
        "DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'crossdesk.sqlite3'}"
    )
    if database["ENGINE"].endswith("sqlite3"):
        # Opening the file anew for each request costs more than most of its queries.
        database["CONN_MAX_AGE"] = 600
        database["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": _SQLITE_PRAGMAS,
        }
    elif database["ENGINE"].endswith("postgresql"):
        database["OPTIONS"] = {
            "pool": {"min_size": 1, "max_size": 16, "timeout": 10},
            # Compiling a plan takes longer than any of our queries does. A search of a few signs
            # has very many candidates: with less memory it would look at all rows beside them.
            "options": "-c statement_timeout=30000 -c jit=off -c work_mem=16MB",
        }
    else:
        raise ImproperlyConfigured("DATABASE_URL must name SQLite or PostgreSQL.")
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

HUEY: dict[str, Any] = {
    "name": "crossdesk",
    "huey_class": "huey.SqliteHuey",
    "filename": str(VAR_DIR / "queue.sqlite3"),
    "fsync": True,
    "immediate": False,
    "results": False,
    "consumer": {
        "workers": 4,
        "worker_type": "thread",
        "check_worker_health": True,
        # An idle worker looks this often: a webhook is on an open page within two seconds.
        "max_delay": 0.3,
    },
}
if env.str("REDIS_URL", default=""):
    HUEY |= {"huey_class": "huey.RedisHuey", "url": env.str("REDIS_URL")}
    del HUEY["filename"], HUEY["fsync"]

TASKS = {
    name: {
        "BACKEND": "huey.contrib.djhuey.tasks_backend.HueyBackend",
        "OPTIONS": {"enqueue_on_commit": on_commit},
    }
    for name, on_commit in {"default": True, "at_once": False}.items()
}

AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
ACCOUNT_ADAPTER = "portal.web.session.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if _SECURE else "http"
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "/accounts/login/"


def _mailer() -> dict[str, Any]:
    """EMAIL_URL (smtp+tls://user:password@host:587) as Django's mailer; else mail is printed."""
    told = env.email_url("EMAIL_URL", default="consolemail://")
    backend = told["EMAIL_BACKEND"]
    if not backend.endswith("smtp.EmailBackend"):
        return {"BACKEND": backend}
    options = {
        "host": told.get("EMAIL_HOST") or "localhost",
        "port": told.get("EMAIL_PORT") or 25,
        "username": told.get("EMAIL_HOST_USER") or "",
        "password": told.get("EMAIL_HOST_PASSWORD") or "",
        "use_tls": bool(told.get("EMAIL_USE_TLS")),
        "use_ssl": bool(told.get("EMAIL_USE_SSL")),
        "timeout": 20,
    }
    return {"BACKEND": backend, "OPTIONS": options}


MAILERS = {"default": _mailer()}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="crossdesk@localhost")

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if env.str("REDIS_URL", default=""):
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": env.str("REDIS_URL"),
        }
    }
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.web.assets.Served"},
}

# What is too large for any file of ours is dropped on its way in.
FILE_UPLOAD_HANDLERS = [
    "portal.web.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 31_536_000 if _SECURE else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SESSION_COOKIE_NAME = "__Host-session" if _SECURE else "session"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if _SECURE else []
CSRF_FAILURE_VIEW = "portal.web.errors.csrf_failure"
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "django.tasks": {"level": "WARNING"},
        # A handler of its own, or the consumer adds a second one.
        "huey": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}
