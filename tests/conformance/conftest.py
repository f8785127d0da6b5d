"""The suite, started once, and the counts at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from recordings import EXCHANGES, new_suite

from twirpkit.conformance import Suite


@pytest.fixture(scope="session")
def suite() -> Iterator[Suite]:
    with new_suite() as suite:
        yield suite


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    suite = new_suite()
    routes = Counter(suite.plan(each).route.value for each in EXCHANGES)
    terminalreporter.section("conformance")
    terminalreporter.line(
        f"{len(EXCHANGES)} recorded exchanges: {routes['client']} sent by both clients, {routes['transport']} by the "
        f"layer below them, {routes['response']} heard only (tests/conformance/listed.py says why)"
    )
