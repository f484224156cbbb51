"""The demo's leads as a person sees them first; CROSSDESK_SCREENSHOTS=docs keeps the picture."""

import os
from pathlib import Path

from playwright.sync_api import expect

from portal.sandbox.data.fill import fill

DOCS = Path(__file__).resolve().parents[2] / "docs"
KILOBYTE = 1024


def test_the_picture_of_the_leads(
    transactional_db, sandbox, owner, connect_to, synced, open_page, tmp_path
):
    owner.user.name = "Hanna Lindqvist"
    owner.user.save()
    fill(sandbox)
    nexadesk, dexra = connect_to("nexadesk"), connect_to("dexra")
    synced(nexadesk)
    synced(dexra)
    page = open_page(owner)
    page.goto("/w/acme/leads/?stage=new&stage=qualified&stage=contacted&sort=-amount")
    expect(page.locator(".t tbody tr")).to_have_count(50)
    page.goto("/w/acme/leads/")
    expect(page.get_by_text("1–50 of 1,204")).to_be_visible()
    page.mouse.move(0, 0)

    kept = DOCS if os.environ.get("CROSSDESK_SCREENSHOTS") == "docs" else tmp_path
    kept.mkdir(exist_ok=True)
    page.screenshot(path=kept / "leads.png")
    assert (kept / "leads.png").stat().st_size < 250 * KILOBYTE
