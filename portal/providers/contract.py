"""
What a provider offers. Pages and services ask this, and never name a provider.

A provider is one frozen `Provider`, made in its own folder and listed in `registry.py`.
What its API cannot do is absent from `can`, with the reason in `cannot`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from portal.records import (
    Can,
    ContactRecord,
    ConversationRecord,
    Event,
    FieldSpec,
    Form,
    Kind,
    LeadRecord,
    Page,
    SentMessage,
    State,
)


class Gate(Protocol):
    """
    Stands before every request that leaves: the budget of the key.

    `enter` returns once the call may start or raises `BudgetSpent`; `leave` hears how
    it ended: the HTTP status (None if no answer) and the answer's headers, lower-case.
    `may_repeat` tells whether a read that failed may be tried again, and counts it;
    `timed_out` repeats cost more.
    """

    def enter(self) -> None: ...
    def leave(self, status: int | None, headers: Mapping[str, str]) -> None: ...
    def may_repeat(self, *, timed_out: bool) -> bool: ...


class Client(Protocol):
    """
    One API with a key in hand. A provider implements the calls its API documents;
    the others raise `NotImplementedError` and are absent from `Provider.can`.
    All raise the errors of `providers/errors.py`. Bodies hold the provider's own names.
    """

    def list_page(
        self,
        kind: Kind,
        *,
        cursor: str | None = None,
        page: int | None = None,
        limit: int = 100,
        sort: str | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> Page[Any]: ...
    def walk(
        self, kind: Kind, *, sort: str | None = None, filters: Mapping[str, str] | None = None
    ) -> Iterator[Page[Any]]: ...
    def get_lead(self, upstream_id: str) -> LeadRecord: ...
    def create_lead(self, values: Mapping[str, Any]) -> LeadRecord: ...
    def update_lead(self, upstream_id: str, changes: Mapping[str, Any]) -> LeadRecord: ...
    def delete_lead(self, upstream_id: str) -> None: ...
    def get_contact(self, upstream_id: str) -> ContactRecord: ...
    def create_contact(self, values: Mapping[str, Any]) -> ContactRecord: ...
    def update_contact(self, upstream_id: str, changes: Mapping[str, Any]) -> ContactRecord: ...
    def delete_contact(self, upstream_id: str) -> None: ...
    def get_conversation(self, upstream_id: str) -> ConversationRecord: ...
    def create_conversation(self, values: Mapping[str, Any]) -> ConversationRecord: ...
    def set_status(self, upstream_id: str, status: str) -> ConversationRecord: ...
    def send_message(self, conversation_id: str, text: str) -> SentMessage: ...
    def send_note(self, conversation_id: str, text: str) -> SentMessage: ...
    def update_user(self, upstream_id: str, changes: Mapping[str, Any]) -> ContactRecord: ...


__all__ = [
    "Assumption",
    "Can",
    "Client",
    "FieldSpec",
    "Follow",
    "Form",
    "Gate",
    "Kind",
    "Open",
    "Provider",
    "Recognition",
    "State",
    "Webhooks",
]

type Open = Callable[..., AbstractContextManager[Client]]


@dataclass(frozen=True, slots=True)
class Follow:
    """
    How a kind is kept fresh after its first pass.

    `backfill` is the sort of a complete walk (newest first; None where the API has no
    sort), `follow` the sorts of the short walks that look for news, each with the record
    attribute it is ordered by. Empty where the API has no sort: the first page is read.
    `shows_edits` tells whether every change of a record shows in them, `hooks_tell_edits`
    whether webhooks do: where neither does, everything is read again now and then, and more
    often the part that `open_ones` filters, where people work.
    """

    backfill: str | None
    follow: tuple[tuple[str, str], ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    shows_edits: bool = True
    hooks_tell_edits: bool = False
    open_ones: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recognition:
    """
    How a creation of ours is found in the provider's list after its answer was lost.

    `same` are the provider's names of the fields that must read as we sent them: those that
    are documented, since an assumed one may be ignored. `hints` are the ones of which one
    equal value is enough to doubt that ours is absent. `sort` shows the newest first, so that
    the walk may stop at the time of our try; None where no sort is documented: then the whole
    list is read, at most `pages` pages, and a longer one proves no absence. `by` is the field
    that names the person a record was made for where only its participants tell it.

    Changes and deletions need none of this: reading the record tells. A message needs no
    entry either: no call reads messages (facts B3), so only an event or `last_message` can
    prove that it arrived, and nothing that it did not.
    """

    same: tuple[str, ...]
    hints: tuple[str, ...] = ()
    sort: str | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    pages: int = 20
    by: str = ""


@dataclass(frozen=True, slots=True)
class Assumption:
    """
    Something the documentation leaves open and this client assumes.

    `probe` tries it with reads only and tells (holds, what was seen), where holds is None
    if this key's data cannot tell; `probe` is None where no read can tell. It raises only
    `TryLater` and `KeyRejected`. `source` is the section of the API facts it fills.
    """

    name: str
    assumed: str
    source: str
    probe: Callable[[Client], tuple[bool | None, str]] | None = None


@dataclass(frozen=True, slots=True)
class Webhooks:
    """
    How a provider's webhooks are read, proved and set up.

    `read` makes an `Event` of a body, or raises `reading.Unreadable`. `verify` tells whether
    the headers (names in lower case) hold a signature of these very bytes by one of the
    secrets; it is None where deliveries are not signed and nothing but the secret address
    protects it. `carries_signature` tells whether there is one at all, good or bad. `greets` tells
    that a body is surely no event, only a trial of the address. `steps` say where in the
    provider's dashboard it is set up, `secret_hint` where its secret is, `caution` what
    cannot be known; `events` are the documented names.
    """

    read: Callable[[bytes], Event]
    events: tuple[str, ...]
    steps: tuple[str, ...]
    greets: Callable[[bytes], bool] = lambda _body: False
    verify: Callable[[bytes, Mapping[str, str], Iterable[str]], bool] | None = None
    carries_signature: Callable[[Mapping[str, str]], bool] = lambda _headers: False
    secret_hint: str = ""
    caution: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """
    What one provider is and can do.

    `open(key, base_url=..., gate=..., deadline_seconds=...)` gives a context manager
    with a `Client`. `calls_per_minute` is the documented limit of a key.
    `cannot` says in people's words why an ability is missing. `recognised_by` tells for each
    ability that makes a record how our own is found again.
    """

    slug: str
    name: str
    default_base_url: str
    calls_per_minute: int
    open: Open
    kinds: Mapping[Kind, Follow]
    can: frozenset[Can]
    cannot: Mapping[Can, str]
    forms: Mapping[Form, tuple[FieldSpec, ...]]
    statuses: Mapping[str, State]
    settable_statuses: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    key_hint: str = ""
    dashboard_url: str = ""
    assumptions: tuple[Assumption, ...] = ()
    webhooks: Webhooks | None = None
    recognised_by: Mapping[Can, Recognition] = field(default_factory=dict)
