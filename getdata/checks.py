"""System checks that refuse an unsafe production configuration (``GETDATA_ENV=production``)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Error, register
from django.core.exceptions import ImproperlyConfigured

_HELP = "See docs/deployment.md."


def refuse_unsafe_production() -> None:
    """Stop a server or a worker that was started with an unsafe configuration: neither runs Django's checks by itself.

    Raises ``ImproperlyConfigured`` naming every problem with its remedy.
    """
    problems = production_is_safe(None)
    if problems:
        raise ImproperlyConfigured(" ".join(f"{problem.msg} {problem.hint}" for problem in problems))


@register()
def production_is_safe(app_configs: Any, **kwargs: Any) -> list[Error]:
    """Each unsafe setting is an error with its remedy; the portal does not start until all are mended."""
    if not settings.PRODUCTION:
        return []
    problems: list[Error] = []

    def refuse(number: int, wrong: bool, message: str, remedy: str) -> None:
        if wrong:
            problems.append(Error(message, hint=f"{remedy} {_HELP}", id=f"getdata.E{number:03}"))

    database = settings.DATABASES["default"]["ENGINE"]
    refuse(1, settings.DEBUG, "DEBUG is on in production.", "Unset DEBUG.")
    refuse(
        2,
        len(settings.GETDATA_MASTER_KEY) != 32,
        "GETDATA_MASTER_KEY is not 32 bytes.",
        "Set 32 random bytes in base64.",
    )
    refuse(3, "postgresql" not in database, "Production needs PostgreSQL.", "Set DATABASE_URL=postgres://...")
    refuse(
        4,
        settings.CELERY_BROKER_URL.startswith(("filesystem", "memory")),
        "The embedded broker is not for production.",
        "Set REDIS_URL or CELERY_BROKER_URL.",
    )
    refuse(
        5,
        not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS,
        "ALLOWED_HOSTS is empty or open.",
        "Name your host.",
    )
    refuse(
        6,
        not settings.PUBLIC_URL.startswith("https://"),
        "GETDATA_PUBLIC_URL is not https.",
        "Set it to https://your.host.",
    )
    refuse(7, len(settings.SECRET_KEY) < 50, "SECRET_KEY is shorter than 50 characters.", "Make a longer random one.")
    refuse(
        8,
        settings.EMAIL_BACKEND.endswith((".filebased.EmailBackend", ".console.EmailBackend", ".dummy.EmailBackend")),
        "E-mail is not sent anywhere.",
        "Set EMAIL_URL=smtp+tls://...",
    )
    refuse(
        9,
        settings.STORAGE_KIND == "s3" and str(_s3_address()).startswith("http://"),
        "S3_ENDPOINT_URL is not https: originals and downloads would travel in the clear.",
        "Set it to https://your.files.host.",
    )
    refuse(
        10,
        len(settings.GETDATA_SIGNING_KEY) != 32,
        "GETDATA_SIGNING_KEY is not 32 bytes.",
        "Set 32 random bytes in base64: the key that signs certificates.",
    )
    refuse(
        11,
        bool(settings.WEBHOOK_TEST_HOSTS),
        "GETDATA_WEBHOOK_TEST_HOSTS names hosts: webhooks could be sent into your own network.",
        "Unset it.",
    )
    refuse(
        12,
        bool(settings.DEMO_CODE),
        "GETDATA_DEMO_CODE is set: it stands for everybody's second step in a demonstration.",
        "Unset it.",
    )
    refuse(
        13,
        not 60 <= settings.IDLE_SECONDS <= 900,
        "GETDATA_IDLE_SECONDS is not between 60 and 900: where identity may be seen, a silent session ends within 15 minutes.",
        "Unset it.",
    )
    refuse(
        14,
        settings.RELEASE_UNDO_MINUTES < 1,
        "GETDATA_RELEASE_UNDO_MINUTES leaves no time to undo a release.",
        "Unset it, or set it to 1 or more.",
    )
    return problems


def _s3_address() -> str:
    """The store's address, or empty for Amazon's own (which is https)."""
    options: Any = settings.STORAGES["released"]["OPTIONS"]  # type: ignore[index]
    return options.get("endpoint_url") or ""
