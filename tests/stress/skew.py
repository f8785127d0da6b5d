"""Clock skew: a server whose clock is minutes ahead or behind refuses tokens, until they are signed by its clock."""

from __future__ import annotations

import datetime
import email.utils
import logging
import time
from collections.abc import Iterator
from typing import Any

import calls
import server_process
from figures import Row, main, scaled

from twirpkit.livekit import TokenError, TokenVerifier
from twirpkit.testing import Behaviour, Outcomes, Report, Request, ScriptedResponse, ScriptedServer, check, error

KEY = "APIskewskew"
SECRET = "a-secret-of-the-clock-skew-scenario-of-twirpkit"
CALLS = 2_000
OFFSETS = (400.0, -400.0, 3600.0, -3600.0)
"""Seconds that the server's clock is ahead of ours."""
STILL_VALID = (400.0,)
"""Here a token holds by the server's clock, too: it is valid for ten minutes, and starts one minute in the past."""
WORKERS = 16


def dated(response: ScriptedResponse, now: float) -> ScriptedResponse:
    """Add the server's clock to a response."""
    date = f"\r\nDate: {email.utils.formatdate(now, usegmt=True)}\r\n\r\n".encode()
    return ScriptedResponse(response.raw.replace(b"\r\n\r\n", date, 1), response.content)


def server(offset: float) -> ScriptedServer:
    """The server of this scenario: it verifies each token by its own clock."""
    verifier = TokenVerifier(KEY, SECRET)

    def script(request: Request) -> Behaviour:
        now = time.time() + offset
        token = (request.header("Authorization") or "").removeprefix("Bearer ")
        try:
            verifier.verify(token, at=datetime.datetime.fromtimestamp(now, datetime.UTC))
        except TokenError as refused:
            return dated(error("unauthenticated", str(refused)), now)
        return dated(calls.response_to(request), now)

    return ScriptedServer(script, call_id_header=calls.ID, key=calls.nonce)


class Warnings(logging.Handler):
    """Counts the warnings of the log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        self.count += 1


def run(scale: float) -> Iterator[Row]:
    """The rows."""
    count = scaled(CALLS, scale)
    for mode in calls.MODES:
        for offset in OFFSETS:
            for workers in (1, WORKERS):
                report, warned = play(mode, offset, count, workers)
                yield from judge(f"{mode}, a server {offset:+g} s, {workers} at once", offset, workers, report, warned)


def play(mode: str, offset: float, count: int, workers: int) -> tuple[Report, int]:
    """Make calls of all classes with one client; return what they came to, and how many warnings were logged."""
    outcomes, warned = Outcomes(), Warnings()
    logger = logging.getLogger("twirpkit")
    logger.addHandler(warned)
    credentials: dict[str, Any] = {"auth": None, "api_key": KEY, "api_secret": SECRET}
    with server_process.server_process(server, offset) as running:
        calls.run(mode, running.url, calls.jobs(count), outcomes, workers=workers, **credentials)
        report = check(running.entries(), outcomes)
    logger.removeHandler(warned)
    return report, warned.count


def judge(what: str, offset: float, workers: int, report: Report, warned: int) -> Iterator[Row]:
    """Compare the outcomes with what must be."""
    failed = sum(times for kind, times in report.kinds.items() if not kind.endswith("success"))
    yield Row(f"{what}, {report.calls} calls, failures", "0", str(failed), failed == 0)
    most = 0 if offset in STILL_VALID else workers
    more = report.requests - report.calls
    # As many as were under way when the first response told the time.
    must = f"{min(1, most)} to {most}" if most > 1 else str(most)
    yield Row(f"{what}, further attempts", must, str(more), min(1, most) <= more <= most)
    yield Row(f"{what}, warnings", str(min(1, most)), str(warned), warned == min(1, most))
    found = report.contradictions
    yield Row(f"{what}, contradictions", "0", str(len(found)), not found)
    if found:
        print(report)


if __name__ == "__main__":
    main(run)
