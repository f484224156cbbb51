"""The portal's addresses and those of what it is measured against."""

from django.urls import path

from bench import peers, react_peer
from portal.urls import urlpatterns as portal

urlpatterns = [
    *portal,
    path("admin/", peers.admin.urls),
    path("uncounted/", peers.uncounted.urls),
    path("react/", react_peer.index),
    path("bench/leads", react_peer.leads),
]
