"""How pages travel: as brotli where a browser takes it, as gzip or as they are elsewhere."""

import gzip

import brotli
import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from portal.web import unchanged
from portal.web.packed import packed

TEXT = "Leads of Żółć & Söhne. " * 100


def travels(response, accepts=""):
    """The response as it leaves for a browser that accepts this."""
    request = RequestFactory().get("/", headers={"Accept-Encoding": accepts} if accepts else {})
    return packed(lambda _: response)(request)


@pytest.mark.parametrize("accepts", ["br", "gzip, deflate, br, zstd", "gzip;q=1, BR ; q=0.5"])
def test_a_browser_that_knows_brotli_gets_it(accepts):
    response = travels(HttpResponse(TEXT, headers={"ETag": '"7"'}), accepts)
    assert response["Content-Encoding"] == "br"
    assert brotli.decompress(response.content).decode() == TEXT
    assert response["Content-Length"] == str(len(response.content))
    assert response["ETag"] == 'W/"7"', "other bytes, the same page"
    assert "Accept-Encoding" in response["Vary"]


@pytest.mark.parametrize("accepts", ["", "gzip", "br;q=0", "gzip, br; q=0.000", "brotli", "*"])
def test_others_do_not(accepts):
    response = travels(HttpResponse(TEXT), accepts)
    assert "Content-Encoding" not in response
    assert response.content.decode() == TEXT
    assert "Accept-Encoding" in response["Vary"], "a proxy keeps both apart"


def test_what_is_short_packed_already_or_still_being_written_stays():
    short = travels(HttpResponse("Saved."), "br")
    done = travels(HttpResponse(TEXT, headers={"Content-Encoding": "gzip"}), "br")
    stream = travels(StreamingHttpResponse([TEXT]), "br")
    assert "Content-Encoding" not in short
    assert done["Content-Encoding"] == "gzip"
    assert done.content.decode() == TEXT
    assert "Content-Encoding" not in stream


def test_equal_pages_differ_in_how_long_they_are_on_the_line():
    """Or the length would tell what somebody could have put into the page (BREACH)."""
    noises = {len(travels(HttpResponse(TEXT), "br")["X-Noise"]) for _ in range(50)}
    assert len(noises) > 5


def test_a_page_says_the_same_in_each_way(owner, client_of):
    client = client_of(owner)
    said = [
        client.get("/w/acme/audit/", headers={"Accept-Encoding": way}) for way in ("br", "gzip", "")
    ]
    assert [page.get("Content-Encoding", "") for page in said] == ["br", "gzip", ""]
    texts = [
        brotli.decompress(said[0].content),
        gzip.decompress(said[1].content),
        said[2].content,
    ]
    assert len({len(text) for text in texts}) == 1


def test_a_page_that_did_not_change_is_not_sent_again_to_one_that_takes_brotli(
    owner, client_of, monkeypatch
):
    monkeypatch.setattr(unchanged.time, "time", lambda: 1_000_000.0)
    client = client_of(owner)
    client.get("/w/acme/leads/")  # the first answer sets the token's cookie
    first = client.get("/w/acme/leads/", headers={"Accept-Encoding": "br"})
    assert first["ETag"].startswith('W/"')
    again = client.get(
        "/w/acme/leads/", headers={"Accept-Encoding": "br", "If-None-Match": first["ETag"]}
    )
    assert again.status_code == 304
