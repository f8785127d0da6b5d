"""Both clients against each behaviour: the outcome is one of ours, and the ledger explains it.

The RPC is of class "never", so that one call is one request and the outcome is that of the behaviour.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_transport import Opened, failure_of, open_livekit

from livekit_twirp import AsyncLiveKitAPI, ForwardParticipantResponse, ListRoomsResponse, LiveKitAPI, Room
from twirpkit import DeadlineExceededError, DecodeError, ResourceExhaustedError, RetryClass, TransportError, TwirpError
from twirpkit.client import AsyncClient
from twirpkit.testing import (
    Behaviour,
    Close,
    Outcomes,
    Reset,
    ScriptedResponse,
    ScriptedServer,
    Send,
    black_hole,
    break_off,
    check,
    compressed_bomb,
    cut,
    drip,
    endless_chunks,
    error,
    framing_faults,
    hang,
    http,
    identity_bomb,
    keep_alive_race,
    many_headers,
    reply,
    respond,
    respond_early,
    retry_after,
    sequence,
)

ID = "X-Livekit-Request-Id"
ROOM = ListRoomsResponse(rooms=[Room(name="standup")])
OK = reply(ForwardParticipantResponse())
FULL = reply(b"\xa2\x06\x03abc")  # a field that the message does not know, so that there is something to cut
PEM = Path(__file__).parents[1] / "transports" / "localhost.pem"


@contextlib.contextmanager
def opened(kind: str, url: str) -> Iterator[Opened]:
    client = open_livekit(kind, url=url, transport=None)
    try:
        yield client
    finally:
        client.end()


def settled(server: ScriptedServer, client: Opened) -> None:
    """Wait until the server has ended what its script ends, and let the client's loop see it."""
    server.ledger.settle()
    if isinstance(client.client, AsyncClient):
        client.wait(_look_around())


async def _look_around() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def forward(client: Opened, call: str, outcomes: Outcomes, timeout: float = 5) -> object:
    """Make a call of class "never"; its message or its error."""
    options = {"timeout": timeout, "extra_headers": {ID: call}}
    try:
        made = client.room("forward_participant", room="a", identity="b", destination_room="c", **options)
    except TwirpError as failed:
        outcomes.failure(call, RetryClass.NEVER, failed)
        return failed
    outcomes.success(call, RetryClass.NEVER, made)
    return made


SUCCESSES: dict[str, Behaviour] = {
    "an answer": OK,
    "an unknown field": FULL,
    "gzip": reply(b"", encoding="gzip"),
    "deflate in chunks": reply(b"", encoding="deflate", chunks=3),
    "after interim answers": reply(b"", interim=[100, 103, 103]),
    "a slow one": drip(OK, 0.0005),
    "one that closes": (*respond(OK), Close()),
    "300 header lines": many_headers(300),
}
FAILURES: dict[str, tuple[Behaviour, type[TwirpError], str]] = {
    "reset before execution": (break_off(), TransportError, "maybe"),
    "reset after execution": (break_off(executed=True), TransportError, "maybe"),
    "closed": (break_off(reset=False), TransportError, "maybe"),
    "cut in the header": (cut(OK, 20), TransportError, "maybe"),
    "cut before the blank line": (cut(OK, OK.head_length - 2), TransportError, "maybe"),
    "cut after the header": (cut(FULL, FULL.head_length), TransportError, "maybe"),
    "cut by one byte": (cut(FULL, len(FULL) - 1), TransportError, "maybe"),
    "a cut error": (cut(error("not_found"), len(error("not_found")) - 3, executed=False), TwirpError, "yes"),
    "hang": (hang(), DeadlineExceededError, "maybe"),
    "hang before reading": (hang(read=False), DeadlineExceededError, "maybe"),
    "hang after the header": (hang(FULL, FULL.head_length), DeadlineExceededError, "maybe"),
    "a dripping header": (drip(OK, 0.1), DeadlineExceededError, "maybe"),
    "a dripping body": (drip(FULL, 0.1, start=FULL.head_length), DeadlineExceededError, "maybe"),
    "slow down": (error("resource_exhausted", headers=retry_after(1)), ResourceExhaustedError, "yes"),
    "an early refusal": (respond_early(error("resource_exhausted")), ResourceExhaustedError, "yes"),
    "a redirect": (http(302, headers={"Location": "/else"}), TwirpError, "yes"),
    "another type": (reply(b"<html>", headers={"Content-Type": "text/html"}), DecodeError, "yes"),
    "10,000 header lines": (many_headers(), TransportError, "maybe"),
}


