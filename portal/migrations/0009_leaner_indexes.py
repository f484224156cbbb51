"""
Records without the indexes over their workspace or connection alone: others begin with them, and
PostgreSQL took all rows of a new workspace from there.

SQLite would write each table anew for this, and lose the search's triggers: so by name.
"""

import django.db.models.deletion
from django.db import migrations, models

INDEXES = {
    ("portal_lead", "workspace_id"): "portal_lead_workspace_id_0222f6bf",
    ("portal_lead", "connection_id"): "portal_lead_connection_id_b30a8e3e",
    ("portal_contact", "workspace_id"): "portal_contact_workspace_id_44c99d05",
    ("portal_contact", "connection_id"): "portal_contact_connection_id_20bdb3b1",
    ("portal_conversation", "workspace_id"): "portal_conversation_workspace_id_818b3d09",
    ("portal_conversation", "connection_id"): "portal_conversation_connection_id_20c0c678",
}


def without_own_index(model, field):
    other = models.ForeignKey(
        f"portal.{field}", django.db.models.deletion.CASCADE, related_name="+", db_index=False
    )
    return migrations.AlterField(model, field, other)


class Migration(migrations.Migration):
    dependencies = [("portal", "0008_counter_worth")]

    operations = [
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    f"DROP INDEX IF EXISTS {name}", f"CREATE INDEX {name} ON {table} ({column})"
                )
                for (table, column), name in INDEXES.items()
            ],
            [
                without_own_index(model, field)
                for model in ("lead", "contact", "conversation")
                for field in ("workspace", "connection")
            ],
        ),
    ]
