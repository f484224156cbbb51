"""No text of a table is cut without saying what it is in full."""

from portal.models import Lead
from portal.web.cells import FITS


def test_a_text_of_the_widest_letters_without_a_hint_fits_its_cell(house, open_page):
    widest = "W" * (FITS // 2) + "縁" * (FITS - FITS // 2)
    lead = Lead.objects.order_by("-created_at", "-id").first()
    lead.name = lead.company = lead.rep_name = widest
    lead.save()
    page = open_page(house.owner)
    page.goto("/w/acme/leads/")
    row = page.locator(f'tr[data-live="leads:{lead.pk}"]')
    row.wait_for()
    for cell in ("td.name", "td.who", "td.own", "td.own .cut"):
        assert row.locator(cell).evaluate("(it) => it.scrollWidth <= it.clientWidth"), cell
        assert row.locator(cell).get_attribute("title") is None
