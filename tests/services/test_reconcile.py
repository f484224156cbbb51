"""What is gone there is gone here after one check, and never by a mistake of a list."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.live.models import Change
from portal.models import Contact, Conversation, Lead, SetAside, SyncRun, SyncState
from portal.providers import http
from portal.sandbox import Fault
from portal.sandbox.data.fill import Amounts, fill
from portal.services import checks
from portal.services.checks import NotMissingAnyMore
from portal.services.sync import How, sync_connection


def reports_of(connection, **options):
    return {r.kind: r for r in sync_connection(connection, **options)}


def live_leads():
    return set(Lead.objects.filter(gone_at=None).values_list("upstream_id", flat=True))


def of_leads():
    return SyncState.objects.get(kind="leads")


def later(**age):
    """As though the last check was so long ago."""
    SyncState.objects.update(checked_at=timezone.now() - timedelta(**age), check_notes={})


@pytest.fixture
def hundreds(sandbox, nexadesk, synced):
    fill(sandbox, Amounts(leads=250, contacts=130, conversations=30, dexra_conversations=1))
    synced(nexadesk)
    sandbox.requests.clear()
    return nexadesk


def test_a_full_pass_takes_away_what_is_gone_for_one_call_per_hundred(sandbox, hundreds):
    gone = [lead["id"] for lead in sandbox.leads[:7]]
    for lead_id in gone:
        sandbox.delete_lead(lead_id)

    reports = reports_of(hundreds, full=True)

    assert {k: (r.requests, r.gone, r.error) for k, r in reports.items()} == {
        "leads": (3, 7, ""),
        "contacts": (2, 0, ""),
        "conversations": (1, 0, ""),
    }
    assert live_leads() == {lead["id"] for lead in sandbox.leads}
    told = Change.objects.filter(kind="leads").order_by("-number").values_list("record_id")[:7]
    assert set(Lead.objects.filter(upstream_id__in=gone).values_list("pk")) == set(told)


def test_the_count_of_each_list_tells_that_something_is_gone(sandbox, hundreds):
    sandbox.delete_lead(sandbox.leads[40]["id"])

    report = reports_of(hundreds)["leads"]

    assert (report.gone, report.requests) == (1, 1 + 3)
    assert reports_of(hundreds)["leads"].requests == 1


def test_contacts_and_conversations_of_both_services_go_too(sandbox, hundreds, dexra, synced):
    fill(sandbox, Amounts(leads=1, contacts=1, conversations=1, dexra_conversations=40))
    synced(dexra)
    sandbox.delete_contact(sandbox.contacts[3]["id"])
    sandbox.delete_conversation(sandbox.conversations[3]["id"])
    sandbox.delete_dexra_conversation(sandbox.dexra_conversations[3]["id"])

    sync_connection(hundreds, full=True)
    sync_connection(dexra, full=True)

    assert Contact.objects.filter(gone_at__isnull=False).count() == 1
    assert Conversation.objects.filter(gone_at__isnull=False).count() == 2


def test_what_is_seen_again_is_back(sandbox, hundreds):
    lead = sandbox.leads[0]
    sandbox.delete_lead(lead["id"])
    sync_connection(hundreds, full=True)
    assert lead["id"] not in live_leads()

    sandbox.add_lead(**lead)
    sync_connection(hundreds, full=True)

    assert lead["id"] in live_leads()


def test_a_large_drop_asks_an_admin_first(sandbox, hundreds, admin):
    for lead in sandbox.leads[:30]:
        sandbox.delete_lead(lead["id"])

    assert reports_of(hundreds, full=True)["leads"].missing == 30
    assert len(live_leads()) == 250

    assert checks.confirm_missing(of_leads(), hundreds, actor=admin) == 30
    assert live_leads() == {lead["id"] for lead in sandbox.leads}
    assert of_leads().missing == 0


def test_what_was_set_aside_goes_with_what_an_admin_confirms(sandbox, hundreds, admin):
    odd = sandbox.add_lead(visitor_name="Ada\x00")
    sync_connection(hundreds)
    assert SetAside.objects.get().upstream_id == odd["id"]
    for lead in [odd, *sandbox.leads[:30]]:
        sandbox.delete_lead(lead["id"])
    sync_connection(hundreds, full=True)

    checks.confirm_missing(of_leads(), hundreds, actor=admin)

    assert not SetAside.objects.exists()


def test_an_admin_may_say_no(sandbox, hundreds, admin):
    for lead in sandbox.leads[:30]:
        sandbox.delete_lead(lead["id"])
    sync_connection(hundreds, full=True)

    checks.dismiss_missing(of_leads(), hundreds, actor=admin)
    sandbox.requests.clear()
    reports_of(hundreds)

    assert len(live_leads()) == 250
    assert sandbox.requests.count("GET /leads") == 1  # it does not ask again at once


def test_a_confirmation_that_the_count_speaks_against_deletes_nothing(sandbox, hundreds, admin):
    for lead in sandbox.leads[:60]:
        sandbox.delete_lead(lead["id"])
    sync_connection(hundreds, full=True)
    SyncState.objects.filter(kind="leads").update(told_total=250)

    with pytest.raises(NotMissingAnyMore):
        checks.confirm_missing(of_leads(), hundreds, actor=admin)

    assert len(live_leads()) == 250


def test_a_question_is_withdrawn_as_soon_as_the_count_tells_that_they_are_back(
    sandbox, hundreds, admin
):
    kept = sandbox.leads[:60]
    for lead in kept:
        sandbox.delete_lead(lead["id"])
    assert reports_of(hundreds, full=True)["leads"].missing == 60
    reports_of(hundreds)
    assert of_leads().missing == 60  # nothing new is known
    for lead in kept:
        sandbox.add_lead(**lead)

    sync_connection(hundreds)

    assert (of_leads().missing, of_leads().check_wanted) == (0, True)
    assert checks.confirm_missing(of_leads(), hundreds, actor=admin) == 0
    assert len(live_leads()) == 250
    later(hours=1)
    sync_connection(hundreds)
    assert (of_leads().missing, len(live_leads())) == (0, 250)


def test_a_question_is_withdrawn_when_one_of_them_shows_again(sandbox, hundreds):
    for lead in sandbox.leads[:60]:
        sandbox.delete_lead(lead["id"])
    back = Lead.objects.exclude(upstream_id__in={lead["id"] for lead in sandbox.leads}).first()
    sync_connection(hundreds, full=True)
    sandbox.add_lead(**back.raw)
    sandbox.edit_lead(back.upstream_id, visitor_name="Back")

    sync_connection(hundreds)
    assert of_leads().missing == 0

    later(hours=1)
    sync_connection(hundreds)
    assert of_leads().missing == 59  # those that are still missing are asked about anew


def test_dexras_conversations_are_asked_about_no_longer_either(sandbox, dexra, synced):
    fill(sandbox, Amounts(leads=1, contacts=1, conversations=1, dexra_conversations=40))
    synced(dexra)
    kept = sandbox.dexra_conversations[:30]
    for one in kept:
        sandbox.delete_dexra_conversation(one["id"])
    assert reports_of(dexra, full=True)["conversations"].missing == 30
    for one in kept:
        sandbox.add_dexra_conversation(**one)

    sync_connection(dexra)

    assert SyncState.objects.get(kind="conversations").missing == 0
    assert not Conversation.objects.filter(gone_at__isnull=False).exists()


def test_a_count_that_was_odd_when_they_were_asked_about_withdraws_nothing(sandbox, hundreds):
    for lead in sandbox.leads[:60]:
        sandbox.delete_lead(lead["id"])
    sync_connection(hundreds, full=True)
    notes = of_leads().check_notes
    SyncState.objects.filter(kind="leads").update(check_notes=notes | {"told": 400})
    sandbox.add_lead(visitor_name="New")

    sync_connection(hundreds)

    assert of_leads().missing == 60


FEW = {
    "leads": ("add_lead", "delete_lead", Lead),
    "contacts": ("add_contact", "delete_contact", Contact),
    "conversations": ("add_conversation", "delete_conversation", Conversation),
}


@pytest.mark.parametrize("kind", FEW)
@pytest.mark.parametrize("number", [1, 3, 20])
def test_the_last_ones_of_a_kind_are_gone_after_one_check(kind, number, sandbox, nexadesk):
    """The list is empty and says so, and each record's own address says 404, twice."""
    add, delete, model = FEW[kind]
    made = [getattr(sandbox, add)()["id"] for _ in range(number)]
    sync_connection(nexadesk)
    for one in made:
        getattr(sandbox, delete)(one)

    report = reports_of(nexadesk, full=True)[kind]

    assert (report.gone, report.missing, report.error) == (number, 0, "")
    assert report.requests == 1 + 2 * number
    assert not model.objects.filter(gone_at=None).exists()
    assert [r.error for r in reports_of(nexadesk).values()] == ["", "", ""]


