"""
Many arrivals, one commit: a thread per process stores what came in meanwhile together.

Each commit waits for the disk. A hundred deliveries a second would be a hundred waits, and a
hundred writers in each other's way; so the requests hand over what they hold, and each is told
when the transaction that holds its delivery is on the disk. Nothing is acknowledged before.
"""

import os
import threading
import time
from concurrent.futures import Future
from queue import Empty, SimpleQueue

from django.db import OperationalError, connection

from portal.deliveries import store
from portal.deliveries.store import Arrival

WAIT_SECONDS = 10.0
# How long the thread keeps its connection to the database when nothing comes.
IDLE_SECONDS = 2.0
_MOST_AT_ONCE = 200
# How soon to look again whether the database is free.
AGAIN_SECONDS = 0.003

type _Handed = tuple[Arrival, "Future[None]"]


class _Writer:
    """The queue of this process and the thread that empties it."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self._queue: SimpleQueue[_Handed] = SimpleQueue()
        threading.Thread(target=self._run, name="deliveries", daemon=True).start()

    def hand_over(self, arrival: Arrival) -> "Future[None]":
        """Committed, or failed, when the future says so."""
        done: Future[None] = Future()
        self._queue.put((arrival, done))
        return done

    def _run(self) -> None:
        while True:
            try:
                batch = [self._queue.get(timeout=IDLE_SECONDS)]
            except Empty:
                connection.close()
                batch = [self._queue.get()]
            while len(batch) < _MOST_AT_ONCE and not self._queue.empty():
                batch.append(self._queue.get())
            self._store(batch)

    def _store(self, batch: list[_Handed]) -> None:
        try:
            _keep_as_soon_as_free([arrival for arrival, _ in batch])
        except Exception as error:
            # Told to those who wait; the thread must live.
            connection.close()
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            # One of them may be the reason: each gets its own transaction.
            for handed in batch:
                self._store([handed])
        else:
            for _, done in batch:
                done.set_result(None)


def _keep_as_soon_as_free(arrivals: list[Arrival]) -> None:
    """
    SQLite lets one write at a time. Who waits for it in SQLite's own way looks after 100 ms in
    the end, and always finds others there first; we look again at once.
    """
    if connection.vendor != "sqlite":
        store.keep(arrivals)
        return
    if connection.connection is None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 0")
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            store.keep(arrivals)
        except OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(AGAIN_SECONDS)
        else:
            return


_lock = threading.Lock()
_writer: _Writer | None = None


def keep(arrival: Arrival) -> None:
    """
    Store one arrival; return once it is committed.

    Inside a transaction it becomes part of it. Raises `DatabaseError`, or `TimeoutError` if
    the database was busy for too long: then nobody knows, and nothing may be acknowledged.
    """
    if connection.in_atomic_block:
        store.keep([arrival])
    else:
        _running().hand_over(arrival).result(WAIT_SECONDS)


def _running() -> _Writer:
    """This process's writer. A forked process makes its own: threads do not survive a fork."""
    global _writer  # noqa: PLW0603 - one per process is the point
    with _lock:
        if _writer is None or _writer.process != os.getpid():
            _writer = _Writer()
        return _writer
