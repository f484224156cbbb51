"""A first visit to the leads: small, few requests, measured as served in production."""

import re

import brotli
import pytest
from django.contrib.staticfiles.management.commands.collectstatic import Command as Collect
from django.core.management import call_command
from django.template import engines
from django.test import Client

from portal.sandbox.data.fill import Amounts, fill
from portal.templatetags.portal import icon

KILOBYTE = 1024
NAMED = re.compile(r'<(?:link|script|img)\b[^>]*?\b(?:href|src)="(/static/[^"]+)"')
USED = re.compile(r"/static/vendor/icons[^#\"]*\.svg")


@pytest.fixture
def as_deployed(settings, tmp_path):
    """The static files as `collectstatic` leaves them: named by content, compressed."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "portal.web.assets.Served"}}
    call_command(Collect(), verbosity=0, interactive=False)
    forget_what_is_kept()
    yield tmp_path
    forget_what_is_kept()


def forget_what_is_kept():
    """The names of static files are kept with the templates: for a process they never change."""
    icon.cache_clear()
    for loader in engines["django"].engine.template_loaders:
        loader.reset()


def sent(client, path, encoding="br, gzip"):
    """One answer as it travels: bytes, and whether they are compressed."""
    response = client.get(path, headers={"Accept-Encoding": encoding})
    assert response.status_code == 200, path
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return body, response.get("Content-Encoding", "")


def test_a_first_visit_to_the_leads_is_small(
    as_deployed, sandbox, nexadesk, synced, owner, client_of
):
    fill(sandbox, Amounts(leads=60, contacts=0, conversations=0, dexra_conversations=0))
    synced(nexadesk)
    client = client_of(owner)  # made after the settings: WhiteNoise reads them when it starts
    document, encoding = sent(client, "/w/acme/leads/")
    assert encoding == "br"
    html = brotli.decompress(document).decode()
    assert html.count('<td class="name">') == 50

    sizes = {}
    for path in sorted(set(NAMED.findall(html)) | set(USED.findall(html))):
        body, encoding = sent(client, path)
        if path.endswith((".css", ".js")):
            assert encoding == "br", path
            text = brotli.decompress(body).decode()
            assert "vendor" in path or not re.search(r"^\s*/\*", text, re.M), "as it is written"
        sizes[path] = len(body)

    assert len(document) + sum(sizes.values()) <= 60 * KILOBYTE, (len(document), sizes)
    assert not [path for path in sizes if not path.startswith("/static/")]
    assert not [path for path in sizes if "more" in path], "an icon of other pages"


@pytest.mark.parametrize("page", ["leads/", "leads/board/", "conversations/", "contacts/", "audit/",
                                  "settings/connections/", ""])  # fmt: skip
def test_no_page_asks_for_more_than_ten_files(as_deployed, nexadesk, owner, client_of, page):
    document, _ = sent(client_of(owner), f"/w/acme/{page}")
    html = brotli.decompress(document).decode()
    assert len(set(NAMED.findall(html)) | set(USED.findall(html))) + 1 <= 10


def test_a_page_of_fifty_rows_has_few_elements(sandbox, nexadesk, synced, owner, client_of):
    fill(sandbox, Amounts(leads=60, contacts=0, conversations=0, dexra_conversations=0))
    synced(nexadesk)
    html = client_of(owner).get("/w/acme/leads/").content.decode()
    assert len(re.findall(r"<[a-z]", html)) <= 1_500


def test_nobody_signed_in_gets_small_pages_too(as_deployed, db):
    document, _encoding = sent(Client(), "/accounts/login/")
    assert len(document) < 10 * KILOBYTE
