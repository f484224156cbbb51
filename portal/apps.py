"""The one Django app."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Crossdesk"

    def ready(self) -> None:
        from portal.mirror import checks  # noqa: F401
