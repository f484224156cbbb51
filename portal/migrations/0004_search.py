"""
Indexes over live rows only, one for each sort and filter of the lists, and the search: its
text written anew with the beginnings of words and the tags, and a trigram index over it.
"""

from django.db import migrations, models

from portal.mirror import columns, search_index


def write_texts(apps, schema_editor):
    """Every record's `search_text`, by batches of 500."""
    parts = {
        "Lead": ["name", "email", "phone", "company"],
        "Contact": ["name", "email", "phone", "company"],
        "Conversation": [
            "visitor_name",
            "visitor_email",
            "visitor_company",
            "subject",
            "last_message",
        ],
    }
    for name, texts in parts.items():
        model = apps.get_model("portal", name)
        batch = []
        rows = model.objects.only("search_text", "tags", *texts).order_by("id")
        for row in rows.iterator(chunk_size=500):
            said = [getattr(row, text) for text in texts]
            row.search_text = columns.search_text(*said, tags=tuple(row.tags or ()))
            if name == "Conversation":
                newest = row.messages.order_by("-id").values_list("text", flat=True)[:100]
                row.search_text = columns.with_thread(row.search_text, newest)
            batch.append(row)
            if len(batch) == 500:
                model.objects.bulk_update(batch, ["search_text"])
                batch = []
        model.objects.bulk_update(batch, ["search_text"])


def make(apps, schema_editor):
    search_index.ensure(schema_editor.connection.alias)


def unmake(apps, schema_editor):
    search_index.drop(schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0003_counters"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="contact",
            name="contact_created",
        ),
        migrations.RemoveIndex(
            model_name="conversation",
            name="conversation_email_key",
        ),
        migrations.RemoveIndex(
            model_name="contact",
            name="contact_last_activity",
        ),
        migrations.RemoveIndex(
            model_name="contact",
            name="contact_name_key",
        ),
        migrations.RemoveIndex(
            model_name="contact",
            name="contact_company_key",
        ),
        migrations.RemoveIndex(
            model_name="contact",
            name="contact_email_key",
        ),
        migrations.RemoveIndex(
            model_name="contact",
            name="contact_phone",
        ),
        migrations.RemoveIndex(
            model_name="contact",
            name="contact_conversation_count",
        ),
        migrations.RemoveIndex(
            model_name="conversation",
            name="conversation_created",
        ),
        migrations.RemoveIndex(
            model_name="conversation",
            name="conversation_active",
        ),
        migrations.RemoveIndex(
            model_name="conversation",
            name="conversation_name_key",
        ),
        migrations.RemoveIndex(
            model_name="conversation",
            name="conversation_source",
        ),
        migrations.RemoveIndex(
            model_name="conversation",
            name="conversation_state",
        ),
        migrations.RemoveIndex(
            model_name="lead",
            name="lead_created",
        ),
        migrations.RemoveIndex(
            model_name="lead",
            name="lead_updated",
        ),
        migrations.RemoveIndex(
            model_name="lead",
            name="lead_name_key",
        ),
        migrations.RemoveIndex(
            model_name="lead",
            name="lead_company_key",
        ),
        migrations.RemoveIndex(
            model_name="lead",
            name="lead_email_key",
        ),
        migrations.RemoveIndex(
            model_name="lead",
            name="lead_source",
        ),
        migrations.RemoveIndex(
            model_name="lead",
            name="lead_rep_name",
        ),
        migrations.RemoveIndex(
            model_name="lead",
            name="lead_amount",
        ),
        migrations.RemoveIndex(
            model_name="lead",
            name="lead_score",
        ),
        migrations.RemoveIndex(
            model_name="lead",
            name="lead_stage",
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "created_at", "id"],
                name="contact_by_created",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "last_activity_at", "id"],
                name="contact_by_last_activity",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "name_key", "id"],
                name="contact_by_name_key",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "company_key", "id"],
                name="contact_by_company_key",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "email_key", "id"],
                name="contact_by_email_key",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "phone", "id"],
                name="contact_by_phone",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "conversation_count", "id"],
                name="contact_by_conversation_c",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "connection", "created_at", "id"],
                name="contact_of_connection",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "created_at", "id"],
                name="conversation_by_created",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "active_at", "id"],
                name="conversation_by_active",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "name_key", "id"],
                name="conversation_by_name_key",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "source", "id"],
                name="conversation_by_source",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "email_key", "id"],
                name="conversation_by_email_key",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "state", "active_at", "id"],
                name="conversation_of_state",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "status", "active_at", "id"],
                name="conversation_of_status",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "source", "active_at", "id"],
                name="conversation_of_source",
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "connection", "active_at", "id"],
                name="conversation_of_connection",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "created_at", "id"],
                name="lead_by_created",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "updated_at", "id"],
                name="lead_by_updated",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "name_key", "id"],
                name="lead_by_name_key",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "company_key", "id"],
                name="lead_by_company_key",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "email_key", "id"],
                name="lead_by_email_key",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "stage", "id"],
                name="lead_by_stage",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "source", "id"],
                name="lead_by_source",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "rep_name", "id"],
                name="lead_by_rep_name",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "amount", "id"],
                name="lead_by_amount",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "score", "id"],
                name="lead_by_score",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "stage", "created_at", "id"],
                name="lead_of_stage",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "source", "created_at", "id"],
                name="lead_of_source",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "rep_id", "created_at", "id"],
                name="lead_of_rep",
            ),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("gone_at", None)),
                fields=["workspace", "connection", "created_at", "id"],
                name="lead_of_connection",
            ),
        ),
        migrations.RunPython(write_texts, migrations.RunPython.noop),
        migrations.RunPython(make, unmake),
    ]
