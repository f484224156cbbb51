"""
The streams of open pages. One thread per process looks for news and for people who may not
listen any more, and feeds every stream of the process; a stream that waits holds no database
connection, and a thread of the server only where its line cannot be taken over (`line.py`).
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connections
from django.utils import timezone

from portal.live import store
from portal.live.events import Ending, event
from portal.live.line import Line
from portal.live.store import News
from portal.team.models import Membership

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
BEAT_SECONDS = 15.0
# A stream ends by itself after this long, so that pages spread over the processes again.
LONGEST_SECONDS = 600.0
# Where each stream holds a thread of the server, pages must still find one.
HOLDING_THREADS = 24


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens, where, and by what right. `password` is its hash: a new one ends the stream."""

    workspace_id: int
    member_id: int
    user_id: int
    session_key: str
    password: str = field(repr=False)


@dataclass(eq=False, slots=True)
class Stream:
    """
    One page's stream. `number` is what the page knows, `line` the browser's connection if the
    server shows it.

    An iterator of the texts that the server's thread sends; where the line can be taken over
    it ends at once, and what is told goes to the browser from here.
    """

    listener: Listener
    number: int
    line: Line | None = None
    since: float = field(default_factory=time.monotonic)
    _waiting: SimpleQueue[News | Ending] = field(default_factory=SimpleQueue)
    _hand_over: Lock = field(default_factory=Lock)
    _spoken: float = field(default_factory=time.monotonic)
    _ended: bool = False

    def tell(self, said: News | Ending) -> None:
        with self._hand_over:
            if isinstance(said, News):
                self.number = said.number
            if self.line is not None and self.line.taken:
                self._say(said)
            else:
                self._waiting.put(said)

    def beat(self) -> None:
        """Show that we are alive, if nothing was said for long; a waiting thread does it itself."""
        with self._hand_over:
            taken = self.line is not None and self.line.taken
            if taken and time.monotonic() - self._spoken >= BEAT_SECONDS:
                self._say(None)

    def hung_up(self) -> bool:
        with self._hand_over:
            return self.line is not None and self.line.hung_up()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._ended or self._taken_over():
            raise StopIteration
        _let_go_of_the_database()
        try:
            said = self._waiting.get(timeout=BEAT_SECONDS)
        except Empty:
            return event(None, self.number)
        self._ended = isinstance(said, Ending)
        return event(said, self.number)

    def close(self) -> None:
        """The server is done with its answer."""
        if self.line is None or not self.line.taken:
            self._ended = True
            hub.leave(self)

    def _taken_over(self) -> bool:
        """Take the line from the server, where that is possible, and say what has waited."""
        with self._hand_over:
            if self.line is None or not hub.takes_lines or not self.line.take():
                return False
            while not self._waiting.empty():
                self._say(self._waiting.get())
        return True

    def _say(self, said: News | Ending | None) -> None:
        assert self.line is not None
        self._spoken = time.monotonic()
        self.line.say(event(said, self.number))
        if isinstance(said, Ending):
            self.line.end()


class Hub:
    """
    All streams of this process, and the thread that feeds them while there are any.

    `serving` tells whether the server goes on, `takes_lines` whether its sockets are plain
    HTTP/1 ones that a stream may take over; `gunicorn.conf.py` sets both.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._streams: list[Stream] = []
        self._thread: Thread | None = None
        self.serving: Callable[[], bool] = lambda: True
        self.takes_lines = False

    def __len__(self) -> int:
        return len(self._streams)

    def join(self, stream: Stream) -> bool:
        """
        Feed this stream from now on; False if the process has no room for it.

        Of a person's streams the newest stay: the oldest ones mostly belong to pages that
        are left already.
        """
        with self._lock:
            who = stream.listener.user_id
            own = [s for s in self._streams if s.listener.user_id == who]
            leaving = own[: max(0, len(own) + 1 - settings.LIVE_STREAMS_PER_PERSON)]
            for older in leaving:
                self._streams.remove(older)
                older.tell(Ending.FULL)
            if len(self._streams) >= self._room():
                return False
            self._streams.append(stream)
            if self._thread is None:
                self._thread = Thread(target=self._feed, name="live", daemon=True)
                self._thread.start()
        return True

    def leave(self, stream: Stream) -> None:
        with self._lock:
            if stream in self._streams:
                self._streams.remove(stream)

    def end_all(self) -> None:
        """All pages come back at once, with their numbers: nothing is missed."""
        with self._lock:
            leaving, self._streams, self._thread = self._streams, [], None
        for stream in leaving:
            stream.tell(Ending.AGAIN)

    def _room(self) -> int:
        most = settings.LIVE_STREAMS_PER_PROCESS
        return most if self.takes_lines else min(most, HOLDING_THREADS)

    def _feed(self) -> None:
        """Look, tell, sleep; end with the last stream, or all streams with an error."""
        try:
            while streams := self._listening():
                self._round(streams)
                time.sleep(LOOK_SECONDS)
        except Exception:
            log.exception("Looking for news failed: all streams are ended")
            self.end_all()
        finally:
            connections.close_all()

    def _listening(self) -> list[Stream]:
        """The streams now; with none of them the thread is gone the same moment."""
        with self._lock:
            if not self._streams:
                self._thread = None
            return list(self._streams)

    def _round(self, streams: list[Stream]) -> None:
        allowed = still_allowed({stream.listener for stream in streams})
        for stream in streams:
            ending = self._ending(stream, allowed)
            if ending:
                self.leave(stream)
                stream.tell(ending)
            else:
                stream.beat()
        tell_news(stream for stream in streams if stream.listener in allowed)

    def _ending(self, stream: Stream, allowed: Collection[Listener]) -> Ending | None:
        if stream.listener not in allowed:
            return Ending.OUT
        if stream.hung_up():
            return Ending.HUNG_UP
        late = time.monotonic() - stream.since > LONGEST_SECONDS
        return Ending.AGAIN if late or not self.serving() else None


def still_allowed(listeners: Collection[Listener]) -> set[Listener]:
    """Those who are members, active and signed in with the same password as at the start."""
    members = Membership.objects.filter(
        pk__in={listener.member_id for listener in listeners}, user__is_active=True
    )
    passwords = {
        (pk, workspace_id, user_id): password
        for pk, workspace_id, user_id, password in members.values_list(
            "pk", "workspace_id", "user_id", "user__password"
        )
    }
    keys = {listener.session_key for listener in listeners}
    alive = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    sessions = set(alive.values_list("session_key", flat=True))
    return {
        who
        for who in listeners
        if passwords.get((who.member_id, who.workspace_id, who.user_id)) == who.password
        and who.session_key in sessions
    }


def tell_news(streams: Iterable[Stream]) -> None:
    """Tell each stream what is new since its number: one look per workspace and number."""
    groups: dict[tuple[int, int], list[Stream]] = defaultdict(list)
    for stream in streams:
        groups[stream.listener.workspace_id, stream.number].append(stream)
    numbers = store.versions({workspace_id for workspace_id, _ in groups})
    for (workspace_id, number), group in groups.items():
        now = numbers.get(workspace_id, 0)
        if now == number:
            continue
        news = store.since(workspace_id, number, now=now)
        for stream in group:
            stream.tell(news)


def _let_go_of_the_database() -> None:
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


hub = Hub()
