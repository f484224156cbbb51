"""Webhooks of the sandbox, brought to the portal by hand: in any order, as often as wanted."""

import pytest

from portal.sandbox.webhooks import signature
from portal.services import deliveries
from portal.services.applying import apply_due
from portal.vault import store as vault
from portal.vault.seal import Secret

SECRET = "whsec_of_the_tests"


class Postman:
    """
    Collects what the sandbox sends for a connection, and brings it when a test says so.

    `collected` are the sandbox's deliveries since the last time, `bring` gives some of them
    to the portal, `apply` does what a worker would.
    """

    def __init__(self, sandbox, connection, secret):
        self.sandbox, self.connection = sandbox, connection
        self.token = vault.hook_token_of(connection).reveal()
        self._secret, self._read = secret, 0
        sandbox.webhooks.hold()
        sandbox.webhook(connection.provider, "http://127.0.0.1:9/", secret=secret)
        self.collected()

    def collected(self):
        everything = [
            delivery
            for delivery in self.sandbox.webhooks.deliveries
            if delivery.endpoint.provider == self.connection.provider
        ]
        new, self._read = everything[self._read :], len(everything)
        return new

    def bring(self, sent):
        for delivery in sent:
            headers = {name.lower(): value for name, value in delivery.headers.items()}
            self.bring_body(delivery.body, headers)

    def bring_body(self, body, headers=None):
        headers = {"x-nexadesk-signature": signature(SECRET, body)} if headers is None else headers
        receipt = deliveries.receive(self.token, body, headers)
        assert receipt.answer == "stored", receipt
        return receipt

    def apply(self):
        self.sandbox.requests.clear()
        self.connection = vault.by_id(self.connection.pk)
        return apply_due(self.connection)

    def deliver(self):
        """Bring all that was sent since the last time, and apply it."""
        self.bring(self.collected())
        return self.apply()


@pytest.fixture
def postman(sandbox):
    def employ(connection):
        secret = SECRET if connection.provider == "nexadesk" else ""
        if secret:
            vault.replace_webhook_secret(connection, Secret(secret))
        return Postman(sandbox, connection, secret)

    return employ
