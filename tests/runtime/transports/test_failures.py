"""How far a request came when it failed, and what a failure does not tell (rules A11, E1)."""

from __future__ import annotations

import contextlib
import pickle
import socket
from collections.abc import Callable, Iterator

import pytest
from byte_server import Canned, http, serve
from unreachable_addresses import refusing_port
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
    with serve(Canned(b"")) as server:
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


def scripted(answer: Canned) -> Callable[[], contextlib.AbstractContextManager[str]]:
    @contextlib.contextmanager
    def run() -> Iterator[str]:
        with serve(answer) as server:
            yield server.url + "/twirp/a.B/C"

    return run


FAILURES: dict[str, tuple[Callable[[], contextlib.AbstractContextManager[str]], Phase, type[BaseException] | None]] = {
    "refused": (refusing_port, Phase.NOT_SENT, ConnectionRefusedError),
    "no such name": (no_name, Phase.NOT_SENT, OSError),
    "a name that cannot be": (bad_name, Phase.NOT_SENT, OSError),
    "plain where TLS should be": (plain_talk, Phase.NOT_SENT, OSError),
    "closed at once": (scripted(Canned(b"")), Phase.NO_ANSWER, None),
    "reset at once": (scripted(Canned(b"", "reset")), Phase.NO_ANSWER, ConnectionResetError),
    "cut in the header": (scripted(Canned(b"HTTP/1.1 200 OK\r\nX")), Phase.CUT, None),
    "reset in the header": (
        scripted(Canned(b"HTTP/1.1 200 OK\r\nX", "reset")),
        Phase.CUT,
        ConnectionResetError,
    ),
    "no HTTP": (scripted(Canned(b"hello\r\n\r\n")), Phase.CUT, None),
    "two lengths": (
        scripted(Canned(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi")),
        Phase.CUT,
        None,
    ),
    "gzip, chunked": (scripted(Canned(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n")), Phase.CUT, None),
    "too late": (scripted(Canned(b"", "hold")), Phase.NO_ANSWER, None),
    "too late in a body": (
        scripted(Canned(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "hold")),
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
    texts = [repr(failed), failed.reason]
    if failed.cause is not None:
        assert type(failed.cause).__module__ in ("builtins", "socket", "ssl")
        assert (failed.cause.__cause__, failed.cause.__context__, failed.cause.__traceback__) == (None, None, None)
        texts += [repr(failed.cause), str(failed.cause), repr(vars(failed.cause)), repr(failed.cause.args)]
        assert all(isinstance(value, str | int | None) for value in vars(failed.cause).values())
    for text in texts:
        assert TOKEN not in text
        assert "Bearer" not in text


def test_the_cause_is_a_copy(world: World) -> None:
    with refusing_port() as url:
        failed = world.fail(url)
    cause = failed.cause
    assert type(cause) is ConnectionRefusedError
    assert cause.errno
    assert cause.strerror
    assert cause.strerror in failed.reason
    assert pickle.loads(pickle.dumps(cause)).errno == cause.errno


def test_an_early_answer_to_a_large_message(world: World) -> None:
    """A server may answer by the header alone and hang up; what then arrives is the race of TCP, never a success."""
    with serve(Canned(http(b"too large", status="413 Too Large"), early=True)) as server:
        got = world.send(server.url, body=bytes(5_000_000))
    if isinstance(got, TransportFailure):
        assert got.phase is not Phase.NOT_SENT
    else:
        assert got.status == 413


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE", "HEAD"])
@pytest.mark.parametrize("then", ["close", "reset"])
def test_a_request_is_never_sent_twice(world: World, method: str, then: str) -> None:
    """The kept connection dies under the second request: no library may try it again by itself."""
    with serve(http(b"" if method == "HEAD" else b"one"), Canned(b"", then), http(b"again")) as server:
        world.send(server.url, method=method)
        failed = world.fail(server.url, method=method)
        assert (failed.phase, failed.reason) == (Phase.STALE, "the connection was closed before a response")
        assert len(server.requests) == 2
    assert server.connections == 1


def test_a_failure_does_not_spoil_the_next_request(world: World) -> None:
    with serve(
        Canned(b""),
        Canned(b"junk"),
        Canned(b"HTTP/1.1 200 OK\r\n"),
        http(b"well"),
        http(b"well"),
    ) as server:
        for _ in range(3):
            world.fail(server.url)
        for _ in range(2):
            assert world.send(server.url, headers=HEADERS).body == b"well"
    assert server.connections == 4
