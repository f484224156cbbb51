"""
The portal's settings with what it is measured against beside it: Django's own admin.

Only for bench/: DJANGO_SETTINGS_MODULE=bench.settings.
"""

import os
from importlib.util import find_spec

from portal.settings import *  # noqa: F403
from portal.settings import DATABASES as _DATABASES
from portal.settings import INSTALLED_APPS as _APPS
from portal.settings import STATICFILES_DIRS as _STATICS
from portal.settings import STORAGES as _STORAGES

INSTALLED_APPS = [*_APPS, "django.contrib.admin"]
if find_spec("django_tables2"):
    INSTALLED_APPS.append("django_tables2")
ROOT_URLCONF = "bench.urls"
if _DEPLOYED := os.environ.get("BENCH_STATIC"):
    STATIC_ROOT = _DEPLOYED
else:
    STORAGES = _STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
if BENCH_REACT := os.environ.get("BENCH_REACT", ""):
    STATICFILES_DIRS = [*_STATICS, ("react", BENCH_REACT)]
ALLOWED_HOSTS = ["*"]
DATABASES = _DATABASES
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    # What we are measured against may take as long as it does.
    DATABASES["default"]["OPTIONS"]["options"] = "-c jit=off -c work_mem=16MB"
LOGGING = {"version": 1, "disable_existing_loggers": True}
SILENCED_SYSTEM_CHECKS = ["auth.E003"]