@pytest.mark.parametrize("name", SUCCESSES)
def test_success(kind: str, name: str) -> None:
    outcomes = Outcomes()
    with ScriptedServer(SUCCESSES[name], call_id_header=ID) as server:
        with opened(kind, server.url) as client:
            made = forward(client, "c1", outcomes)
            assert isinstance(made, ForwardParticipantResponse)
            settled(server, client)
            assert isinstance(forward(client, "c2", outcomes), ForwardParticipantResponse)
        assert server.all_closed()
        if name != "300 header lines":  # which stands for no message
            assert check(server.ledger, outcomes).contradictions == []


@pytest.mark.parametrize("name", FAILURES)
def test_failure(kind: str, name: str) -> None:
    behaviour, expected, sent = FAILURES[name]
    outcomes = Outcomes()
    with ScriptedServer(sequence(behaviour, OK), call_id_header=ID) as server:
        with opened(kind, server.url) as client:
            failed = forward(client, "c1", outcomes, timeout=0.25 if expected is DeadlineExceededError else 5)
            assert isinstance(failed, expected), repr(failed)
            assert failed.sent == sent
            if name != "hang before reading":  # which cannot see that its client left
                settled(server, client)
            assert isinstance(forward(client, "c2", outcomes), ForwardParticipantResponse)
        if name == "hang before reading":  # which cannot see that its client left
            server.go_down()
    report = check(server.ledger, outcomes)
    assert report.contradictions == [], str(report)


@pytest.mark.parametrize("name", framing_faults(b"\xa2\x06\x03abc"))
def test_framing_fault(kind: str, name: str) -> None:
    outcomes = Outcomes()
    with ScriptedServer(sequence(framing_faults(b"\xa2\x06\x03abc")[name], OK), call_id_header=ID) as server:
        with opened(kind, server.url) as client:
            failed = forward(client, "c1", outcomes)
            assert isinstance(failed, TransportError), repr(failed)
            settled(server, client)
            assert isinstance(forward(client, "c2", outcomes), ForwardParticipantResponse)
    report = check(server.ledger, outcomes)
    assert report.contradictions == [], str(report)


BOMBS: dict[str, Callable[[], Behaviour]] = {
    "gzip": lambda: compressed_bomb("gzip", megabytes=80),
    "deflate": lambda: compressed_bomb("deflate", megabytes=80),
    "identity": lambda: identity_bomb(megabytes=80),
    "chunks": endless_chunks,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(kind: str, name: str) -> None:
    outcomes = Outcomes()
    with ScriptedServer(BOMBS[name](), call_id_header=ID) as server:
        with opened(kind, server.url) as client:
            assert isinstance(forward(client, "c1", outcomes, timeout=30), DecodeError)
        assert server.all_closed()
    assert check(server.ledger, outcomes).contradictions == []


@pytest.mark.parametrize("steps", [(Reset(),), (Close(),), (Send(ScriptedResponse(b"SSH-2.0\r\n")), Close())])
def test_connection_that_fails_at_once(kind: str, steps: Behaviour) -> None:
    outcomes = Outcomes()
    with ScriptedServer(OK, call_id_header=ID, on_connect=lambda number: steps) as server:
        with opened(kind, server.url) as client:
            assert isinstance(forward(client, "c1", outcomes), TransportError)
        assert check(server.ledger, outcomes).contradictions == []


def test_keep_alive_race_never_lies(kind: str) -> None:
    outcomes = Outcomes()
    with ScriptedServer(keep_alive_race(OK), call_id_header=ID) as server:
        with opened(kind, server.url) as client:
            for number in range(6):
                made = forward(client, f"c{number}", outcomes)
                assert isinstance(made, ForwardParticipantResponse | TransportError)
    assert check(server.ledger, outcomes).contradictions == []


def test_down_and_in_a_black_hole(kind: str) -> None:
    outcomes = Outcomes()
    with ScriptedServer(OK, call_id_header=ID) as server:
        with opened(kind, server.url) as client:
            server.go_down()
            failed = forward(client, "c1", outcomes)
            assert isinstance(failed, TransportError)
            assert failed.sent == "no"
            server.come_up()
            settled(server, client)
            assert isinstance(forward(client, "c2", outcomes), ForwardParticipantResponse)
    assert check(server.ledger, outcomes).contradictions == []
    with black_hole() as url:
        with opened(kind, url) as client:
            assert failure_of(client.room, "list_rooms", timeout=0.2).sent == "no"


def test_tls(kind: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    with ScriptedServer(reply(ROOM), tls=context) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        assert (listed_sync(url) if kind == "sync" else asyncio.run(listed_async(url))) == ["standup"]


def listed_sync(url: str) -> list[str]:
    with LiveKitAPI(url, auth="Bearer scripted", tls=PEM) as client:
        return [room.name for room in client.room.list_rooms().rooms]


async def listed_async(url: str) -> list[str]:
    async with AsyncLiveKitAPI(url, auth="Bearer scripted", tls=PEM) as client:
        return [room.name for room in (await client.room.list_rooms()).rooms]
