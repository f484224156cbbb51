"""The chain of the log, made of the entries there are; people and batches leave their ids in it."""

import django.db.models.deletion
import portal.fields
from django.conf import settings
from django.db import migrations, models

from portal.audit import chain


def make_chains(apps, schema_editor):
    """Every entry in the order it was written, opened and, if it ended, ended."""
    entries = apps.get_model("portal", "Entry").objects.order_by("workspace_id", "pk")
    link_model, chain_model = apps.get_model("portal", "Link"), apps.get_model("portal", "Chain")
    workspace_id, number, digest, links = None, 0, "", []

    def close():
        link_model.objects.bulk_create(links)
        links.clear()
        if workspace_id is not None:
            chain_model.objects.update_or_create(
                workspace_id=workspace_id, defaults={"number": number, "digest": digest}
            )

    for entry in entries.iterator(chunk_size=500):
        if entry.workspace_id != workspace_id:
            close()
            workspace_id, number, digest = entry.workspace_id, 0, ""
        # What is not confirmed may end again: its ending is a link of its own.
        unsure = entry.outcome in ("pending", "unknown")
        number += 1
        image = chain.image(entry) | ({} if unsure else chain.ending(entry))
        link = link_model(
            workspace_id=workspace_id,
            number=number,
            what="opened" if unsure else "noted",
            first=entry.pk,
            last=entry.pk,
            previous=digest,
        )
        digest = link.digest = chain.digest_of(link, [image])
        links.append(link)
        if entry.outcome == "unknown":
            number += 1
            link = link_model(
                workspace_id=workspace_id,
                number=number,
                what="ended",
                first=entry.pk,
                last=entry.pk,
                told=chain.ending(entry),
                previous=digest,
            )
            digest = link.digest = chain.digest_of(link, [])
            links.append(link)
        if len(links) >= 500:
            close()
    close()


def forget_the_gone(apps, schema_editor):
    """Before ids are references again: those that lead nowhere."""
    entries = apps.get_model("portal", "Entry").objects
    users, batches = apps.get_model("portal", "User"), apps.get_model("portal", "Batch")
    strangers = entries.filter(actor_id__isnull=False)
    strangers.exclude(actor_id__in=users.objects.values("pk")).update(actor_id=None)
    strays = entries.filter(batch_id__isnull=False)
    strays.exclude(batch_id__in=batches.objects.values("pk")).update(batch_id=None)
    if schema_editor.connection.vendor == "postgresql":
        # A table with checks that wait for the end cannot be altered.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        schema_editor.execute("SET CONSTRAINTS ALL DEFERRED")


class Migration(migrations.Migration):
    dependencies = [("portal", "0005_writes")]

    operations = [
        migrations.CreateModel(
            name="Chain",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.BigIntegerField(default=0)),
                ("digest", models.CharField(blank=True, max_length=64)),
                ("anchor_number", models.BigIntegerField(default=0)),
                ("anchor_digest", models.CharField(blank=True, max_length=64)),
                (
                    "workspace",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="portal.workspace",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Link",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.BigIntegerField()),
                (
                    "what",
                    models.CharField(
                        choices=[("opened", "opened"), ("ended", "ended"), ("noted", "noted")],
                        max_length=6,
                    ),
                ),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                ("told", portal.fields.RawField(default=None, null=True)),
                ("previous", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64)),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="portal.workspace",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["workspace", "last", "number"], name="audit_link_of")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("workspace", "number"), name="one_link_per_number"
                    )
                ],
            },
        ),
        migrations.AlterField(
            model_name="entry",
            name="actor",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="entry",
            name="batch",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="portal.batch",
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["workspace", "-id"], name="audit_order"),
        ),
        migrations.RunPython(make_chains, forget_the_gone),
    ]
