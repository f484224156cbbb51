"""
A key that syncs beside the pages, in a process of its own, as the worker does it.

    python -m bench.syncing     # "on" and "off" by standard input, until it ends

Brings new leads at the pace the API can: a page of 100 each 0.6 s.
"""

import os
import sys
import threading


def main() -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "bench.settings", "PORTAL_DEMO": "1"}
    import django

    django.setup()
    from bench.ingest import keep_pages

    on, ended = threading.Event(), threading.Event()

    def listen() -> None:
        for line in sys.stdin:
            (on.set if line.strip() == "on" else on.clear)()
        ended.set()
        on.set()

    threading.Thread(target=listen, daemon=True).start()
    while not ended.is_set():
        on.wait()
        for _page in keep_pages("meanwhile-ingest"):
            if ended.is_set() or not on.is_set():
                break


if __name__ == "__main__":
    main()
