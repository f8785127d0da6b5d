"""Every row of the table (tests/runtime/cases), over both clients and at the socket."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cases import CASES, KNOWN_FAILURES, Case
from cases.case import HINT
from cases.limits import LIMITS, ROWLESS, Limit
from cases.play import CLIENTS, DEFAULTS, Player, Stage
from scripted_transport import Opened, failure_of

from twirpkit import HttpResponse

GO: dict[str, str] = json.loads(Path(__file__).with_name("cases").joinpath("go", "outcomes.json").read_text())
"""By row: the code of Go's error, or its answer in hexadecimal digits after ``ok:``."""


@pytest.fixture(scope="module")
def players() -> Iterator[dict[str, Player]]:
    with Stage() as stage:
        players = {client: Player(stage, client) for client in CLIENTS}
        yield players
        for player in players.values():
            player.close()


def marks(client: str, case: Case) -> list[pytest.MarkDecorator]:
    """Return the marks of a row: it is slow over other people's libraries, since there are thousands of them.

    Over the default transports it depends on protobuf if its response is decoded, or refused as a message (rule A12).
    """
    if client not in DEFAULTS:
        return [pytest.mark.slow]
    return [pytest.mark.protobuf] if case.rule == "A12" or case.answer is not None else []


ROWS = [
    pytest.param(client, case, id=f"{case}-{client}", marks=marks(client, case)) for case in CASES for client in CLIENTS
]


@pytest.mark.parametrize(("client", "case"), ROWS)
def test_every_row(players: dict[str, Player], request: pytest.FixtureRequest, client: str, case: Case) -> None:
    if (reason := KNOWN_FAILURES.get(f"{client}: {case}")) is not None:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    players[client].play(case)


def test_the_table_is_large_and_its_names_are_unique() -> None:
    assert len(CASES) >= 500
    assert [name for name, count in Counter(map(str, CASES)).items() if count > 1] == []


def test_differences_from_go_are_marked() -> None:
    """Against what Twirp's Go client v8.1.3 made of each row (tests/runtime/cases/go/record.py)."""
    single = [case for case in CASES if case.compared]
    assert [str(case) for case in single] == list(GO), "record anew: python tests/runtime/cases/go/record.py"
    ours = {
        str(case): case.code.value if case.answer is None else f"ok:{case.answer.SerializeToString().hex()}"
        for case in single
    }
    assert [str(case) for case in single if (ours[str(case)] != GO[str(case)]) != bool(case.go)] == []


def test_known_failures_are_rows() -> None:
    assert sorted(set(KNOWN_FAILURES) - {f"{client}: {case}" for client in CLIENTS for case in CASES}) == []


def test_limits_of_sessions_are_lines_of_the_page() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "sessions.md").read_text()
    head = "| over a session | requests | aiohttp | httpx |\n|---|---|---|---|\n"
    table = page.partition(head)[2].partition("\n\n")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]

    def cell(limit: Limit, library: str) -> str:
        both = {library, f"{library}-async"} <= {*limit.clients} if library == "httpx" else library in limit.clients
        return "yes" if both else "sync" if library in limit.clients else ""

    limits = (*LIMITS, *ROWLESS)
    assert lines == [[each.line, *(cell(each, name) for name in ("requests", "aiohttp", "httpx"))] for each in limits]


def test_a_client_that_is_too_new_is_hinted_at_without_hiding_the_servers_words(livekit: Callable[..., Opened]) -> None:
    opened = livekit(HttpResponse(404, {}, b"404 page not found"))

    message = failure_of(opened.room).message

    assert message == f"HTTP 404, not from a Twirp server: '404 page not found'{HINT}"
