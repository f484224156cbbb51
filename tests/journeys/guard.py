"""What no page may ever do, watched in every browser story."""

from urllib.parse import urlsplit

WATCH = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""
# Chromium's line about a failed answer: the answers themselves are looked at instead.
ANSWER = "Failed to load resource: the server responded with a status of"


class Guard:
    """
    Watches contexts: a silent console, no CSP report, no other host, no dialog, no answer
    that the story did not expect (`expect(409)`).
    """

    def __init__(self, origin):
        self.host = urlsplit(origin).netloc
        self.contexts, self.found = [], []
        self.expected = set()
        self.dialogs_allowed = False

    def watch(self, context):
        context.add_init_script(WATCH)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.found.append(f"script: {error.error}"))
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("dialog", self._dialog)
        self.contexts.append(context)
        return context

    def expect(self, *statuses):
        """Answers that belong to this story."""
        self.expected.update(statuses)

    def check(self):
        """Fail with all that was seen."""
        for context in self.contexts:
            for page in context.pages:
                page.wait_for_timeout(1)  # hand over what is still queued
        assert not self.found, "\n".join(self.found)

    def _console(self, message):
        if message.type in ("error", "warning") and not message.text.startswith(ANSWER):
            self.found.append(f"console {message.type}: {message.text}")

    def _request(self, request):
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob", "about") and address.netloc != self.host:
            self.found.append(f"another host: {request.url}")

    def _response(self, response):
        if response.status >= 400 and response.status not in self.expected:
            self.found.append(f"{response.status} {response.request.method} {response.url}")

    def _dialog(self, dialog):
        if not self.dialogs_allowed:
            self.found.append(f"dialog {dialog.type}: {dialog.message}")
        dialog.accept()
