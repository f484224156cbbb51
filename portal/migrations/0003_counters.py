"""Counters of every word that lists and menus count, filled from the rows there are."""

from django.db import migrations, models

FACETS = {
    "leads": ("portal_lead", {"stage": "", "source": "", "rep_id": "rep_name"}),
    "contacts": ("portal_contact", {}),
    "conversations": ("portal_conversation", {"state": "", "status": "", "source": ""}),
}


def _count(kind, table, facet, label):
    word, label = facet or "''", f"MAX({label})" if label else "''"
    group = "workspace_id, connection_id" + (f", {facet}" if facet else "")
    columns = "workspace_id, connection_id, kind, facet, word, label, number"
    counted = f"workspace_id, connection_id, '{kind}', '{facet}', {word}, {label}, COUNT(*)"
    return f"INSERT INTO portal_counter ({columns}) SELECT {counted} FROM {table} WHERE gone_at IS NULL GROUP BY {group}"  # noqa: S608


FILL = [
    _count(kind, table, facet, label)
    for kind, (table, facets) in FACETS.items()
    for facet, label in ({"": ""} | facets).items()
]


class Migration(migrations.Migration):
    dependencies = [("portal", "0002_copy")]

    operations = [
        migrations.RemoveIndex("counter", "counter_workspace"),
        migrations.RemoveConstraint("counter", "counter_once"),
        migrations.AddField(
            "counter", "word", models.CharField(blank=True, default="", max_length=255)
        ),
        migrations.AddField(
            "counter", "label", models.CharField(blank=True, default="", max_length=200)
        ),
        migrations.AddConstraint(
            "counter",
            models.UniqueConstraint(
                fields=("connection", "kind", "facet", "word"), name="counter_word_once"
            ),
        ),
        migrations.AddIndex(
            "counter", models.Index(fields=["workspace", "kind", "-number"], name="counter_most")
        ),
        migrations.RunSQL(["DELETE FROM portal_counter", *FILL], migrations.RunSQL.noop),
    ]
