"""Store a provider's key for a workspace, sealed, after trying it."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.errors import PortalError
from portal.services import connections
from portal.services.workspaces import by_slug
from portal.vault.seal import Secret


class Command(BaseCommand):
    help = "Connect a workspace to a provider: try the key, store it sealed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("provider", choices=[p.slug for p in connections.providers()])
        parser.add_argument("--key-env", required=True, metavar="VAR")
        parser.add_argument("--label", default="")
        parser.add_argument("--webhook-secret-env", metavar="VAR")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = by_slug(options["slug"])
        if workspace is None:
            raise CommandError(f"There is no workspace {options['slug']}.")
        secret = options["webhook_secret_env"]
        try:
            connection, trial = connections.add(
                workspace,
                options["provider"],
                self._secret(options["key_env"]),
                label=options["label"],
                webhook_secret=self._secret(secret) if secret else None,
                actor=None,
            )
        except PortalError as error:
            raise CommandError(connections.sentence(error) + " Nothing was stored.") from error
        seen = "" if trial.total is None else f", {trial.total} {trial.kind}"
        self.stdout.write(f"Connected {connection} ({trial.seconds:.2f} s{seen}).")
        self.stdout.write(f"Webhook address: {connections.hook_address(connection)}")

    def _secret(self, variable: str) -> Secret:
        text = os.environ.get(variable, "").strip()
        if not text:
            raise CommandError(f"The variable {variable} is not set or empty.")
        return Secret(text)
