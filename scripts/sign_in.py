"""Wait for `make run`'s address in a log, sign in with what it printed, look for leads."""

import re
import sys
import time
from pathlib import Path

import httpx

PATIENCE_SECONDS = 180
WANTED = ("Address", "E-mail", "Password")


def printed(log: Path, deadline: float) -> dict[str, str]:
    """What the demo printed: address, e-mail and password."""
    while time.monotonic() < deadline:
        text = log.read_text(errors="replace") if log.exists() else ""
        found = {n: m[1] for n in WANTED if (m := re.search(rf"{n}:\s+(\S+)", text))}
        if len(found) == len(WANTED):
            return found
        time.sleep(0.5)
    sys.exit("no address was printed in time")


def main() -> None:
    began = time.monotonic()
    told = printed(Path(sys.argv[1]), began + PATIENCE_SECONDS)
    with httpx.Client(base_url=told["Address"], follow_redirects=True, timeout=20) as browser:
        login = browser.get("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', login.text)
        assert token, "the sign-in form has no token"
        form = {"login": told["E-mail"], "password": told["Password"]}
        form["csrfmiddlewaretoken"] = token[1]
        home = browser.post("/accounts/login/", data=form)
        assert "/w/demo/" in str(home.url), f"signed in, but landed at {home.url}"
        while "1,204" not in (page := browser.get("/w/demo/leads/")).text:
            assert page.status_code == 200, page.status_code
            assert time.monotonic() < began + PATIENCE_SECONDS, "the leads did not come in time"
            time.sleep(1)
    print(f"make run: signed in and saw 1,204 leads after {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
