"""A workspace and its owner, for scripts."""

import os
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email, validate_slug

from portal.services.workspaces import SlugTaken, create_workspace


class Command(BaseCommand):
    help = "Make a workspace and its owner. A known e-mail keeps its password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the workspace's part of the address: /w/SLUG/")
        parser.add_argument("--name", required=True)
        parser.add_argument("--owner", required=True, metavar="EMAIL")
        parser.add_argument(
            "--password-env", metavar="VAR", help="the variable that holds the owner's password"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            validate_slug(options["slug"])
            validate_email(options["owner"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        try:
            workspace = create_workspace(
                options["slug"],
                name=options["name"],
                owner_email=options["owner"],
                password=self._password(options["password_env"]),
            )
        except SlugTaken as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Made workspace {workspace.slug}, owned by {options['owner']}.")

    def _password(self, variable: str | None) -> str | None:
        if variable is None:
            return None
        password = os.environ.get(variable, "")
        if not password:
            raise CommandError(f"The variable {variable} is not set or empty.")
        return password
