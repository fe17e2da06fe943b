"""Settings of GetDATA: one file, driven by the environment.

Without any variable set this is the *embedded default*: SQLite, files under ``var/``, a filesystem broker, no server
needed. ``GETDATA_ENV=production`` switches on what a public portal needs, and ``getdata.checks`` refuses to start it with an
unsafe configuration. Every variable is listed in ``docs/deployment.md``.
"""

import base64
import logging
import os
import secrets
from pathlib import Path

import environ

from getdata.schedule import schedule
from getdata.schema_settings import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
PRODUCTION = (ENVIRONMENT := env.str("GETDATA_ENV", default="embedded")) == "production"
DEBUG: bool = env.bool("DEBUG", default=False)
VAR = Path(env.str("GETDATA_VAR", default=str(BASE_DIR / "var"))).resolve()


def _local_secret(name: str) -> bytes:
    """Return 32 random bytes kept in ``var/``: the embedded default invents its secrets once, on this machine."""
    path = VAR / "secrets" / name
    try:
        return _kept_secret(path)
    except OSError as error:
        raise environ.ImproperlyConfigured(
            f"The data folder {VAR} cannot be used ({error.strerror}). "
            "Choose one you may write to: GETDATA_VAR=/some/folder make run"
        ) from error


def _kept_secret(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path.with_suffix(f".{os.getpid()}"), os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(base64.b64encode(secrets.token_bytes(32)))
        try:  # two processes may start together: the first link wins and both read the same secret
            os.link(path.with_suffix(f".{os.getpid()}"), path)
        except FileExistsError:
            pass
        path.with_suffix(f".{os.getpid()}").unlink()
    return base64.b64decode(path.read_bytes())


# --- secrets ---------------------------------------------------------------------------------------------------------
# In production an absent secret stays empty, and getdata.checks says so; it is never invented there.
SECRET_KEY: str = env.str("SECRET_KEY", default="") or ("" if PRODUCTION else _local_secret("django").hex())
GETDATA_MASTER_KEY: bytes = base64.b64decode(env.str("GETDATA_MASTER_KEY", default="")) or (
    b"" if PRODUCTION else _local_secret("master")
)
#: Ed25519 seed that signs certificates of de-identification.
GETDATA_SIGNING_KEY: bytes = base64.b64decode(env.str("GETDATA_SIGNING_KEY", default="")) or (
    b"" if PRODUCTION else _local_secret("signing")
)
if PRODUCTION and not SECRET_KEY:
    raise environ.ImproperlyConfigured(
        "SECRET_KEY is not set. Set it to at least 50 random characters; see docs/deployment.md."
    )

# --- hosts and HTTPS -------------------------------------------------------------------------------------------------
PUBLIC_URL: str = env.str("GETDATA_PUBLIC_URL", default=f"http://127.0.0.1:{env.str('PORT', default='8000')}")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
METRICS_TOKEN: str = env.str("GETDATA_METRICS_TOKEN", default="")
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SESSION_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_NAME = "getdata_session"
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = False  # our upload module reads the token from the cookie
X_FRAME_OPTIONS = "DENY"

# --- applications ----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "getdata.common",
    "getdata.audit",
    "getdata.notifications",
    "getdata.accounts",
    "getdata.webhooks",
    "getdata.trust",
    "requests_app",
    "fulfillment",
    "getdata.demo",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "getdata.common.headers.HeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "getdata.accounts.idle.IdleMiddleware",
    "getdata.accounts.middleware.SecondFactorMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "getdata.urls"
WSGI_APPLICATION = "getdata.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["getdata.common.templatetags.ui"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "getdata.notifications.context.inbox",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- database --------------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR / 'getdata.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # writers queue up instead of failing half-way
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON",
    }
    # A file, as in use: the in-memory test database locks whole tables and would hide or invent races.
    DATABASES["default"]["TEST"] = {"NAME": VAR / "test.sqlite3"}
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}

REDIS_URL: str = env.str("REDIS_URL", default="")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": VAR / "cache"}
}

# --- Celery ----------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL: str = env.str("CELERY_BROKER_URL", default=REDIS_URL or "filesystem://")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ALWAYS_EAGER: bool = env.bool("CELERY_TASK_ALWAYS_EAGER", default=False)
CELERY_TIMEZONE = "UTC"
if CELERY_BROKER_URL.startswith("filesystem"):
    _broker = VAR / "broker"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        # One folder for both directions is what makes sender and worker meet; 0.02 s gave 40 tasks/s, the default 2/s.
        "data_folder_in": str(_broker / "queue"),
        "data_folder_out": str(_broker / "queue"),
        "control_folder": str(_broker / "control"),
        "processed_folder": str(_broker / "processed"),
        "polling_interval": 0.02,
    }
    for _folder in ("queue", "control", "processed"):
        (_broker / _folder).mkdir(parents=True, exist_ok=True)
