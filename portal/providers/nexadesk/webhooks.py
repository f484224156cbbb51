"""NexaDesk's webhooks: how a delivery is proved and read. Source: API facts A7."""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from portal.providers import body as bodies
from portal.providers import reading
from portal.providers.contract import Webhooks
from portal.providers.nexadesk import parse
from portal.providers.reading import Unreadable
from portal.records import ContactRecord, ConversationRecord, Event, Kind, LeadRecord, News, State
from portal.texts import gettext_noop

SIGNATURE = "x-nexadesk-signature"
_LEAD = frozenset(
    {
        "visitor_name",
        "visitor_email",
        "visitor_phone",
        "visitor_company",
        "pipeline_stage",
        "need_summary",
        "tags",
        "source",
        "expected_billing_amount",
        "assigned_rep_id",
        "rep_first_name",
        "rep_last_name",
        "rep_email",
        "created_at",
        "updated_at",
    }
)
"""The fields of a lead as A4 lists them: an event that lacks one told only a part."""

type _Told = tuple[News, Kind, Callable[[Any], LeadRecord | ContactRecord | ConversationRecord]]

_CONVERSATION: _Told = (News.CHANGED, Kind.CONVERSATIONS, parse.conversation_detail)
_EVENTS: Mapping[str, _Told] = {
    "lead.created": (News.CHANGED, Kind.LEADS, parse.lead),
    "lead.updated": (News.CHANGED, Kind.LEADS, parse.lead),
    "lead.deleted": (News.GONE, Kind.LEADS, parse.lead),
    "contact.created": (News.CHANGED, Kind.CONTACTS, parse.contact),
    "contact.updated": (News.CHANGED, Kind.CONTACTS, parse.contact),
    "conversation.created": _CONVERSATION,
    "conversation.updated": _CONVERSATION,
    "conversation.closed": _CONVERSATION,
    "message.created": (News.SAID, Kind.CONVERSATIONS, parse.conversation_detail),
}


def verify(body: bytes, headers: Mapping[str, str], secrets: Iterable[str]) -> bool:
    """
    Whether `X-NexaDesk-Signature` is the HMAC-SHA256 of these very bytes by one of the secrets.

    Compared as bytes, so that no header can raise; all secrets are tried, so that the time
    does not tell which one fits. Nothing signs the empty body, and no empty secret counts.
    """
    given = headers.get(SIGNATURE, "").encode("utf-8", "replace")
    if not body or not given:
        return False
    fits = False
    for secret in filter(None, secrets):
        made = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        fits |= hmac.compare_digest(f"sha256={made}".encode(), given)
    return fits


def carries_signature(headers: Mapping[str, str]) -> bool:
    return SIGNATURE in headers


def greets(body: bytes) -> bool:
    """
    Whether this is surely no event but a trial of the address. The ping's form is not
    documented (A7): an object that bears a name, but no event's, and names no record.
    """
    try:
        told = bodies.decode(body)
    except ValueError:
        return False
    if not isinstance(told, dict) or not _names_nothing(told.get("data")):
        return False
    names = [told[key] for key in ("event", "type", "ping", "test") if key in told]
    return bool(names) and not any(str(name) in _EVENTS for name in names)


def _names_nothing(data: Any) -> bool:
    """Whether the data is none, or words without an id: {"message": "It works"}."""
    if not isinstance(data, dict):
        return not data
    return all(isinstance(v, str) and k != "id" and not k.endswith("_id") for k, v in data.items())


def read(body: bytes) -> Event:
    """One delivery. Raises `Unreadable`. A ping and unknown events are no news."""
    try:
        told = bodies.decode(body)
    except ValueError as reason:
        raise Unreadable(str(reason)) from None
    if not isinstance(told, dict):
        raise Unreadable("it is not an object")
    name = reading.mended(reading.text(told.get("event")))
    at, account = reading.moment(told.get("timestamp")), _account(told)
    if name not in _EVENTS:
        return Event(name, at=at, account=account)
    news, kind, parse_one = _EVENTS[name]
    data = told.get("data")
    if not isinstance(data, dict):
        raise Unreadable("data is not an object")
    if news is News.SAID:
        return Event(name, news, kind, _conversation_of(data), at=at, account=account)
    record = parse_one(data)
    event = Event(name, news, kind, record.upstream_id, at=at, account=account)
    if news is News.GONE:
        return event
    return _with(event, record, data)


def _with(event: Event, record: Any, data: Mapping[str, Any]) -> Event:
    """The event with what it told of its record. Closed means archived, told or not (A7)."""
    if event.name == "conversation.closed" and "status" not in record.told:
        told = record.told | {"status", "state"}
        record = replace(record, status="archived", state=State.CLOSED, told=told)
    return replace(event, record=record, whole=event.kind is Kind.LEADS and data.keys() >= _LEAD)


def _account(told: Mapping[str, Any]) -> str:
    return reading.mended(reading.text(told.get("workspace_id")))[: reading.MAX_ID]


def _conversation_of(data: Mapping[str, Any]) -> str:
    """The conversation a message belongs to (undocumented: A7), "" if it is not told."""
    inner = data.get("conversation")
    told = data.get("conversation_id") or (inner.get("id") if isinstance(inner, dict) else None)
    try:
        return reading.mended(reading.identity(told))
    except ValueError:
        return ""


WEBHOOKS = Webhooks(
    read=read,
    verify=verify,
    carries_signature=carries_signature,
    greets=greets,
    events=tuple(_EVENTS),
    steps=(
        gettext_noop("In NexaDesk open Settings > Webhooks and press Add Webhook."),
        gettext_noop("Paste the address as the endpoint URL."),
        gettext_noop("Choose all events, then save. NexaDesk sends a test ping at once."),
    ),
    secret_hint=gettext_noop(
        "NexaDesk signs each delivery with the webhook's secret, as it shows it there."
    ),
)
