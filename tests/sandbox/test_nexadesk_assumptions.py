"""What NexaDesk's documentation leaves open can be turned round, to see how a client bears it."""

from portal.sandbox import NexaDeskAssumptions, Sandbox


def test_assumptions_can_be_given_at_the_start():
    sandbox = Sandbox(nexadesk=NexaDeskAssumptions(delete_status=204))

    assert sandbox.nexadesk_assumptions.delete_status == 204


def test_a_deletion_may_answer_nothing_at_all(sandbox, nexadesk):
    sandbox.nexadesk_assumptions.delete_status = 204
    lead = sandbox.add_lead()

    answer = nexadesk.delete(f"/leads?id={lead['id']}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert nexadesk.get("/leads").json()["data"] == []  # the connection is still in step


def test_messages_may_lie_elsewhere_under_other_names(sandbox, nexadesk):
    sandbox.nexadesk_assumptions.messages_inside = True
    sandbox.nexadesk_assumptions.message_fields = ("role", "text")
    conversation = sandbox.add_conversation(thread=[("agent", "Hello")])

    data = nexadesk.get(f"/conversations?id={conversation['id']}").json()["data"]

    assert set(data) == {"conversation"}
    (message,) = data["conversation"]["messages"]
    assert (message["role"], message["text"]) == ("agent", "Hello")


def test_a_changed_conversation_may_come_wrapped_and_take_tags(sandbox, nexadesk):
    sandbox.nexadesk_assumptions.patched_conversation_wrapped = True
    sandbox.nexadesk_assumptions.tags_writable = True
    conversation = sandbox.add_conversation()

    answer = nexadesk.patch(f"/conversations?id={conversation['id']}", json={"tags": ["vip"]})

    assert answer.json()["data"]["conversation"]["tags"] == ["vip"]


def test_single_records_may_carry_pagination_and_leads_a_score(sandbox, nexadesk):
    sandbox.nexadesk_assumptions.pagination_on_single = True
    sandbox.nexadesk_assumptions.show_lead_score = True
    lead = sandbox.add_lead(_lead_score=42)

    answer = nexadesk.get(f"/leads?id={lead['id']}").json()

    assert answer["pagination"]["total_count"] == 1
    assert answer["data"]["lead_score"] == 42


def test_an_unknown_id_may_be_a_bad_request(sandbox, nexadesk):
    sandbox.nexadesk_assumptions.not_found = 400

    assert nexadesk.get("/leads?id=nobody").status_code == 400
