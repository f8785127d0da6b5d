"""Each behaviour, seen from a bare socket and in the ledger."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading

import pytest
from raw_client import ASK, ask, ending, ends_all_but, open_to, read, read_all

from twirpkit.testing import (
    Behaviour,
    Close,
    CloseOnNext,
    Entry,
    Execute,
    Hang,
    Keep,
    Reset,
    ScriptedResponse,
    ScriptedServer,
    Send,
    Signal,
    Wait,
    break_off,
    cut,
    delay,
    drip,
    error,
    hang,
    http,
    keep_alive_race,
    reply,
    respond,
    respond_early,
    sequence,
)

OK = reply(b"\x08\x03", interim=[103])
NO = error("unavailable")
HEAD = OK.head_length


def moments(entry: Entry) -> str:
    """What happened to a request, as letters: Executed, Head written, Answered, Broken."""
    facts = (("E", entry.executed), ("H", entry.head_written), ("A", entry.response_written), ("B", entry.broken))
    return "".join(letter for letter, moment in facts if moment is not None)


CASES: dict[str, tuple[Behaviour, bytes, str, str]] = {
    "an answer": (OK, OK.raw, "open", "EHA"),
    "an error": (NO, NO.raw, "open", "HA"),
    "an error after execution": (respond(NO, executed=True), NO.raw, "open", "EHA"),
    "a success without execution": (respond(OK, executed=False), OK.raw, "open", "HA"),
    "an answer without its end": (http(200, b"x", framed=False), b"HTTP/1.1 200 OK\r\n\r\nx", "closed", "EHB"),
    "an answer that closes": (
        (Execute(), Send(OK), Close()),
        OK.raw,
        "closed",
        "EHA",
    ),
    "no HTTP": (ScriptedResponse(b"hello\r\n\r\n"), b"hello\r\n\r\n", "closed", "B"),
    "cut at 0": (cut(OK, 0), b"", "closed", "EB"),
    "cut in the interim answer": (cut(OK, 5), OK.raw[:5], "closed", "EB"),
    "cut before the last byte of the head": (cut(OK, HEAD - 1), OK.raw[: HEAD - 1], "closed", "EB"),
    "cut after the head": (cut(OK, HEAD), OK.raw[:HEAD], "closed", "EHB"),
    "cut in the body": (cut(OK, HEAD + 1, executed=False), OK.raw[: HEAD + 1], "closed", "HB"),
    "cut nowhere": (cut(OK, len(OK)), OK.raw, "closed", "EHA"),
    "cut past the end": (cut(OK, 999), OK.raw, "closed", "EHA"),
    "reset before execution": (break_off(), b"", "reset", "B"),
    "reset after execution": (break_off(executed=True), b"", "reset", "EB"),
    "closed before execution": (break_off(reset=False), b"", "closed", "B"),
    "hang after reading": (hang(), b"", "open", "EB"),
    "hang before execution": (hang(executed=False), b"", "open", "B"),
    "hang before reading": (hang(read=False), b"", "open", "B"),
    "hang inside the head": (hang(OK, 9), OK.raw[:9], "open", "EB"),
    "hang after the head": (hang(OK, HEAD), OK.raw[:HEAD], "open", "EHB"),
    "hang inside the body": (hang(OK, HEAD + 1), OK.raw[: HEAD + 1], "open", "EHB"),
    "drip": (drip(OK, 0.0001), OK.raw, "open", "EHA"),
    "drip the body": (drip(OK, 0.001, start=HEAD), OK.raw, "open", "EHA"),
    "delay": (delay(0.01, OK), OK.raw, "open", "EHA"),
    "early": (respond_early(NO), NO.raw, "closed", "HA"),
    "an answer in two parts": ((Execute(), Send(OK, stop=7), Send(OK, start=7)), OK.raw, "open", "EHA"),
    "a poured body": (
        ScriptedResponse(OK.raw[:HEAD], stream=lambda: [b"a", b"b"]),
        OK.raw[:HEAD] + b"ab",
        "closed",
        "EHB",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_behaviour(name: str) -> None:
    behaviour, data, end, letters = CASES[name]
    with ScriptedServer(behaviour) as server:
        with open_to(server) as connection:
            connection.sendall(ASK)
            assert read(connection, len(data)) == data
            assert ending(connection) == end
        if name == "hang before reading":  # which cannot see that its client left
            server.go_down()
    (entry,) = server.ledger.settled()
    assert moments(entry) == letters
    assert (entry.call, entry.attempt, entry.method, entry.connection) == ("c1", 1, "POST", 0)
    assert entry.target == "/twirp/acme.Hats/MakeHat"
    assert (entry.content is not None) is ("A" in letters and data == OK.raw)


def test_keep_reads_the_next_request_after_an_answer_without_an_end() -> None:
    with ScriptedServer(sequence((Send(OK, stop=HEAD), Keep()), NO)) as server, open_to(server) as connection:
        connection.sendall(ASK)
        assert read(connection, HEAD) == OK.raw[:HEAD]
        connection.sendall(ASK)
        assert read(connection, len(NO)) == NO.raw
    assert [moments(entry) for entry in server.ledger.settled()] == ["HB", "HA"]


def test_signal_says_that_the_steps_before_it_are_done() -> None:
    go_on, done = threading.Event(), threading.Event()
    with ScriptedServer((Wait(go_on), Send(OK), Signal(done))) as server, open_to(server) as connection:
        connection.sendall(ASK)
        assert not done.is_set()
        go_on.set()
        assert done.wait(5)
        assert read(connection, len(OK)) == OK.raw


def test_cut_by_a_reset() -> None:
    with ScriptedServer(cut(OK, 9, reset=True)) as server, open_to(server) as connection:
        connection.sendall(ASK)
        got, end = read_all(connection)
        assert end == "reset"
        assert OK.raw[:9].startswith(got)


def test_a_drip_takes_its_time() -> None:
    with ScriptedServer(drip(OK, 30)) as server, open_to(server) as connection:
        connection.sendall(ASK)
        assert read(connection, 1) == OK.raw[:1]
        assert ending(connection) == "open"
    (entry,) = server.ledger.settled()
    assert moments(entry) == "EB"


def test_a_delay_until_the_test_says_so() -> None:
    go = threading.Event()
    with ScriptedServer(delay(go, OK)) as server, open_to(server) as connection:
        connection.sendall(ASK)
        assert ending(connection) == "open"
        assert moments(server.ledger.entries()[0]) == ""
        go.set()
        assert read(connection, len(OK)) == OK.raw
    assert moments(server.ledger.settled()[0]) == "EHA"


def test_a_server_that_ends_ends_every_wait() -> None:
    before = set(threading.enumerate())
    for steps in ((Wait(60),), (Wait(threading.Event()),), (Hang(),), hang(read=False), drip(OK, 60)):
        with ScriptedServer(steps) as server, open_to(server) as connection:
            connection.sendall(ASK)
            connection.recv(1) if steps[-1] == drip(OK, 60)[-1] else ending(connection)
        assert moments(server.ledger.settled()[0]).endswith("B")
    assert ends_all_but(before)


def test_a_request_is_read_only_when_a_step_wants_it() -> None:
    head, body = ask(body=b"x" * 9)[:-9], b"x" * 9
    with ScriptedServer(sequence((Send(NO),), OK)) as server, open_to(server) as connection:
        connection.sendall(head)
        assert read(connection, len(NO)) == NO.raw  # before the body was sent
        connection.sendall(body + ASK)
        assert read(connection, len(OK)) == OK.raw  # and what was left of it is not taken for a request
    assert [entry.status for entry in server.ledger.settled()] == [503, 200]


def test_an_early_answer_survives_a_large_body() -> None:
    with ScriptedServer(respond_early(NO)) as server, open_to(server) as connection:
        connection.sendall(ask(body=b"x" * 4_000_000))
        assert read_all(connection) == (NO.raw, "closed")


def test_a_kept_connection_ends_when_the_next_request_arrives() -> None:
    with ScriptedServer(sequence(keep_alive_race(OK), OK)) as server, open_to(server) as connection:
        connection.sendall(ASK)
        assert read(connection, len(OK)) == OK.raw
        assert ending(connection) == "open"
        assert len(server.ledger.settled()) == 1  # though its connection is still kept
        connection.sendall(ASK)
        assert read_all(connection)[0] == b""
        assert server.all_closed()
    assert len(server.ledger.entries()) == 1


def test_idle_limit() -> None:
    with ScriptedServer(OK, idle=0.05) as server, open_to(server) as connection:
        connection.sendall(ASK)
        assert read_all(connection) == (OK.raw, "closed")


@pytest.mark.parametrize(
    ("steps", "seen"),
    [
        ((Reset(),), (b"", "reset")),
        ((Close(),), (b"", "closed")),
        ((Send(ScriptedResponse(b"SSH-2.0\r\n")), Close()), (b"SSH-2.0\r\n", "closed")),
    ],
)
def test_on_connect(steps: Behaviour, seen: tuple[bytes, str]) -> None:
    with ScriptedServer(OK, on_connect=lambda number: None if number else steps) as server:
        with contextlib.suppress(ConnectionResetError):  # so early may a reset come
            with open_to(server) as connection:
                assert read_all(connection) == seen
        with open_to(server) as connection:
            connection.sendall(ASK)
            assert read(connection, len(OK)) == OK.raw
    assert server.ledger.total == 1


def test_on_connect_may_go_on_to_the_request() -> None:
    with ScriptedServer(OK, on_connect=lambda number: (Wait(0.01),)) as server, open_to(server) as connection:
        connection.sendall(ASK)
        assert read(connection, len(OK)) == OK.raw


def test_on_connect_may_hang() -> None:
    with ScriptedServer(OK, on_connect=lambda number: (Hang(),)) as server, open_to(server) as connection:
        connection.sendall(ASK)
        assert ending(connection) == "open"
    assert server.ledger.total == 0


def test_nothing_is_executed_before_a_request() -> None:
    with pytest.raises(RuntimeError) as caught:
        with ScriptedServer(OK, on_connect=lambda number: (Execute(),)) as server, open_to(server) as connection:
            read_all(connection)
    assert isinstance(caught.value.__cause__, ValueError)


def test_steps_are_data() -> None:
    assert cut(OK, 9) == cut(OK, 9) != cut(OK, 8)
    assert dataclasses.is_dataclass(CloseOnNext)
    assert isinstance(hash(respond(OK)), int)


def test_a_request_that_is_cut() -> None:
    for sent in (ASK[:-1], b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        with ScriptedServer(OK) as server, open_to(server) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            assert read_all(connection) == (b"", "closed")
        assert moments(server.ledger.settled()[0]) == "B"


def test_what_is_no_request() -> None:
    with ScriptedServer(OK) as server, open_to(server) as connection:
        connection.sendall(b"HELLO\r\n\r\n")
        assert read_all(connection)[0] == b""
    assert server.ledger.total == 0
