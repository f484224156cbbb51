"""Every screen of the portal in every state that can be opened, and how a person gets there."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from portal.models import Lead, Write
from portal.sandbox import Sandbox, serve
from tests.journeys.waiting import sent, settled

LONG = "x" * 201


@dataclass(frozen=True)
class Screen:
    """
    `open(page, house)` leads there. `role` "" is nobody signed in. `scripts`: it cannot be
    opened without JavaScript. `menus`: it looks different when opened on a phone.
    `answers` are the failures that belong to it.
    """

    name: str
    open: Callable
    role: str = "owner"
    scripts: bool = False
    phone_only: bool = False
    menus: bool = False
    answers: tuple[int, ...] = ()


def at(path):
    return lambda page, house: page.goto(path)


def record(kind, name, rest=""):
    def open_record(page, house):
        page.goto(house.url(getattr(house, kind)(name)) + rest)

    return open_record


def save(page):
    page.get_by_role("button", name="Save", exact=True).click()


def sign_in_wrong(page, house):
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill("owner@acme.example")
    page.get_by_label("Password", exact=True).fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    page.locator(".summary").wait_for()


def lead_refused(page, house):
    page.goto("/w/acme/leads/new/")
    page.get_by_label("Name").fill("")
    page.get_by_label("Email").fill("not an address")
    page.get_by_label("Company").fill(LONG)
    page.get_by_label("Expected amount").fill("a lot")
    page.get_by_role("button", name="Make lead").click()
    page.locator(".summary").wait_for()


def lead_conflict(page, house):
    page.goto(house.url(house.lead("Petra Novak")) + "edit/")
    house.sandbox.edit_lead("lead-petra", pipeline_stage="lost", expected_billing_amount=900)
    page.get_by_label("Stage").select_option("qualified")
    page.get_by_label("Expected amount").fill("3400")
    save(page)
    page.locator(".conflict").wait_for()


def contact_refused(page, house):
    page.goto("/w/acme/contacts/new/")
    page.get_by_label("Email").fill("not an address")
    page.get_by_role("button", name="Make contact").click()
    page.locator(".summary").wait_for()


def contact_exists(page, house):
    page.goto("/w/acme/contacts/new/")
    page.get_by_label("First name").fill("Omar")
    page.get_by_label("Email").fill("omar@delta.example")
    page.get_by_role("button", name="Make contact").click()
    page.get_by_role("link", name="Open it").wait_for()


def note_mode(page, house):
    page.goto(house.url(house.conversation("conv-mara")))
    page.get_by_text("Private note", exact=True).first.click()
    page.get_by_role("button", name="Add note").wait_for()


def written(page, house):
    """A thread with a reply, a note and one that is still on its way."""
    from portal.sandbox import Fault

    page.goto(house.url(house.conversation("conv-mara")))
    page.locator("#content").fill("Here it **is**:\n\n- page 1\n- page 2")
    page.locator("#send-reply").click()
    page.locator(".msg.out").wait_for()
    sent(page)
    page.get_by_text("Private note", exact=True).first.click()
    page.locator("#content").fill("She called before, see the file.")
    page.locator("#send-note").click()
    page.locator(".msg.note").wait_for()
    sent(page)
    house.sandbox.fault("dexra", "POST", "/messages", Fault.reset_after_apply())
    page.get_by_text("Reply", exact=True).first.click()
    page.locator("#content").fill("Anything else?")
    page.locator("#send-reply").click()
    page.get_by_text("Not confirmed").first.wait_for()


def empty_reply(page, house):
    page.goto(house.url(house.conversation("conv-mara")))
    page.locator("#send-reply").click()
    page.locator("#content_error").wait_for()


def status_conflict(page, house):
    page.goto(house.url(house.conversation("conv-lena")))
    settled(page)
    house.sandbox.edit_conversation("conv-lena", status="pending")
    page.locator("#status-quick").click()
    page.locator(".conflict").wait_for()


def held_reply(page, house):
    """A reply that can still be taken back, and one that something newer stopped."""
    from django.conf import settings

    path = house.url(house.conversation("conv-mara"))
    before, settings.HOLD_SECONDS = settings.HOLD_SECONDS, 3_000
    try:
        for text in ("Before she wrote again", "Here it **is**"):
            page.goto(path)
            page.locator("#content").fill(text)
            page.locator("#send-reply").click()
            page.get_by_text("Sending in").first.wait_for()
            stopped = {"status": "refused", "reason": "NewerMessage", "attempt": 2}
            if text.startswith("Before"):
                Write.objects.update(**stopped)
    finally:
        settings.HOLD_SECONDS = before
    page.goto(path)


def rewriting(page, house):
    held_reply(page, house)
    page.get_by_role("link", name="Edit and send again").last.click()
    page.locator("[name=replaces]").wait_for(state="attached")


def fill_outbox(house):
    """One of each: to decide, refused, stale, checking, waiting; and the workspace is stopped."""
    from portal.models import Held
    from tests.web.test_outbox import make

    lead, talk = house.lead("Petra Novak"), house.conversation("conv-mara")
    told = {"why": "Dexra did not answer.", "found": [{"id": "m1", "text": "Hello " * 30}]}
    text = {"text": "Dear Mara,\n\n" + "a very long reply " * 40}
    changes = {"pipeline_stage": "qualified", "expected_billing_amount": 900, "tags": ["a", "b"]}
    before = {"pipeline_stage": "new", "expected_billing_amount": 5, "tags": []}
    fields = {"changes": changes, "before": before}
    made = {
        "undecided": make(
            house.dexra, "undecided", action="message.send", row=talk, changes=text, evidence=told
        ),
        "refused": make(house.nexadesk, "refused", row=lead, said="x" * 200),
        "stale": make(house.nexadesk, "refused", row=lead, reason="StaleRecord", **fields),
        "unknown": make(house.nexadesk, "unknown", action="lead.create"),
        "queued": make(house.nexadesk, "queued", row=lead, reason="Unreachable", **fields),
    }
    Held.objects.get_or_create(workspace=house.workspace, defaults={"reason": "A backup"})
    return made


def outbox_at(kind="", rest=""):
    def open_it(page, house):
        made = fill_outbox(house)
        page.goto(f"/w/acme/outbox/{made[kind].pk}/{rest}" if kind else "/w/acme/outbox/")

    return open_it


def marked(path):
    def open_it(page, house):
        fill_outbox(house)
        page.goto(path)

    return open_it


def key_refused(page, house):
    page.goto("/w/acme/settings/connections/new/")
    page.get_by_role("radio").first.check()
    page.get_by_label("API key").fill("fc_live_wrong")
    page.get_by_role("button", name="Connect and try").click()
    page.locator(".summary").wait_for()


def replace_key(page, house):
    page.goto(f"/w/acme/settings/connections/{house.nexadesk.pk}/key/")


def remove_refused(page, house):
    page.goto(f"/w/acme/settings/connections/{house.nexadesk.pk}/remove/")
    page.get_by_label("Type the name").fill("something else")
    page.get_by_role("button", name="Remove it and its copy").click()
    page.locator(".errorlist").wait_for()


def key_of_another_account(page, house):
    """The new key sees none of the copied records: it is asked whether that is meant."""
    from django.conf import settings

    mine = settings.PROVIDER_BASE_URLS
    with serve(Sandbox()) as elsewhere:
        elsewhere.add_lead(visitor_name="Grace")
        settings.PROVIDER_BASE_URLS = {**mine, "nexadesk": elsewhere.nexadesk_url}
        replace_key(page, house)
        page.get_by_label("API key").fill(elsewhere.key("nexadesk"))
        page.get_by_role("button", name="Try and replace").click()
        page.get_by_role("checkbox").wait_for()
    settings.PROVIDER_BASE_URLS = mine


def rejected(page, house):
    """A key that died: every page says what to do."""
    from portal.services.sync import sync_connection

    for key in list(house.sandbox.keys):
        house.sandbox.revoke(key.value)
    for connection in (house.nexadesk, house.dexra):
        sync_connection(connection)
    page.goto("/w/acme/settings/connections/")


NUMBERS = itertools.count(900_000)


def contact_changed(page, house):
    """Omar's page after a save: it offers the way back and tells its history."""
    page.goto(house.url(house.contact("Omar")) + "edit/")
    # Another one each time: several screens begin here, in one house.
    page.get_by_label("Phone").fill(f"+961 1 {next(NUMBERS)}")
    save(page)
    page.get_by_text("Saved", exact=True).wait_for()


