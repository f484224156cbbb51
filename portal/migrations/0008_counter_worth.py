"""Counters also hold what their leads are worth together, filled from the rows there are."""

from django.db import migrations, models

FACETS = ("", "stage", "source", "rep_id")


UNITS = """
SELECT COALESCE(SUM(CAST(ROUND(lead.amount * 10000) AS BIGINT)), 0) FROM portal_lead lead
WHERE lead.connection_id = portal_counter.connection_id AND lead.gone_at IS NULL
AND lead.amount > -100000000000 AND lead.amount < 100000000000
"""


def _fill(facet: str) -> str:
    same = f" AND lead.{facet} = portal_counter.word" if facet else ""
    return f"UPDATE portal_counter SET worth = ({UNITS}{same}) WHERE kind = 'leads' AND facet = '{facet}'"  # noqa: S608


class Migration(migrations.Migration):
    dependencies = [("portal", "0007_outbox_listed")]

    operations = [
        migrations.AddField(
            "counter",
            "worth",
            models.DecimalField(decimal_places=0, default=0, max_digits=40),
        ),
        migrations.RunSQL([_fill(facet) for facet in FACETS], migrations.RunSQL.noop),
    ]
