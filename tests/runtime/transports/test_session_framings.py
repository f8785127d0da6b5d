"""Odd framings over lent sessions: docs/sessions.md says what differs from our own reading (rule A11)."""

from __future__ import annotations

from pathlib import Path

import pytest
from byte_server import Canned, serve
from byte_server import http as answer
from cases.limits import SURPLUS
from lent_worlds import LentWorld, lend
from odd_framings import HI, OK, ROWS

from twirpkit.transports.base import HttpResponse

PAGE = Path(__file__).parents[3] / "docs" / "sessions.md"
CLIENTS = ("requests", "aiohttp", "httpx", "httpx-async")
TAKEN: dict[str, tuple[str, ...]] = {
    "CR in the reason": ("requests",),
    "CR CR LF after the reason": ("requests",),
    "NUL in the reason": ("requests", "aiohttp"),
    "a control character in the reason": CLIENTS,
    "HTTP/1.9": ("requests",),
    "two spaces": ("requests",),
    "a line end first": ("aiohttp",),
    "a space before the first name": ("requests", "aiohttp"),
    "no name": ("requests",),
    "the same length twice": ("httpx", "httpx-async"),
    "a list of one length": ("httpx", "httpx-async"),
    "CR in an extension": ("requests", "httpx", "httpx-async"),
    "NUL in an extension": ("requests", "httpx", "httpx-async"),
    "LF after a size": ("requests",),
    "a space before a size": ("requests",),
    "a sign before a size": ("requests",),
    "0x before a size": ("requests",),
    "a size of 16 digits": CLIENTS,
    "LF after a chunk": ("aiohttp",),
    "a chunk that is short": ("aiohttp",),  # its last CR counts as content, and the LF as the line end
    "a trailer without a colon": ("requests",),
    "Content-Length in a trailer": ("requests", "httpx", "httpx-async"),
    "Transfer-Encoding in a trailer": ("requests", "aiohttp"),
    "a folded trailer": CLIENTS,
    "a trailer with NUL": ("requests", "aiohttp"),
    "LF at the end": CLIENTS,
}
"""What a library takes and we refuse."""
REFUSED: dict[str, tuple[str, ...]] = {
    "an interim response": ("requests",),
    "an interim response with a length": ("requests",),
    "an interim response with chunks": ("requests",),
    "bytes beyond the end": ("aiohttp",),
}
"""What a library refuses and we take."""


@pytest.fixture(scope="module", params=CLIENTS)
def name(request: pytest.FixtureRequest) -> str:
    client: str = request.param
    return client


@pytest.fixture
def client(name: str) -> LentWorld:
    return lend(name)


@pytest.mark.slow  # all odd framings over each library of others
@pytest.mark.parametrize("row", ROWS)
def test_an_odd_framing(name: str, client: LentWorld, row: str) -> None:
    with serve(Canned(ROWS[row].data, "close"), answer(b"own")) as server:
        got = client.send(server.url)
        after = client.send(server.url)
    client.end()
    taken = isinstance(got, HttpResponse) and got.body_error is None and got.status == 200
    differs = name in (REFUSED if ROWS[row].taken else TAKEN).get(row, ())
    assert taken is (ROWS[row].taken is not differs), got
    # Nothing of the first response is taken for the second: where that is a limit, the test below shows it.
    if isinstance(after, HttpResponse) and not (name in SURPLUS.clients and row == "a response beyond the end"):
        assert after.body == b"own"


def test_a_response_belongs_to_its_request(name: str, client: LentWorld, request: pytest.FixtureRequest) -> None:
    """Two responses to one request, on a connection that stays open."""
    if name in SURPLUS.clients:
        request.applymarker(pytest.mark.xfail(reason=SURPLUS.line, strict=True))
    with serve(Canned((OK + HI) * 2, "keep"), Canned(answer(b"own"), "keep"), answer(b"own")) as server:
        assert client.send(server.url).body == b"hi"
        after = client.send(server.url)
        client.end()
    assert not isinstance(after, HttpResponse) or after.body == b"own"


def test_the_page_lists_what_differs() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = {line.split(" | ")[0].removeprefix("| "): line.strip("| ").split(" | ")[1:] for line in lines}
    shown = [client for client in CLIENTS if client != "httpx-async"]
    for table, word in ((TAKEN, "taken"), (REFUSED, "refused")):
        for row, clients in table.items():
            ours = "refused" if word == "taken" else "taken"
            assert cells[row] == [ours, *(word if client in clients else ours for client in shown)], row
            assert ("httpx" in clients) is ("httpx-async" in clients)