def activity(page, house):
    """A change here, one elsewhere, one that was undone."""
    contact_changed(page, house)
    page.locator(".messages").get_by_role("button", name="Undo").click()
    page.locator(".messages", has_text="Undone").wait_for()
    house.sandbox.edit_lead("lead-petra", pipeline_stage="lost")
    page.goto(house.url(house.lead("Petra Novak")))
    settled(page)
    page.goto("/w/acme/audit/")
    page.get_by_text("Changed a contact").first.wait_for()


def entry(page, house):
    activity(page, house)
    page.get_by_role("link", name="Changed a contact").first.click()
    page.get_by_role("columnheader", name="After").wait_for()


def undoing(page, house):
    contact_changed(page, house)
    page.locator("#history").get_by_role("link", name="Undo").first.click()
    page.locator("#do-undo").wait_for()


def undo_conflict(page, house):
    undoing(page, house)
    house.sandbox.edit_contact(house.contact("Omar").upstream_id, phone="+1 2 3")
    page.locator("#do-undo").click()
    page.locator(".conflict").wait_for()


def removing(page, house):
    page.goto("/w/acme/settings/connections/")
    page.get_by_role("link", name="Remove…").first.click()
    page.locator("dialog:modal").wait_for()


def on_the_board(page, house):
    """A board with a stage nobody documented, and a card that is on its way elsewhere."""
    from tests.web.test_outbox import make

    if not Lead.objects.filter(upstream_id="lead-long").exists():
        house.sandbox.add_lead(id="lead-long", visitor_name="N" * 90, pipeline_stage="on hold " * 9)
        house.sync()
        lead = Lead.objects.get(upstream_id="lead-long")
        going = {"changes": {"pipeline_stage": "lost"}, "before": {"pipeline_stage": "on hold"}}
        make(house.nexadesk, "queued", row=lead, reason="Unreachable", **going)
    page.goto("/w/acme/leads/board/")
    page.locator(".deal", has_text="not there yet").wait_for()