def test_the_last_conversation_of_dexra_too(sandbox, dexra):
    sandbox.add_dexra_conversation(subject="Only one")
    sync_connection(dexra)
    sandbox.delete_dexra_conversation(sandbox.dexra_conversations[0]["id"])

    report = reports_of(dexra, full=True)["conversations"]

    assert (report.gone, report.missing) == (1, 0)


@pytest.fixture
def four(sandbox, nexadesk):
    for number in range(4):
        sandbox.add_lead(visitor_name=f"Lead {number}")
    sync_connection(nexadesk)
    return nexadesk


def test_an_empty_list_of_a_few_that_are_there_deletes_nothing_and_asks_nobody(sandbox, four):
    bookmark = of_leads().bookmark
    sandbox.fault("nexadesk", "GET", "/leads", Fault.shape("nothing_listed"), times=1)

    report = reports_of(four, full=True)["leads"]

    assert (report.gone, report.missing) == (0, 0)
    assert len(live_leads()) == 4
    assert (of_leads().bookmark, of_leads().check_wanted) == (bookmark, True)


def test_of_an_empty_list_only_what_is_proven_to_be_gone_goes(sandbox, four):
    one = sandbox.leads[0]["id"]
    sandbox.delete_lead(one)
    sandbox.fault("nexadesk", "GET", "/leads", Fault.shape("nothing_listed"), times=1)

    report = reports_of(four, full=True)["leads"]

    assert (report.gone, report.missing) == (1, 0)
    assert live_leads() == {lead["id"] for lead in sandbox.leads}


