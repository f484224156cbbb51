"""What Dexra is and can do, for pages and services that never name it."""

from portal.providers.contract import Can, FieldSpec, Follow, Form, Kind, Provider, Recognition
from portal.providers.dexra import assumed, client, parse, webhooks
from portal.texts import gettext_noop

_CONVERSATION = (
    FieldSpec(
        "user_id",
        gettext_noop("User"),
        required=True,
        on_update=False,
        help=gettext_noop("The user's id in your own system, as Dexra was told it."),
        example="u_3310",
    ),
    FieldSpec(
        "subject",
        gettext_noop("Subject"),
        attribute="subject",
        on_update=False,
        example="Invoice copy",
    ),
    FieldSpec(
        "tags",
        gettext_noop("Tags"),
        attribute="tags",
        kind="tags",
        on_update=False,
        help=gettext_noop("Tags can be given only now: Dexra's API cannot change them later."),
        example="billing",
    ),
)
_USER = (
    FieldSpec(
        "email", gettext_noop("Email"), attribute="email", kind="email", example="mara@cove.example"
    ),
    FieldSpec(
        "custom_attributes",
        gettext_noop("Attributes"),
        kind="attributes",
        help=(
            gettext_noop(
                "Names and values, texts or numbers. Dexra's API cannot show what is there now, "
                "and it may replace all attributes with these: give every one you want to keep."
            )
        ),
        example="plan: pro",
    ),
)
_NO_LEADS = gettext_noop("Dexra's API has no leads.")
_NO_CONTACTS = gettext_noop(
    "Dexra's API has no list of contacts; it can only change a user whose id is known."
)

DEXRA = Provider(
    slug=assumed.SLUG,
    name="Dexra",
    default_base_url=client.BASE_URL,
    calls_per_minute=100,
    open=client.open_client,
    kinds={
        Kind.CONVERSATIONS: Follow(None, shows_edits=False, open_ones={"status": "open"}),
    },
    can=frozenset({Can.CREATE_CONVERSATION, Can.SEND_MESSAGE, Can.SEND_NOTE, Can.UPDATE_USER}),
    cannot={
        Can.CREATE_LEAD: _NO_LEADS,
        Can.UPDATE_LEAD: _NO_LEADS,
        Can.DELETE_LEAD: _NO_LEADS,
        Can.CREATE_CONTACT: _NO_CONTACTS,
        Can.UPDATE_CONTACT: _NO_CONTACTS,
        Can.DELETE_CONTACT: _NO_CONTACTS,
        Can.SET_STATUS: gettext_noop("Dexra's API cannot close, snooze or assign a conversation."),
        Can.READ_MESSAGES: gettext_noop("Dexra's API cannot read a conversation's history."),
    },
    forms={Form.CONVERSATION: _CONVERSATION, Form.USER: _USER},
    statuses=parse.STATES,
    key_hint=gettext_noop("Keys are made in the Developer Settings of Dexra's dashboard."),
    assumptions=assumed.ASSUMPTIONS,
    webhooks=webhooks.WEBHOOKS,
    recognised_by={
        Can.CREATE_CONVERSATION: Recognition(
            same=("subject",), hints=("subject",), sort=None, by="user_id"
        )
    },
)