def moving_a_card(page, house):
    page.goto("/w/acme/leads/board/?q=petra")
    page.locator(".deal-move").click()
    page.locator("#move:modal").wait_for()


def move_conflict(page, house):
    moving_a_card(page, house)
    house.sandbox.edit_lead("lead-petra", pipeline_stage="lost")
    page.locator("#move select").select_option("qualified")
    page.locator("#move-save").click()
    page.locator("#move .conflict").wait_for()


def filtering(page, house):
    page.goto("/w/acme/leads/?stage=new&tag=retail")
    page.locator("#filter-button").click()
    page.locator("#filters:popover-open").wait_for()


def status_menu(page, house):
    page.goto(house.url(house.conversation("conv-lena")))
    page.locator("#status-button").click()
    page.locator("#status-menu:popover-open").wait_for()


def person_menu(page, house):
    page.goto("/w/acme/leads/")
    menu = page.get_by_role("button", name="Menu", exact=True)
    if menu.is_visible():
        menu.click()
    page.locator("button.person").click()
    page.locator("#person-menu:popover-open").wait_for()


def side_menu(page, house):
    page.goto("/w/acme/")
    page.get_by_role("button", name="Menu", exact=True).click()
    page.locator("#side:popover-open").wait_for()


def workspace_menu(page, house):
    page.goto("/w/acme/")
    menu = page.get_by_role("button", name="Menu", exact=True)
    if menu.is_visible():
        menu.click()
    page.locator("button[popovertarget=ws-menu]").click()
    page.locator("#ws-menu:popover-open").wait_for()


