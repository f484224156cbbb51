"""Every address. The access matrix in tests/web proves who may come in where."""

from django.urls import URLPattern, URLResolver, include, path

from portal.web import connections, contacts, conversations, health, home, leads, session

workspace = [
    path("", home.home, name="home"),
    path("leads/", leads.index, name="lead-list"),
    path("leads/new/", leads.new, name="lead-new"),
    path("leads/<int:lead_id>/", leads.detail, name="lead-detail"),
    path("leads/<int:lead_id>/edit/", leads.edit, name="lead-edit"),
    path("leads/<int:lead_id>/delete/", leads.delete, name="lead-delete"),
    path("leads/<int:lead_id>/fresh/", leads.fresh, name="lead-fresh"),
    path("contacts/", contacts.index, name="contact-list"),
    path("contacts/new/", contacts.new, name="contact-new"),
    path("contacts/user/", contacts.user, name="contact-user"),
    path("contacts/<int:contact_id>/", contacts.detail, name="contact-detail"),
    path("contacts/<int:contact_id>/edit/", contacts.edit, name="contact-edit"),
    path("contacts/<int:contact_id>/delete/", contacts.delete, name="contact-delete"),
    path("contacts/<int:contact_id>/fresh/", contacts.fresh, name="contact-fresh"),
    path("conversations/", conversations.index, name="conversation-list"),
    path("conversations/new/", conversations.new, name="conversation-new"),
    path(
        "conversations/<int:conversation_id>/",
        conversations.detail,
        name="conversation-detail",
    ),
    path(
        "conversations/<int:conversation_id>/fresh/",
        conversations.fresh,
        name="conversation-fresh",
    ),
    path(
        "conversations/<int:conversation_id>/reply/",
        conversations.reply,
        name="conversation-reply",
    ),
    path(
        "conversations/<int:conversation_id>/note/",
        conversations.note,
        name="conversation-note",
    ),
    path(
        "conversations/<int:conversation_id>/status/",
        conversations.status,
        name="conversation-status",
    ),
    path("settings/", connections.index, name="settings"),
    path("settings/connections/", connections.index, name="settings-connections"),
    path("settings/connections/new/", connections.new, name="connection-new"),
    path(
        "settings/connections/<int:connection_id>/try/",
        connections.try_again,
        name="connection-try",
    ),
    path(
        "settings/connections/<int:connection_id>/key/",
        connections.replace,
        name="connection-replace",
    ),
    path(
        "settings/connections/<int:connection_id>/remove/",
        connections.remove,
        name="connection-remove",
    ),
    path("progress/", home.progress, name="progress"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", session.start, name="start"),
    path("w/<slug:slug>/", include(workspace)),
    path("look/", session.look, name="theme"),
    path("accounts/", include("allauth.account.urls")),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
]

handler404 = "portal.web.errors.not_found"
