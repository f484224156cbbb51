"""The forms of the connections settings. A key goes in and never comes out again."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.services import connections as service
from portal.vault.models import Connection
from portal.vault.seal import Secret

LONGEST_KEY = 500
# What a header can carry: visible ASCII without spaces.
_KEY = re.compile(r"[\x21-\x7e]+")


class KeyField(forms.CharField):
    """An API key: a password input that is never filled in again; gives a `Secret`."""

    widget = forms.PasswordInput

    def __init__(self, **options: Any) -> None:
        attrs = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        widget = forms.PasswordInput(render_value=False, attrs=attrs)
        super().__init__(max_length=LONGEST_KEY, widget=widget, **options)
        self.error_messages["max_length"] = _("That is longer than any key.")

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not _KEY.fullmatch(text):
            raise forms.ValidationError(
                _("A key is one word of letters, digits and signs, without spaces.")
            )
        return Secret(text)


class KeyForm(forms.Form):
    """Another key for a connection."""

    key = KeyField(label=_("New API key"))
    sure = forms.BooleanField(
        label=_("It is another account: replace the key all the same"), required=False
    )


class ConnectionForm(forms.Form):
    """A new connection: which service, its key, and a name if there are two of one service."""

    provider = forms.ChoiceField(label=_("Service"), widget=forms.RadioSelect)
    key = KeyField(label=_("API key"))
    label = forms.CharField(
        label=_("Name here"),
        max_length=80,
        required=False,
        help_text=_("How your team tells it apart. The service's name if you leave it empty."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        choices = [(provider.slug, provider.name) for provider in service.providers()]
        field = self.fields["provider"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


class RemoveForm(forms.Form):
    """Asks to type the connection's name before its copy is deleted."""

    name = forms.CharField(
        label=_("Type the name to confirm"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, connection: Connection, *args: Any, **options: Any) -> None:
        options["auto_id"] = f"remove-{connection.pk}-%s"
        super().__init__(*args, **options)
        self.connection = connection
        self.fields["name"].help_text = _("It is “%s”.") % service.name_of(connection)

    def clean_name(self) -> str:
        typed: str = self.cleaned_data["name"].strip()
        if typed.casefold() != service.name_of(self.connection).strip().casefold():
            raise forms.ValidationError(_("That is not its name. Nothing was removed."))
        return typed