else:
    # Longer than the longest task, or Redis would deliver it a second time while it runs.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 7200}
#: A worker process above this resident memory is replaced after its task (KiB, as Celery counts); 0 never.
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 1024 * env.int("GETDATA_WORKER_RESIDENT_MB", default=2048) or None
#: Address space of one worker process; 0 sets no limit.
WORKER_MEMORY_MB: int = env.int("GETDATA_WORKER_MEMORY_MB", default=6144)
LEASE_SECONDS: int = env.int("GETDATA_LEASE_SECONDS", default=360)  #: above the task's hard limit of 330 s
MAX_ATTEMPTS = 3
MAX_OUTAGES = 30  #: how often a store may be out of reach for one file; the pauses grow to 5 minutes
SWEEP_SECONDS: float = env.float("GETDATA_SWEEP_SECONDS", default=15.0)
#: Copies of a batch's images that are planted with synthetic identities when it is sealed; 0 switches the measurement off.
CANARY_COPIES: int = env.int("GETDATA_CANARY_COPIES", default=5)
#: A picture of the contact sheet was looked at once it stood large before the reviewer for so long.
LOOK_MILLISECONDS: int = env.int("GETDATA_LOOK_MILLISECONDS", default=400)
#: How long a release can be undone between its second person and its first byte; 0 makes it live at once.
RELEASE_UNDO_MINUTES: float = env.float("GETDATA_RELEASE_UNDO_MINUTES", default=30)
CELERY_BEAT_SCHEDULE = schedule(sweep_seconds=SWEEP_SECONDS)

# --- storage ---------------------------------------------------------------------------------------------------------
STORAGE_KIND: str = env.str("GETDATA_STORAGE", default="local")
#: Files leave this machine's staging folder for the quarantine bucket when they enter the ledger.
HAND_OVER: bool = env.bool("GETDATA_HAND_OVER", default=PRODUCTION and STORAGE_KIND == "s3")
STAGING = Path(env.str("GETDATA_STAGING", default=str(VAR / "staging")))
X_ACCEL_PREFIX: str = env.str("GETDATA_X_ACCEL_PREFIX", default="")


def _storage(alias: str) -> dict[str, object]:
    """One of the three private storages: originals, what may leave, and previews for the screen."""
    if STORAGE_KIND == "s3":
        return {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": env.str(f"S3_BUCKET_{alias.upper()}"),
                "endpoint_url": env.str("S3_ENDPOINT_URL", default=None),
                "access_key": env.str("S3_ACCESS_KEY_ID"),
                "secret_key": env.str("S3_SECRET_ACCESS_KEY"),
                "region_name": env.str("S3_REGION", default="us-east-1"),
                "addressing_style": "path",
                "signature_version": "s3v4",
                "default_acl": None,
                "querystring_auth": True,
                "querystring_expire": 300,
                "file_overwrite": True,  # outputs are content-addressed: a retry rewrites the same bytes
            },
        }
    return {
        "BACKEND": "getdata.common.storage.PrivateFileStorage",
        "OPTIONS": {"location": str(VAR / "files" / alias)},
    }


STORAGES = {
    "default": _storage("released"),
    "quarantine": _storage("quarantine"),
    "released": _storage("released"),
    "previews": _storage("previews"),
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("GETDATA_STATIC_ROOT", default=str(VAR / "static")))
# The pictures of the documents are shown on the page "How quality is scored" as well.
STATICFILES_DIRS = [BASE_DIR / "static", ("pictures", BASE_DIR / "docs" / "pictures")]
if not PRODUCTION:  # static files are served from where they lie; whitenoise wants the folder to exist all the same
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False