@pytest.mark.parametrize("status", [500, 403, 401, 429])
def test_an_answer_that_is_no_404_proves_nothing(status, sandbox, four, monkeypatch):
    monkeypatch.setattr(http, "FIRST_BACKOFF_SECONDS", 0.001)
    sandbox.fault("nexadesk", "GET", "/leads", Fault.shape("nothing_listed"), times=1)
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(status), times=None)

    report = reports_of(four, full=True)["leads"]

    assert report.error
    assert (report.gone, len(live_leads())) == (0, 4)


def test_one_404_proves_nothing(sandbox, four):
    sandbox.fault("nexadesk", "GET", "/leads", Fault.shape("nothing_listed"), times=1)
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(404), times=1)

    report = reports_of(four, full=True)["leads"]

    assert (report.gone, len(live_leads())) == (0, 4)


def test_an_empty_list_whose_count_says_otherwise_asks_an_admin(sandbox, four):
    page = sandbox_page(sandbox, total=4, shown=())
    sandbox.fault("nexadesk", "GET", "/leads", page, times=3)
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(404), times=None)

    report = reports_of(four, full=True)["leads"]

    assert (report.gone, report.missing, len(live_leads())) == (0, 4, 4)


def test_where_nothing_can_be_read_by_its_id_a_404_proves_nothing(sandbox, four):
    """The list is odd (its count is off), and 404 may only mean: there is no such call."""
    hidden = sandbox.leads[0]["id"]
    page = sandbox_page(sandbox, total=4, shown=[r for r in sandbox.leads if r["id"] != hidden])
    sandbox.fault("nexadesk", "GET", "/leads", page, times=2)
    sandbox.fault("nexadesk", "GET", "/leads", Fault.status(404), times=None)

    report = reports_of(four, full=True)["leads"]

    assert (report.gone, report.missing, len(live_leads())) == (0, 1, 4)


def test_more_than_a_few_of_an_empty_list_are_asked_about(sandbox, nexadesk):
    for _ in range(21):
        sandbox.add_lead()
    sync_connection(nexadesk)
    for lead in list(sandbox.leads):
        sandbox.delete_lead(lead["id"])

    report = reports_of(nexadesk, full=True)["leads"]

    assert (report.gone, report.missing, report.requests) == (0, 21, 1)


