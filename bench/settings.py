"""
The portal's settings with what it is measured against beside it: Django's own admin.

Only for bench/: DJANGO_SETTINGS_MODULE=bench.settings.
"""

from portal.settings import *  # noqa: F403
from portal.settings import INSTALLED_APPS as _APPS
from portal.settings import STORAGES as _STORAGES

INSTALLED_APPS = [*_APPS, "django.contrib.admin"]
ROOT_URLCONF = "bench.urls"
STORAGES = _STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
ALLOWED_HOSTS = ["*"]
LOGGING = {"version": 1, "disable_existing_loggers": True}
SILENCED_SYSTEM_CHECKS = ["auth.E003"]
