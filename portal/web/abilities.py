"""What a service can do and cannot do, in words, for whoever chooses one."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.records import Can, Kind
from portal.services import connections as service
from portal.web.progress import KINDS

WORDS = {
    Can.CREATE_LEAD: gettext_lazy("make leads"),
    Can.UPDATE_LEAD: gettext_lazy("change leads"),
    Can.DELETE_LEAD: gettext_lazy("delete leads"),
    Can.CREATE_CONTACT: gettext_lazy("make contacts"),
    Can.UPDATE_CONTACT: gettext_lazy("change contacts"),
    Can.DELETE_CONTACT: gettext_lazy("delete contacts"),
    Can.READ_MESSAGES: gettext_lazy("read conversations in full"),
    Can.SET_STATUS: gettext_lazy("change a conversation's status"),
    Can.CREATE_CONVERSATION: gettext_lazy("start conversations"),
    Can.SEND_MESSAGE: gettext_lazy("reply"),
    Can.SEND_NOTE: gettext_lazy("leave private notes"),
    Can.UPDATE_USER: gettext_lazy("change a user's e-mail and attributes"),
}


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
            _("Copies %s.")
            % _listed([str(KINDS[kind]) for kind in Kind if kind in provider.kinds]),
            _("Here you can %s.")
            % _listed([str(w) for can, w in WORDS.items() if can in provider.can]),
            tuple(dict.fromkeys(_(sentence) for sentence in provider.cannot.values())),
            _(provider.key_hint) if provider.key_hint else "",
        )
        for provider in service.providers()
    ]


def _listed(words: list[str]) -> str:
    """ "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return _("%(words)s and %(last)s") % {"words": ", ".join(words[:-1]), "last": words[-1]}
