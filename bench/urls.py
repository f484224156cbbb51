"""The portal's addresses and those of what it is measured against."""

from django.urls import path

from bench import peers
from portal.urls import urlpatterns as portal

urlpatterns = [
    *portal,
    path("admin/", peers.admin.urls),
    path("uncounted/", peers.uncounted.urls),
]
