"""What NexaDesk is and can do, for pages and services that never name it."""

from portal.providers.contract import Can, FieldSpec, Follow, Form, Kind, Provider, Recognition
from portal.providers.nexadesk import assumed, client, parse, webhooks
from portal.texts import gettext_noop

STAGES = ("new", "qualified", "assigned", "contacted", "converted", "lost")
"""The default pipeline; a workspace may have others (A4, A8)."""

_LEAD = (
    FieldSpec(
        "visitor_name",
        gettext_noop("Name"),
        attribute="name",
        required=True,
        max_length=200,
        example="Petra Novak",
    ),
    FieldSpec(
        "visitor_email",
        gettext_noop("Email"),
        attribute="email",
        kind="email",
        example="petra@harbour.example",
    ),
    FieldSpec(
        "visitor_phone",
        gettext_noop("Phone"),
        attribute="phone",
        kind="phone",
        max_length=50,
        example="+386 1 555 0142",
    ),
    FieldSpec(
        "visitor_company",
        gettext_noop("Company"),
        attribute="company",
        max_length=200,
        example="Harbour Tools",
        assumed=True,
    ),
    FieldSpec(
        "pipeline_stage",
        gettext_noop("Stage"),
        attribute="stage",
        choices=STAGES,
        help=gettext_noop("Your own stages are kept as well."),
        assumed=True,
    ),
    FieldSpec(
        "expected_billing_amount",
        gettext_noop("Expected amount"),
        attribute="amount",
        kind="amount",
        help=gettext_noop("A number without a currency: NexaDesk keeps none."),
        example="3200",
        assumed=True,
    ),
    FieldSpec(
        "need_summary",
        gettext_noop("Need"),
        attribute="need_summary",
        kind="long_text",
        help=gettext_noop("What the visitor needs."),
        assumed=True,
    ),
    FieldSpec(
        "tags",
        gettext_noop("Tags"),
        attribute="tags",
        kind="tags",
        example="retail, priority",
        assumed=True,
    ),
    FieldSpec(
        "source",
        gettext_noop("Source"),
        attribute="source",
        choices=("widget", "whatsapp", "messenger", "api", "manual"),
        help=gettext_noop("Leave it empty to let NexaDesk decide."),
        assumed=True,
    ),
    FieldSpec(
        "assigned_rep_id",
        gettext_noop("Representative"),
        attribute="rep_id",
        help=gettext_noop("The representative's id in NexaDesk."),
        assumed=True,
    ),
)
_CONTACT = (
    FieldSpec(
        "first_name",
        gettext_noop("First name"),
        attribute="first_name",
        required=True,
        max_length=100,
        example="Omar",
    ),
    FieldSpec(
        "last_name",
        gettext_noop("Last name"),
        attribute="last_name",
        max_length=100,
        example="Haddad",
    ),
    FieldSpec(
        "email",
        gettext_noop("Email"),
        attribute="email",
        kind="email",
        help=gettext_noop("Only one contact can have an address."),
        example="omar@delta.example",
    ),
    FieldSpec(
        "phone",
        gettext_noop("Phone"),
        attribute="phone",
        kind="phone",
        max_length=50,
        example="+961 1 555 010",
    ),
    FieldSpec(
        "company_name",
        gettext_noop("Company"),
        attribute="company",
        max_length=200,
        example="Delta Print",
        assumed=True,
    ),
    FieldSpec(
        "tags",
        gettext_noop("Tags"),
        attribute="tags",
        kind="tags",
        example="customer",
        assumed=True,
    ),
    FieldSpec("profile_notes", gettext_noop("Notes"), kind="long_text", assumed=True),
)

NEXADESK = Provider(
    slug=assumed.SLUG,
    name="NexaDesk",
    default_base_url=client.BASE_URL,
    calls_per_minute=100,
    open=client.open_client,
    kinds={
        Kind.LEADS: Follow("created_at:desc", (("updated_at:desc", "updated_at"),)),
        Kind.CONTACTS: Follow(
            "created_at:desc",
            (("last_activity:desc", "last_activity_at"), ("created_at:desc", "created_at")),
            shows_edits=False,
            hooks_tell_edits=True,
        ),
        Kind.CONVERSATIONS: Follow(
            "created_at:desc", (("updated_at:desc", "updated_at"),), {"status": "all"}
        ),
    },
    can=frozenset(
        {
            Can.CREATE_LEAD,
            Can.UPDATE_LEAD,
            Can.DELETE_LEAD,
            Can.CREATE_CONTACT,
            Can.UPDATE_CONTACT,
            Can.DELETE_CONTACT,
            Can.SET_STATUS,
            Can.READ_MESSAGES,
        }
    ),
    cannot={
        Can.CREATE_CONVERSATION: gettext_noop(
            "NexaDesk's API cannot start conversations: visitors do."
        ),
        Can.SEND_MESSAGE: gettext_noop("NexaDesk's API cannot send messages: answer in NexaDesk."),
        Can.SEND_NOTE: gettext_noop("NexaDesk's API cannot add notes: write them in NexaDesk."),
        Can.UPDATE_USER: gettext_noop("NexaDesk's API has no users: change the contact instead."),
    },
    forms={Form.LEAD: _LEAD, Form.CONTACT: _CONTACT},
    statuses=parse.STATES,
    settable_statuses=tuple(parse.STATES),
    stages=STAGES,
    key_hint=(
        gettext_noop(
            "A key starts with fc_live_. Make one in NexaDesk under Settings > API Keys with the "
            "scopes read and write. NexaDesk shows it only once."
        )
    ),
    assumptions=assumed.ASSUMPTIONS,
    webhooks=webhooks.WEBHOOKS,
    recognised_by={
        Can.CREATE_LEAD: Recognition(
            same=("visitor_name", "visitor_email", "visitor_phone", "visitor_company"),
            hints=("visitor_name", "visitor_email"),
            sort="created_at:desc",
        ),
        Can.CREATE_CONTACT: Recognition(
            same=("first_name", "last_name", "email", "phone", "company_name"),
            hints=("first_name", "email"),
            sort="created_at:desc",
        ),
    },
)