LIES = {
    "nothing listed": Fault.shape("nothing_listed"),
    "success false": Fault.success_false(),
    "data not a list": Fault.data_not_list(),
    "data missing": Fault.shape("data_missing"),
    "data null": Fault.shape("data_null"),
    "no pagination": Fault.no_pagination(),
    "an endless list": Fault.looping_cursor(),
    "more without a cursor": Fault.has_more_without_cursor(),
    "an empty page with more": Fault.shape("empty_page"),
    "an empty body": Fault.empty(),
    "a web page": Fault.html(),
    "garbage": Fault.garbage(),
    "a cut body": Fault.cut_body(),
    "a wrong length": Fault.wrong_content_length(),
    "an error": Fault.status(500),
    "a reset": Fault.reset_before_apply(),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("full", [False, True])
def test_no_lie_of_a_list_deletes_anything(lie, full, sandbox, hundreds, monkeypatch):
    monkeypatch.setattr(http, "FIRST_BACKOFF_SECONDS", 0.001)
    bookmarks = set(SyncState.objects.values_list("kind", "bookmark"))
    sandbox.fault("nexadesk", "GET", "*", LIES[lie], times=None)

    sync_connection(hundreds, full=full)
    sync_connection(hundreds, full=full)

    assert len(live_leads()) == 250
    assert not Contact.objects.filter(gone_at__isnull=False).exists()
    assert not Conversation.objects.filter(gone_at__isnull=False).exists()
    # A first page may be sound, and leads go on by page numbers where there is no cursor.
    if lie not in ("an endless list", "a wrong length", "more without a cursor"):
        assert set(SyncState.objects.values_list("kind", "bookmark")) == bookmarks
    sandbox.clear_faults()
    later(hours=30)
    sync_connection(hundreds)
    assert not SyncState.objects.filter(missing__gt=0).exists()
    assert len(live_leads()) == 250


@pytest.mark.parametrize("page", [1, 2, 3])
def test_one_page_that_ends_the_list_too_early_deletes_nothing(page, sandbox, hundreds):
    for _ in range(page - 1):
        sandbox.fault("nexadesk", "GET", "/leads", Fault.delay(0))
    sandbox.fault("nexadesk", "GET", "/leads", Fault.shape("nothing_listed"))

    report = reports_of(hundreds, full=True)["leads"]

    assert (report.gone, report.missing) == (0, 250 if page == 1 else 0)
    assert len(live_leads()) == 250


def test_a_walk_in_which_rows_moved_is_repeated_before_it_is_believed(sandbox, hundreds):
    newest = sorted(sandbox.leads, key=lambda lead: lead["created_at"])[-5:]
    done = []

    def one_goes_after_the_first_page(state):
        if state.kind == "leads" and not done:
            done.append(sandbox.delete_lead(newest[0]["id"]))

    report = reports_of(hundreds, full=True, watch=one_goes_after_the_first_page)["leads"]

    assert live_leads() == {lead["id"] for lead in sandbox.leads}
    assert (report.gone, report.requests) == (1, 6)


def test_a_killed_check_goes_on_where_it_was(sandbox, hundreds):
    sandbox.delete_lead(sandbox.leads[0]["id"])
    later(hours=30)

    def pull_the_plug(state):
        if state.kind == "leads" and state.check_cursor:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync_connection(hundreds, watch=pull_the_plug)
    sandbox.requests.clear()
    report = reports_of(hundreds)["leads"]

    assert report.gone == 1
    assert sandbox.requests.count("GET /leads") == 1 + 2


def test_a_check_killed_at_its_end_hides_nothing_that_went_since(sandbox, hundreds):
    sandbox.delete_lead(sandbox.leads[0]["id"])
    later(hours=30)

    def pull_the_plug(state):
        if state.kind == "leads" and state.check_notes.get("ended"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync_connection(hundreds, watch=pull_the_plug)
    sandbox.delete_lead(sandbox.leads[0]["id"])
    sandbox.requests.clear()
    report = reports_of(hundreds)["leads"]

    assert live_leads() == {lead["id"] for lead in sandbox.leads}
    assert report.gone == 2
    assert sandbox.requests.count("GET /leads") == 1 + 3


def test_a_check_that_stood_still_for_hours_is_followed_by_one_that_sees_what_changed_since(
    sandbox, dexra, synced
):
    fill(sandbox, Amounts(leads=1, contacts=1, conversations=1, dexra_conversations=60))
    synced(dexra)
    later(hours=30)
    slices = How(seconds=0, limit=20)
    assert reports_of(dexra, how=slices)["conversations"].more
    assert reports_of(dexra, how=slices)["conversations"].more
    for one in sandbox.dexra_conversations:
        sandbox.edit_dexra_conversation(one["id"], subject="Changed behind the walk")
    SyncState.objects.update(check_started_at=timezone.now() - timedelta(hours=5))
    sandbox.requests.clear()

    reports_of(dexra, how=How(limit=20))

    subjects = set(Conversation.objects.values_list("subject", flat=True))
    assert subjects == {"Changed behind the walk"}
    # The first page, the rest of the old walk, and a whole one.
    assert sandbox.requests.count("GET /conversations") == 1 + 1 + 3


def test_a_check_that_was_begun_just_now_is_not_begun_again(sandbox, dexra, synced):
    fill(sandbox, Amounts(leads=1, contacts=1, conversations=1, dexra_conversations=60))
    synced(dexra)
    later(hours=30)
    assert reports_of(dexra, how=How(seconds=0, limit=20))["conversations"].more
    sandbox.requests.clear()

    reports_of(dexra, how=How(limit=20))

    assert sandbox.requests.count("GET /conversations") == 1 + 2


def test_a_check_makes_room_for_others_and_goes_on(sandbox, hundreds):
    later(hours=30)

    first = reports_of(hundreds, how=How(seconds=0))["leads"]
    assert first.more
    second = reports_of(hundreds, how=How(seconds=0))["leads"]
    third = reports_of(hundreds, how=How(seconds=0))["leads"]

    assert (second.more, third.more) == (True, False)
    assert of_leads().check_started_at is None


def test_one_that_goes_behind_the_walk_while_another_comes_is_gone_all_the_same(sandbox, hundreds):
    """The count stays as it was: nothing else tells that the walk met one that went."""
    later(hours=30)
    assert reports_of(hundreds, how=How(seconds=0))["leads"].more
    met = max(sandbox.leads, key=lambda lead: lead["created_at"])
    sandbox.delete_lead(met["id"])
    sandbox.add_lead(visitor_name="New")

    reports_of(hundreds)

    assert live_leads() == {lead["id"] for lead in sandbox.leads}


def test_a_count_that_is_never_right_is_looked_into_less_and_less_often(sandbox, nexadesk):
    fill(sandbox, Amounts(leads=30, contacts=1, conversations=1, dexra_conversations=1))
    sync_connection(nexadesk)
    page = sandbox_page(sandbox, total=31)
    sandbox.fault("nexadesk", "GET", "/leads", page, times=None)

    reports_of(nexadesk)
    sandbox.requests.clear()
    for _ in range(5):
        reports_of(nexadesk)

    assert sandbox.requests.count("GET /leads") == 5
    assert of_leads().drift == 1


def sandbox_page(sandbox, total, shown=None):
    import json

    rows = sandbox.leads if shown is None else shown
    data = sorted(rows, key=lambda lead: lead["updated_at"], reverse=True)
    shown = [{k: v for k, v in lead.items() if not k.startswith("_")} for lead in data]
    pagination = {"has_more": False, "next_cursor": None, "total_count": total, "limit": 100}
    return Fault.garbage(
        text=json.dumps({"success": True, "data": shown, "pagination": pagination})
    )


def test_each_pass_leaves_a_line_with_what_it_cost(sandbox, hundreds):
    SyncRun.objects.all().delete()

    sync_connection(hundreds)
    sync_connection(hundreds, full=True)

    runs = SyncRun.objects.order_by("id").values_list("purpose", "kind", "requests", "error")
    assert list(runs) == [
        ("follow", "conversations", 1, ""),
        ("follow", "leads", 1, ""),
        ("follow", "contacts", 2, ""),
        ("check", "conversations", 1, ""),
        ("check", "leads", 3, ""),
        ("check", "contacts", 2, ""),
    ]


def test_a_record_that_cannot_be_kept_is_set_aside_until_it_can(sandbox, nexadesk, monkeypatch):
    from portal.mirror import columns, store

    for n in range(100):
        sandbox.add_lead(visitor_name=f"Lead {n}")

    def picky(record):
        if record.name == "Lead 7":
            raise ValueError("a value no column holds")
        return columns.lead_columns(record)

    monkeypatch.setitem(store._COLUMNS, "leads", picky)
    report = reports_of(nexadesk)["leads"]
    assert (report.error, report.set_aside, Lead.objects.count()) == ("", 1, 99)
    assert SetAside.objects.get().reason == "the database cannot hold it (ValueError)"
    assert of_leads().check_wanted is False

    monkeypatch.setitem(store._COLUMNS, "leads", columns.lead_columns)
    reports_of(nexadesk)
    assert Lead.objects.count() == 100
    assert not SetAside.objects.exists()
