"""What a service can do and cannot do, in words, for whoever chooses one."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.records import Can, Kind
from portal.services import connections as service
from portal.web.progress import KINDS

# What can be done where an API has all of these calls.
WORDS = (
    (
        {Can.CREATE_LEAD, Can.UPDATE_LEAD, Can.DELETE_LEAD},
        gettext_lazy("make, change and delete leads"),
    ),
    (
        {Can.CREATE_CONTACT, Can.UPDATE_CONTACT, Can.DELETE_CONTACT},
        gettext_lazy("make, change and delete contacts"),
    ),
    ({Can.READ_MESSAGES}, gettext_lazy("read conversations in full")),
    ({Can.SET_STATUS}, gettext_lazy("change the status of conversations")),
    ({Can.CREATE_CONVERSATION}, gettext_lazy("start conversations")),
    ({Can.SEND_MESSAGE}, gettext_lazy("reply to people")),
    ({Can.SEND_NOTE}, gettext_lazy("leave private notes")),
    ({Can.UPDATE_USER}, gettext_lazy("change the e-mail and attributes of users")),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """One service to choose: what it brings, what can be done with it, what cannot."""

    slug: str
    name: str
    brings: str
    does: str
    lacks: tuple[str, ...]
    key_hint: str


def offers() -> list[Offer]:
    """Every service a workspace can be connected to."""
    return [
        Offer(
            provider.slug,
            provider.name,
            _("Brings %s.")
            % ", ".join(str(KINDS[kind]) for kind in Kind if kind in provider.kinds),
            _("Here you can %s.")
            % "; ".join(str(words) for calls, words in WORDS if calls <= provider.can),
            tuple(dict.fromkeys(_(sentence) for sentence in provider.cannot.values())),
            _(provider.key_hint) if provider.key_hint else "",
        )
        for provider in service.providers()
    ]
