"""
Many arrivals, one commit: a thread per process stores what came in meanwhile together.

Each commit waits for the disk. A hundred deliveries a second would be a hundred waits, and a
hundred writers in each other's way; so the requests hand over what they hold, and each is told
when the transaction that holds its delivery is on the disk. Nothing is acknowledged before.
"""

import os
import threading
from concurrent.futures import Future
from queue import Empty, SimpleQueue

from django.db import connection

from portal.deliveries import store
from portal.deliveries.store import Arrival

WAIT_SECONDS = 10.0
# How long the thread keeps its connection to the database when nothing comes.
IDLE_SECONDS = 2.0
_MOST_AT_ONCE = 200

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
            store.keep([arrival for arrival, _ in batch])
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
