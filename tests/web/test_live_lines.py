"""A browser's line, taken over from the server: whole answers, or none that could be mistaken."""

import socket

import pytest

from portal.live import stream
from portal.live.events import Ending
from portal.live.line import Line
from portal.live.store import News


@pytest.fixture
def ends():
    """The server's end of a connection, and the browser's."""
    theirs, browsers = socket.socketpair()
    browsers.settimeout(2)
    yield theirs, browsers
    theirs.close()
    browsers.close()


def heard(browsers):
    said = b""
    while piece := browsers.recv(65536):
        said += piece
    return said


@pytest.mark.parametrize(
    ("chunked", "bytes_said"), [(True, b"4\r\nhi\n\n\r\n0\r\n\r\n"), (False, b"hi\n\n")]
)
def test_what_the_server_still_does_goes_nowhere(ends, chunked, bytes_said):
    theirs, browsers = ends
    line = Line(theirs, chunked=chunked)
    assert line.take()
    with pytest.raises(BrokenPipeError):  # gunicorn ends its part of it then, without a word
        theirs.sendall(b"0\r\n\r\n")
    theirs.shutdown(socket.SHUT_WR)
    theirs.close()

    line.say("hi\n\n")
    assert not line.hung_up()
    line.end()

    assert heard(browsers) == bytes_said


def test_a_browser_that_reads_nothing_is_not_waited_for(ends):
    theirs, browsers = ends
    line = Line(theirs, chunked=True)
    line.take()
    for _ in range(1000):
        line.say("x" * 10_000)
    assert line.hung_up()
    assert not heard(browsers).endswith(b"0\r\n\r\n")  # cut off, not ended: it comes back


def test_a_browser_that_left_is_noticed_before_and_after(ends):
    theirs, browsers = ends
    line = Line(theirs, chunked=True)
    assert not line.hung_up()
    line.take()
    assert not line.hung_up()
    browsers.close()
    assert line.hung_up()


def test_without_another_file_the_line_stays_with_the_server(ends, monkeypatch):
    theirs, browsers = ends
    monkeypatch.setattr(socket, "socketpair", lambda: (_ for _ in ()).throw(OSError("too many")))
    line = Line(theirs, chunked=True)
    assert not line.take()
    assert not line.taken
    theirs.sendall(b"still the server's")
    assert browsers.recv(100) == b"still the server's"


@pytest.fixture
def page(ends, monkeypatch):
    """A page's stream that the server has just begun to send, and the browser's end."""
    monkeypatch.setattr(stream.hub, "takes_lines", True)
    theirs, browsers = ends
    who = stream.Listener(1, 1, 1, "session", "password")
    return stream.Stream(who, 5, Line(theirs, chunked=False)), browsers


def test_what_was_told_before_the_line_was_taken_is_said_first(page):
    one, browsers = page
    one.tell(News(6, (("leads", 7),)))
    assert list(one) == []  # nothing is left to the server's thread
    one.close()  # the server is done with it: the stream is not
    one.tell(News(7, ()))
    one.tell(Ending.OUT)

    said = heard(browsers).decode().split("\n\n")

    assert [event.split("\n")[0] for event in said] == ["id: 6", "id: 7", "event: bye", ""]
    assert one.number == 7


def test_a_taken_line_shows_that_it_is_alive(page, monkeypatch):
    one, browsers = page
    assert list(one) == []
    one.beat()  # it spoke just now
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.0)
    one.beat()
    one.tell(Ending.AGAIN)

    assert heard(browsers) == (b": here\nevent: beat\ndata: 5\n\nevent: bye\ndata: again\n\n")


def test_a_server_that_lends_no_lines_sends_it_itself(page, monkeypatch):
    one, _ = page
    monkeypatch.setattr(stream.hub, "takes_lines", False)
    one.tell(Ending.OUT)
    assert list(one) == ["event: bye\ndata: out\n\n"]