def keys_dialog(page, house):
    page.goto("/w/acme/leads/")
    page.keyboard.press("?")
    page.locator("#keys[open]").wait_for()


def deleting(page, house):
    page.goto(house.url(house.lead("Petra Novak")))
    page.get_by_role("link", name="Delete").click()
    page.locator("dialog:modal").wait_for()


def selecting(page, house):
    """Some rows of the list, the last two by keyboard and mouse together."""
    page.goto("/w/acme/leads/")
    boxes = page.locator("td.sel input")
    boxes.nth(0).check()
    boxes.nth(2).check()
    page.locator("#bulk").wait_for()


def choosing_stage(page, house):
    selecting(page, house)
    page.locator("#bulk-stage").click()
    page.locator("#bulk-stage-menu:popover-open").wait_for()


def picking_conversations(page, house):
    page.goto("/w/acme/conversations/")
    page.locator(".pick input").nth(1).check(force=True)
    page.locator("#bulk").wait_for()


def batch_prepared(page, house):
    from portal.models import Batch

    choosing_stage(page, house)
    # What was changed on the screen before this one is not changed again.
    again = Batch.objects.filter(status="done").count() % 2
    page.locator("#bulk-stage-value").select_option("qualified" if again else "lost")
    page.get_by_role("button", name="Set stage").click()
    page.locator("#start").wait_for()


def batch_of_deletes(page, house):
    selecting(page, house)
    page.locator("input[name=all]").check()
    page.get_by_role("button", name="Delete…").click()
    page.locator("#typed").wait_for()
    page.locator("#start").click()
    page.locator(".errorlist").wait_for()


def batch_running(page, house):
    batch_prepared(page, house)
    page.locator("#start").click()
    page.locator("#pause").wait_for()


def batch_ended(page, house):
    from portal.models import Batch
    from portal.services import batches

    batch_running(page, house)
    batches.run(Batch.objects.latest("pk").pk)
    page.reload()
    page.locator("#undo").wait_for()


def batch_with_conflicts(page, house):
    """Somebody sets every stage otherwise between the draft and its start."""
    from portal.models import Batch
    from portal.services import batches

    batch_prepared(page, house)
    for lead in house.sandbox.leads:
        house.sandbox.edit_lead(lead["id"], pipeline_stage=f"held {Batch.objects.count()}")
    page.locator("#start").click()
    page.locator("#pause").wait_for()
    batches.run(Batch.objects.latest("pk").pk)
    page.reload()
    page.locator("#again").wait_for()


def batch_to_be_undone(page, house):
    batch_ended(page, house)
    page.locator("#undo").click()
    page.locator("#undoing").wait_for()


def batch_list(page, house):
    batch_ended(page, house)
    page.goto("/w/acme/batches/")


def bulk_again(page, house):
    selecting(page, house)
    page.locator("#bulk-tag-add").click()
    page.get_by_role("button", name="Add tag").last.click()
    page.locator(".banner.danger").wait_for()


PEOPLE_FILE = (
    "Name,E-mail,Company,Expected amount,A column with quite a long name\r\n"
    "Ada Lovelace,not an address,Analytical Engines,a lot,x\r\n"
    "Petra Novak,petra@harbour.example,Harbour Tools,3200,y\r\n"
    "Novak, Jan,jan@x.example,Tools,5,z\r\n"
    "Li Wei,li@north.example,,,\r\n"
)


