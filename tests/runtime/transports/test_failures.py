"""How far a request came when it failed, and what a failure does not tell (rules A11, E1)."""

from __future__ import annotations

import contextlib
import pickle
import socket
import traceback
from collections.abc import Callable, Iterator

import pytest
from scenes import nobody
from wire import Answer, http, serve
from worlds import HEADERS, TOKEN, World

from twirpkit.transports.base import Phase, TransportFailure


@contextlib.contextmanager
def no_name() -> Iterator[str]:
    yield "http://name.invalid/x"


@contextlib.contextmanager
def bad_name() -> Iterator[str]:
    yield f"http://{'a' * 64}.invalid/x"


@contextlib.contextmanager
def no_tls() -> Iterator[str]:
    with serve(Answer(b"")) as server:
        yield server.url.replace("http:", "https:")


@contextlib.contextmanager
def plain_talk() -> Iterator[str]:
    """Answers a TLS hello in plain HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        import threading

        def talk() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(10)
                    connection.sendall(http(b"plain"))
                    while connection.recv(65536):
                        pass

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"


def scripted(answer: Answer) -> Callable[[], contextlib.AbstractContextManager[str]]:
    @contextlib.contextmanager
    def run() -> Iterator[str]:
        with serve(answer) as server:
            yield server.url + "/twirp/a.B/C"

    return run


FAILURES: dict[str, tuple[Callable[[], contextlib.AbstractContextManager[str]], Phase, type[BaseException] | None]] = {
    "refused": (nobody, Phase.NOT_SENT, ConnectionRefusedError),
    "no such name": (no_name, Phase.NOT_SENT, OSError),
    "a name that cannot be": (bad_name, Phase.NOT_SENT, None),
    "plain where TLS should be": (plain_talk, Phase.NOT_SENT, OSError),
    "closed at once": (scripted(Answer(b"")), Phase.NO_ANSWER, None),
    "reset at once": (scripted(Answer(b"", "reset")), Phase.NO_ANSWER, ConnectionResetError),
    "cut in the header": (scripted(Answer(b"HTTP/1.1 200 OK\r\nX")), Phase.CUT, None),
    "reset in the header": (
        scripted(Answer(b"HTTP/1.1 200 OK\r\nX", "reset")),
        Phase.CUT,
        ConnectionResetError,
    ),
    "no HTTP": (scripted(Answer(b"hello\r\n\r\n")), Phase.CUT, None),
    "two lengths": (
        scripted(Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi")),
        Phase.CUT,
        None,
    ),
    "gzip, chunked": (scripted(Answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n")), Phase.CUT, None),
    "too late": (scripted(Answer(b"", "hold")), Phase.NO_ANSWER, None),
    "too late in a body": (
        scripted(Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "hold")),
        Phase.CUT,
        None,
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure(world: World, name: str) -> None:
    scene, phase, cause = FAILURES[name]
    with scene() as url:
        failed = world.fail(url, timeout=0.2 if name.startswith("too late") else 5)
    assert failed.phase is phase
    assert failed.timed_out == name.startswith("too late")
    assert isinstance(failed.cause, cause) if cause else failed.cause is None
    assert failed.reason
    assert "\n" not in failed.reason
    if phase is Phase.NOT_SENT:
        assert "could not connect to" in failed.reason
        assert url.split("/")[2] in failed.reason
    _tells_nothing(failed)


def _tells_nothing(failed: TransportFailure) -> None:
    """No exception of a library, and no secret, can be reached from it."""
    seen: list[BaseException] = []
    pending: list[BaseException | None] = [failed]
    while pending:
        error = pending.pop()
        if error is not None:
            seen.append(error)
            pending += [error.__cause__, error.__context__]
    assert failed.__context__ is None
    assert len(seen) <= 2
    for error in seen:
        assert type(error) is TransportFailure or type(error).__module__ in ("builtins", "socket", "ssl")
        assert error is failed or error.__traceback__ is None
        for text in (repr(error), str(error), repr(vars(error)), repr(error.args)):
            assert TOKEN not in text
            assert "Bearer" not in text
        for value in vars(error).values():
            assert isinstance(value, (str, bool, Phase, int, type(None)))
    # What a crash reporter prints of the frames: our own objects, which hide their headers.
    report = traceback.TracebackException.from_exception(failed, capture_locals=True)
    own = [frame for frame in report.stack if "twirpkit" in frame.filename]
    assert own
    for frame in own:
        assert TOKEN not in repr(frame.locals), frame


def test_the_cause_is_a_copy(world: World) -> None:
    with nobody() as url:
        failed = world.fail(url)
    cause = failed.cause
    assert type(cause) is ConnectionRefusedError
    assert cause.errno
    assert cause.strerror
    assert cause.strerror in failed.reason
    assert pickle.loads(pickle.dumps(cause)).errno == cause.errno


def test_in_an_except_block_the_callers_context_stays_the_callers(world: World) -> None:
    def call(url: str) -> None:
        try:
            raise KeyError("the caller's")
        except KeyError:
            world.send(url)

    with nobody() as url, pytest.raises(TransportFailure) as caught:
        call(url)
    assert type(caught.value.__context__) in (KeyError, type(None))


def test_an_early_answer_to_a_large_message(world: World) -> None:
    """A server may answer by the header alone and hang up; what then arrives is the race of TCP, never a success."""
    with serve(Answer(http(b"too large", status="413 Too Large"), early=True)) as server:
        got = world.send(server.url, body=bytes(5_000_000))
    if isinstance(got, TransportFailure):
        assert got.phase is not Phase.NOT_SENT
    else:
        assert got.status == 413


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE", "HEAD"])
@pytest.mark.parametrize("then", ["close", "reset"])
def test_a_request_is_never_sent_twice(world: World, method: str, then: str) -> None:
    """The kept connection dies under the second request: no library may try it again by itself."""
    with serve(http(b"" if method == "HEAD" else b"one"), Answer(b"", then), http(b"again")) as server:
        world.send(server.url, method=method)
        failed = world.fail(server.url, method=method)
        assert (failed.phase, failed.reason) == (Phase.STALE, "the connection was closed before an answer")
        assert len(server.requests) == 2
    assert server.connections == 1


def test_a_failure_does_not_spoil_the_next_request(world: World) -> None:
    with serve(Answer(b""), Answer(b"junk"), Answer(b"HTTP/1.1 200 OK\r\n"), http(b"well"), http(b"well")) as server:
        for _ in range(3):
            world.fail(server.url)
        for _ in range(2):
            assert world.send(server.url, headers=HEADERS).body == b"well"
    assert server.connections == 4
