"""How long something took, without the moments in which a busy machine let nobody here run."""

import time
from contextlib import contextmanager
from threading import Event, Thread

NAP, ON_TIME = 0.005, 0.02


class Stopwatch:
    """
    `took()`: the seconds since it was started that were ours.

    A thread takes naps all the while. How late it wakes is how long this process had to wait
    for the machine, and that says nothing about what is measured.
    """

    def __init__(self) -> None:
        self._began, self._lost, self._over = time.monotonic(), 0.0, Event()
        self._napper = Thread(target=self._nap, daemon=True)
        self._napper.start()

    def __call__(self) -> float:
        return self.by_the_clock() - self._lost

    def by_the_clock(self) -> float:
        """All seconds: what must not end too soon is measured with these."""
        return time.monotonic() - self._began

    def stop(self) -> None:
        self._over.set()
        self._napper.join()

    def _nap(self) -> None:
        while not self._over.is_set():
            slept_at = time.monotonic()
            time.sleep(NAP)
            late = time.monotonic() - slept_at - NAP
            self._lost += late if late > ON_TIME else 0.0


@contextmanager
def stopwatch():
    """`with stopwatch() as took: ...; assert took() < 2`."""
    took = Stopwatch()
    try:
        yield took
    finally:
        took.stop()