def file_refused(page, house):
    page.goto("/w/acme/leads/import/")
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": b"Name\r\n"}
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="Read the file").click()
    page.locator(".summary").wait_for()


def import_columns(page, house):
    page.goto("/w/acme/leads/import/")
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": PEOPLE_FILE.encode("cp1252")}
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="Read the file").click()
    page.locator("#columns").wait_for()


def import_columns_refused(page, house):
    import_columns(page, house)
    page.locator("#column-4").select_option("visitor_name")
    page.get_by_role("button", name="Check 4 rows").click()
    page.locator(".summary").wait_for()


def import_checked(page, house):
    import_columns(page, house)
    page.get_by_role("button", name="Check 4 rows").click()
    page.locator("#import-summary").wait_for()


def import_mended(page, house):
    """One row is fine now, another one still is not."""
    import_checked(page, house)
    page.locator("#row-3-visitor_email").fill("jan@x.example")
    page.locator("#row-3-expected_billing_amount").fill("5")
    page.locator("#row-3-save").click()
    page.locator("#row-3 .badge.green").wait_for()
    page.locator("#row-1-visitor_email").fill("ada@x.example")
    page.locator("#row-1-save").click()
    page.locator("#row-1-visitor_email").wait_for(state="detached")


FILTERED = "?stage=new&stage=qualified&q=a&sort=-amount&per=25&colour=red"
MARA, LENA = ("conversation", "conv-mara"), ("conversation", "conv-lena")