# --- uploads ---------------------------------------------------------------------------------------------------------
MAX_UPLOAD_BYTES: int = env.int("GETDATA_MAX_UPLOAD_BYTES", default=8 * 1024**3)
MAX_LABEL_IMPORT_BYTES: int = env.int("GETDATA_MAX_LABEL_IMPORT_BYTES", default=128 * 1024**2)
MAX_INSTANCE_BYTES: int = env.int("GETDATA_MAX_INSTANCE_BYTES", default=512 * 1024**2)
MAX_ARCHIVE_FILES: int = env.int("GETDATA_MAX_ARCHIVE_FILES", default=20_000)
MAX_ARCHIVE_DEPTH = 3
#: The virus scanner, if there is one: tcp://host:3310 or unix:///run/clamav/clamd.ctl. With it set nothing passes unscanned.
CLAMD: str = env.str("GETDATA_CLAMD", default="")
CLAMD_SECONDS: int = env.int("GETDATA_CLAMD_SECONDS", default=60)
UPLOAD_CHUNK_BYTES: int = env.int("GETDATA_UPLOAD_CHUNK_BYTES", default=16 * 1024**2)
#: Days that originals lie in quarantine: after acceptance, unless the agreement says another number, and after a rejection,
#: a withdrawal or the end of a delivery.
ORIGINALS_DAYS: int = env.int("GETDATA_ORIGINALS_DAYS", default=30)
ORIGINALS_REFUSED_DAYS: int = env.int("GETDATA_ORIGINALS_REFUSED_DAYS", default=7)
UPLOAD_EXPIRY_HOURS: int = env.int("GETDATA_UPLOAD_EXPIRY_HOURS", default=48)
#: Uploads are asked to come later when the staging disk would be left with less, or so many files of one hospital wait.
STAGING_RESERVE_BYTES: int = env.int("GETDATA_STAGING_RESERVE_BYTES", default=1024**3)
MAX_WAITING_FILES: int = env.int("GETDATA_MAX_WAITING_FILES", default=50_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = UPLOAD_CHUNK_BYTES + 1024**2
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4000
DATA_UPLOAD_MAX_NUMBER_FILES = 2000
from getdata.settings_dicom import *  # noqa: E402, F403
from getdata.settings_trust import *  # noqa: E402, F403

#: Deliveries have endpoints of their own that write to staging; any other form is small and stays in memory.
FILE_UPLOAD_HANDLERS = ["getdata.common.request_limits.SmallForms"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024**2

# --- people: sign-in and sessions -------------------------------------------------------------------------------------
from getdata.settings_sign_in import *  # noqa: E402, F403

# allauth must not trust X-Forwarded-For unless a proxy of ours sets it; without one, the socket's address counts.
ALLAUTH_TRUSTED_PROXY_COUNT: int = env.int("GETDATA_TRUSTED_PROXIES", default=1 if PRODUCTION else 0)
#: The hour (0 to 23, in TIME_ZONE) at which the daily digest is written.
DIGEST_HOUR: int = env.int("GETDATA_DIGEST_HOUR", default=7) % 24

# --- e-mail ----------------------------------------------------------------------------------------------------------
_email = env.email_url("EMAIL_URL", default="filemail://")
vars().update({k: v for k, v in _email.items() if k.startswith("EMAIL_") and k != "EMAIL_FILE_PATH"})
EMAIL_FILE_PATH = str(VAR / "mail")
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="GetDATA <no-reply@getdata.example>")

# --- webhooks ---------------------------------------------------------------------------------------------------------
#: ``host:port`` of endpoints on this machine, for development and tests; a production configuration refuses to name any.
WEBHOOK_TEST_HOSTS: list[str] = env.list("GETDATA_WEBHOOK_TEST_HOSTS", default=[])

# --- language and time -----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English")]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# --- API -------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "getdata.accounts.tokens.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["getdata.accounts.tokens.ScopedAccess"],
    "DEFAULT_PAGINATION_CLASS": "getdata.common.pagination.Pages",
    "PAGE_SIZE": 50,
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    # How many entries of X-Forwarded-For are ours to believe: without it a caller chooses the address it is limited by.
    "NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT,
    "DEFAULT_THROTTLE_RATES": {"anon": "120/min", "user": "6000/min"},
    "EXCEPTION_HANDLER": "getdata.common.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# --- Content-Security-Policy: nothing inline, nothing from elsewhere ---------------------------------------------------
_S3_ORIGIN = (
    [env.str("GETDATA_S3_PUBLIC_ORIGIN", default="")] if env.str("GETDATA_S3_PUBLIC_ORIGIN", default="") else []
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:", *_S3_ORIGIN],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *_S3_ORIGIN],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "manifest-src": ["'self'"],
        "object-src": ["'none'"],
    }
}

# --- logs: structured, and never a value from a header or a report ----------------------------------------------------
logging.captureWarnings(True)  # pydicom's warnings quote values; as log records they are withheld by the formatter
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "getdata.common.logs.JsonFormatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},  # libraries: some log what they decode
    "loggers": {
        "getdata": {"level": env.str("LOG_LEVEL", default="INFO")},
        "django": {"level": env.str("LOG_LEVEL", default="INFO")},
        "django.server": {"level": "WARNING"},
        "pydicom": {"level": "CRITICAL"},  # pydicom's warnings quote header values
        "rapidocr": {"level": "CRITICAL"},
        "celery": {"level": "WARNING"},
        "kombu": {"level": "ERROR"},  # it warns of a missing host name, which a folder does not have
        "botocore": {"level": "WARNING"},
    },
}

SILENCED_SYSTEM_CHECKS: list[str] = []
