"""The suite, started once, and the counts at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from recordings import EXCHANGES, LIBRARIES, new_suite

from twirpkit.conformance import Suite


@pytest.fixture(scope="session")
def suites() -> Iterator[dict[str, Suite]]:
    """The suites over all transports, by what these use."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(new_suite(**transports)) for name, transports in LIBRARIES.items()}


@pytest.fixture(scope="session")
def suite(suites: dict[str, Suite]) -> Suite:
    """The suite over the default transports."""
    return suites["sockets"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    suite = new_suite()
    routes = Counter(suite.plan(each).route.value for each in EXCHANGES)
    terminalreporter.section("conformance")
    terminalreporter.line(
        f"{len(EXCHANGES)} recorded exchanges: {routes['client']} sent by both clients, {routes['transport']} by the "
        f"layer below them, {routes['response']} only read (tests/conformance/unsendable_exchanges.py says why)"
    )
