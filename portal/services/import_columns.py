"""Which column of a file means which field: guessed from its name, as people and exports write."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext as _

from portal.records import FieldSpec
from portal.services.codecs import CODECS

ID = "@id"
"""The field that a column of the provider's own ids fills."""
# What else people call the field of an attribute, in words without spaces and marks.
_ALSO: Mapping[str, Sequence[str]] = {
    "name": ("name", "fullname", "contactname", "leadname", "customer", "visitor"),
    "first_name": ("firstname", "givenname", "forename"),
    "last_name": ("lastname", "surname", "familyname"),
    "email": ("email", "emailaddress", "mail", "emails", "mailaddress"),
    "phone": ("phone", "phonenumber", "telephone", "tel", "mobile", "cell", "mobilephone"),
    "company": ("company", "companyname", "organisation", "organization", "account", "firm"),
    "stage": ("stage", "status", "pipelinestage", "leadstatus"),
    "source": ("source", "leadsource", "channel", "origin"),
    "tags": ("tags", "labels", "tag"),
    "need_summary": ("need", "needs", "summary", "notes", "description", "comment", "message"),
    "amount": ("amount", "value", "dealvalue", "dealamount", "expectedamount", "price", "budget"),
    "rep_id": ("owner", "representative", "rep", "assignee", "assignedto", "salesrep"),
}
_IDS = frozenset({"id", "recordid", "leadid", "contactid"})


def writable(specs: Iterable[FieldSpec]) -> list[FieldSpec]:
    """The fields that a cell of a file can fill."""
    return [spec for spec in specs if spec.kind in CODECS]


def guess(columns: Sequence[str], specs: Sequence[FieldSpec]) -> dict[str, str]:
    """The field of each column by name, "" for none; no field is given twice."""
    found, left = dict.fromkeys(columns, ""), {spec.name: spec for spec in specs}
    for names in (_exact, _loose):
        for column in columns:
            key = _key(column)
            spec = next((s for s in left.values() if key and key in names(s)), None)
            if not found[column] and spec is not None:
                found[column] = spec.name
                del left[spec.name]
    for column in columns:
        if not found[column] and _key(column) in _IDS and ID not in found.values():
            found[column] = ID
    return found


def _exact(spec: FieldSpec) -> set[str]:
    return {_key(spec.name), _key(spec.label), _key(_(spec.label))}


def _loose(spec: FieldSpec) -> set[str]:
    return {_key(spec.attribute), *_ALSO.get(spec.attribute, ())} - {""}


def _key(name: str) -> str:
    """A name without case, accents, spaces and marks: "E-mail" is "email"."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[\W_]+", "", "".join(c for c in plain if not unicodedata.combining(c)))
