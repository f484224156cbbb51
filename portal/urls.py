"""Every address. The access matrix in tests/web proves who may come in where."""

from allauth.account import views as account
from django.urls import URLPattern, URLResolver, include, path, re_path

from portal.web import (
    batches,
    bulk,
    connections,
    contacts,
    conversations,
    deliveries,
    exports,
    health,
    home,
    hooks,
    imports,
    leads,
    live,
    rejects,
    session,
    sync,
    webhooks,
)

workspace = [
    path("", home.home, name="home"),
    path("leads/", leads.index, name="lead-list"),
    path("leads/export/", exports.leads, name="lead-export"),
    path("leads/bulk/", bulk.leads, name="lead-bulk"),
    path("leads/import/", imports.leads, name="lead-import"),
    path("leads/new/", leads.new, name="lead-new"),
    path("leads/<int:lead_id>/", leads.detail, name="lead-detail"),
    path("leads/<int:lead_id>/edit/", leads.edit, name="lead-edit"),
    path("leads/<int:lead_id>/delete/", leads.delete, name="lead-delete"),
    path("leads/<int:lead_id>/fresh/", leads.fresh, name="lead-fresh"),
    path("contacts/", contacts.index, name="contact-list"),
    path("contacts/export/", exports.contacts, name="contact-export"),
    path("contacts/bulk/", bulk.contacts, name="contact-bulk"),
    path("contacts/import/", imports.contacts, name="contact-import"),
    path("contacts/new/", contacts.new, name="contact-new"),
    path("contacts/user/", contacts.user, name="contact-user"),
    path("contacts/<int:contact_id>/", contacts.detail, name="contact-detail"),
    path("contacts/<int:contact_id>/edit/", contacts.edit, name="contact-edit"),
    path("contacts/<int:contact_id>/delete/", contacts.delete, name="contact-delete"),
    path("contacts/<int:contact_id>/fresh/", contacts.fresh, name="contact-fresh"),
    path("conversations/", conversations.index, name="conversation-list"),
    path("conversations/export/", exports.conversations, name="conversation-export"),
    path("conversations/bulk/", bulk.conversations, name="conversation-bulk"),
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
    path("batches/", batches.index, name="batch-list"),
    path("batches/<int:batch_id>/", batches.detail, name="batch-detail"),
    path("batches/<int:batch_id>/start/", batches.start, name="batch-start"),
    path("batches/<int:batch_id>/pause/", batches.pause, name="batch-pause"),
    path("batches/<int:batch_id>/resume/", batches.resume, name="batch-resume"),
    path("batches/<int:batch_id>/cancel/", batches.cancel, name="batch-cancel"),
    path("batches/<int:batch_id>/undo/", batches.undo, name="batch-undo"),
    path("imports/<int:import_id>/", imports.columns, name="import-columns"),
    path("imports/<int:import_id>/check/", imports.check, name="import-check"),
    path("imports/<int:import_id>/row/", imports.row, name="import-row"),
    path("imports/<int:import_id>/start/", imports.start, name="import-start"),
    path("imports/<int:import_id>/discard/", imports.discard, name="import-delete"),
    path("batches/<int:batch_id>/rejects/", rejects.rejects, name="batch-rejects"),
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
    path("settings/sync/", sync.index, name="settings-sync"),
    path("settings/sync/<int:connection_id>/now/", sync.now, name="sync-now"),
    path("settings/sync/<int:connection_id>/check/", sync.check, name="sync-check"),
    path("settings/sync/<int:state_id>/confirm/", sync.confirm, name="sync-confirm"),
    path("settings/sync/<int:state_id>/dismiss/", sync.dismiss, name="sync-dismiss"),
    path("settings/webhooks/", webhooks.index, name="settings-webhooks"),
    path(
        "settings/connections/<int:connection_id>/webhooks/",
        webhooks.setup,
        name="connection-webhooks",
    ),
    path(
        "settings/connections/<int:connection_id>/webhooks/forget/",
        webhooks.forget,
        name="connection-webhooks-forget",
    ),
    path("settings/deliveries/", deliveries.index, name="delivery-list"),
    path("settings/deliveries/<int:delivery_id>/", deliveries.detail, name="delivery-detail"),
    path(
        "settings/deliveries/<int:delivery_id>/replay/",
        deliveries.replay,
        name="delivery-replay",
    ),
    path("progress/", home.progress, name="progress"),
    path("live/", live.live, name="live"),
]

# Of allauth's addresses only these: nobody signs up alone, and e-mails are changed by admins.
accounts = [
    path("login/", account.login, name="account_login"),
    path("logout/", session.sign_out, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", session.start, name="start"),
    path("w/<slug:slug>/", include(workspace)),
    path("look/", session.look, name="theme"),
    path("accounts/", include(accounts)),
    re_path(r"^hooks/(?P<token>[^/]+)/?$", hooks.receive, name="hook"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
]

handler404 = "portal.web.errors.not_found"
handler500 = "portal.web.errors.server_error"
