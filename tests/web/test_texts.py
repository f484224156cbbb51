"""
Every sentence that people may be shown is collected for translation, also those that rooms
without a page write down: `makemessages` finds a text only where it is marked.
"""

import ast
import re
from pathlib import Path

from django.utils import translation

from portal.models import Entry
from portal.records import Form
from portal.services import connections
from portal.services.lookups import NO_HISTORY
from tests.web.test_outbox import make

PORTAL = Path(__file__).parents[2] / "portal"
# Rooms whose sentences pages show. What only shells, logs and machines are told is not here.
ROOMS = ["errors.py", "providers/**/*.py", "services/*.py", "batches/**/*.py", "outbox/*.py",
         "vault/*.py", "budget/*.py", "mirror/progress.py"]  # fmt: skip
FOR_SHELLS = {"assumed.py"}
SENTENCE = re.compile(r"[“A-Z%].*\s.*[.?!)”]", re.DOTALL)
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"}
NOT_SHOWN = {"ValueError", "exception", "warning", "info"}


def name_of(function):
    return getattr(function, "id", "") or getattr(function, "attr", "")


def sentences(node):
    """The texts below this node that read like a sentence and are marked nowhere."""
    if isinstance(node, ast.JoinedStr):
        return
    if isinstance(node, ast.Call) and name_of(node.func) in MARKS | NOT_SHOWN:
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and SENTENCE.fullmatch(node.value):
            yield node
        return
    for below in ast.iter_child_nodes(node):
        yield from sentences(below)


def marked():
    """Every text that `makemessages` finds in the code."""
    found = set()
    for path in PORTAL.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and name_of(node.func) in MARKS and node.args:
                first = node.args[0]
                found |= {first.value} if isinstance(first, ast.Constant) else set()
    return found


def test_every_sentence_for_people_is_marked_where_it_stands():
    paths = {path for room in ROOMS for path in PORTAL.glob(room) if path.name not in FOR_SHELLS}
    assert len(paths) > 60
    found = [
        f"{path.relative_to(PORTAL)}:{node.lineno}: {node.value}"
        for path in sorted(paths)
        for node in sentences(ast.parse(path.read_text()))
    ]
    assert found == []


def test_every_label_and_hint_of_a_providers_fields_is_marked():
    shown, known = set(), marked()
    for provider in connections.providers():
        for form in Form:
            for spec in provider.forms.get(form, ()):
                shown |= {spec.label, spec.help}
        shown |= {*provider.cannot.values(), provider.key_hint}
        if provider.webhooks:
            hooks = provider.webhooks
            shown |= {*hooks.steps, hooks.caution, hooks.secret_hint}
    assert shown - {""} - known == set()


def test_what_was_written_down_is_translated_when_it_is_shown(dexra, agent, client_of, monkeypatch):
    """The row holds the sentence of the code; a page in another language says it in its own."""
    write = make(dexra, "undecided", action="message.send", evidence={"why": NO_HISTORY})
    Entry.objects.filter(pk=write.entry_id).update(outcome="unknown", reason=NO_HISTORY)
    french = {NO_HISTORY: "Aucun appel ne montre les messages."}
    monkeypatch.setattr(translation._trans, "gettext", lambda text: french.get(text, text))
    browser = client_of(agent)

    for path in (f"/w/acme/outbox/{write.pk}/", "/w/acme/outbox/", "/w/acme/audit/"):
        html = browser.get(path).text
        assert french[NO_HISTORY] in html, path
        assert NO_HISTORY not in html, path