SCREENS = [
    Screen("sign-in", at("/accounts/login/"), role=""),
    Screen("sign-in-wrong", sign_in_wrong, role=""),
    Screen("password-reset", at("/accounts/password/reset/"), role=""),
    Screen("not-found-outside", at("/nothing/"), role="", answers=(404,)),
    Screen("home", at("/w/acme/")),
    Screen("home-empty", at("/w/empty/")),
    Screen("leads", at("/w/acme/leads/")),
    Screen("leads-filtered", at(f"/w/acme/leads/{FILTERED}")),
    Screen("leads-no-hits", at("/w/acme/leads/?q=nobody-is-called-this&stage=new")),
    Screen("leads-empty", at("/w/empty/leads/")),
    Screen("leads-filter-panel", filtering),
    Screen("leads-selected", selecting),
    Screen("leads-bulk-menu", choosing_stage),
    Screen("inbox-selected", picking_conversations),
    Screen("batch-draft", batch_prepared),
    Screen("batch-draft-refused", batch_of_deletes, answers=(422,)),
    Screen("batch-running", batch_running),
    Screen("batch-ended", batch_ended),
    Screen("batch-conflicts", batch_with_conflicts),
    Screen("batch-undo", batch_to_be_undone),
    Screen("batches", batch_list),
    Screen("batches-empty", at("/w/empty/batches/")),
    Screen("bulk-again", bulk_again, answers=(422,)),
    Screen("lead", record("lead", "Petra Novak")),
    Screen("board", on_the_board),
    Screen("board-narrowed", at("/w/acme/leads/board/?stage=new&source=widget&q=e")),
    Screen("board-no-hits", at("/w/acme/leads/board/?q=zzzzzzzz")),
    Screen("board-viewer", at("/w/acme/leads/board/"), role="viewer"),
    Screen("board-moving", moving_a_card, scripts=True),
    Screen("board-conflict", move_conflict, scripts=True, answers=(409,)),
    Screen("lead-move", record("lead", "Petra Novak", "move/")),
    Screen("lead-edit", record("lead", "Petra Novak", "edit/")),
    Screen("lead-conflict", lead_conflict, answers=(409,)),
    Screen("lead-delete", record("lead", "Petra Novak", "delete/")),
    Screen("lead-delete-dialog", deleting, scripts=True),
    Screen("lead-new", at("/w/acme/leads/new/")),
    Screen("lead-new-refused", lead_refused, answers=(422,)),
    Screen("leads-export", at(f"/w/acme/leads/export/{FILTERED}")),
    Screen("leads-export-nothing", at("/w/acme/leads/export/?q=nobody-is-called-this")),
    Screen("leads-import", at("/w/acme/leads/import/")),
    Screen("import-nowhere", at("/w/empty/contacts/import/")),
    Screen("import-refused", file_refused, answers=(422,)),
    Screen("import-columns", import_columns),
    Screen("import-columns-refused", import_columns_refused, answers=(422,)),
    Screen("import-checked", import_checked),
    Screen("import-mended", import_mended, scripts=True, answers=(422,)),
    Screen("contacts", at("/w/acme/contacts/")),
    Screen("contacts-empty", at("/w/empty/contacts/")),
    Screen("contact", record("contact", "Omar")),
    Screen("contact-edit", record("contact", "Omar", "edit/")),
    Screen("contact-new", at("/w/acme/contacts/new/")),
    Screen("contact-new-refused", contact_refused, answers=(422,)),
    Screen("contact-exists", contact_exists, answers=(422,)),
    Screen("dexra-user", at("/w/acme/contacts/user/")),
    Screen("inbox", at("/w/acme/conversations/")),
    Screen("inbox-filtered", at("/w/acme/conversations/?state=open&tag=delivery&x=1")),
    Screen("inbox-empty", at("/w/empty/conversations/")),
    Screen("thread", record(*LENA)),
    Screen("thread-status-menu", status_menu),
    Screen("thread-status-conflict", status_conflict, answers=(409,)),
    Screen("thread-details", record(*LENA, "?show=details")),
    Screen("thread-dexra", record(*MARA)),
    Screen("thread-note", note_mode),
    Screen("thread-written", written),
    Screen("thread-empty-reply", empty_reply, answers=(422,)),
    Screen("conversation-new", at("/w/acme/conversations/new/")),
    Screen("thread-held", held_reply),
    Screen("thread-rewriting", rewriting),
    Screen("outbox", outbox_at()),
    Screen("outbox-empty", at("/w/acme/outbox/")),
    Screen("outbox-detail", outbox_at("undecided")),
    Screen("outbox-edit", outbox_at("refused", "edit/")),
    Screen("outbox-conflict", outbox_at("stale", "edit/")),
    Screen("leads-marked", marked("/w/acme/leads/?q=petra")),
    Screen("home-waiting", marked("/w/acme/")),
    Screen("contact-changed", contact_changed),
    Screen("activity", activity),
    Screen("activity-none", at("/w/acme/audit/?q=nobody-is-called-this")),
    Screen("activity-entry", entry),
    Screen("undo", undoing),
    Screen("undo-conflict", undo_conflict, answers=(409,)),
    Screen("settings", at("/w/acme/settings/connections/")),
    Screen("settings-key-rejected", rejected),
    Screen("settings-remove-dialog", removing, scripts=True),
    Screen("connection-new", at("/w/acme/settings/connections/new/")),
    Screen("settings-sync", at("/w/acme/settings/sync/")),
    Screen("settings-webhooks", at("/w/acme/settings/webhooks/")),
    Screen("settings-deliveries", at("/w/acme/settings/deliveries/")),
    Screen("connection-new-refused", key_refused, answers=(422,)),
    Screen("connection-replace", replace_key),
    Screen("connection-another-account", key_of_another_account, answers=(422,)),
    Screen("connection-remove-refused", remove_refused, answers=(422,)),
    Screen("not-found", at("/w/acme/leads/999999/"), answers=(404,)),
    Screen("not-allowed", at("/w/acme/settings/connections/"), role="viewer", answers=(403,)),
    Screen("lead-as-viewer", record("lead", "Petra Novak"), role="viewer"),
    Screen("person-menu", person_menu, menus=True),
    Screen("workspace-menu", workspace_menu, menus=True),
    Screen("side-menu", side_menu, phone_only=True),
    Screen("keys", keys_dialog, scripts=True),
]
