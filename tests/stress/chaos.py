"""Chaos: one request in ten meets a reset, a cut, a proxy's error or a delay. Nothing runs twice or is made up."""

from __future__ import annotations

from collections.abc import Iterator

import calls
import server_process
from figures import Row, main, scaled

from twirpkit import RetryClass
from twirpkit.testing import (
    Behaviour,
    Outcomes,
    Report,
    Request,
    ScriptedServer,
    break_off,
    check,
    cut,
    delay,
    http,
    mix,
)

CALLS = 20_000
SHARE = 0.02
WANTED = {RetryClass.READ: 0.998, RetryClass.IDEMPOTENT: 0.993}
"""The share of calls that must succeed. Four faults of 2 % leave a call in doubt, a gateway's error too, and an
idempotent one is repeated once after that: 0.08 squared of them may fail."""


def cut_somewhere(request: Request) -> Behaviour:
    """Cut the response at a random byte."""
    response = calls.response_to(request)
    return cut(response, request.random("cut").randrange(len(response)))


def proxy_error(request: Request) -> Behaviour:
    """What a proxy says whose backend is away."""
    return http(request.random("status").choice((502, 503, 504)), b"<html>no backend</html>")


def slow(request: Request) -> Behaviour:
    """A success that comes late."""
    return delay(request.random("delay").uniform(0.05, 0.5), calls.response_to(request))


def server() -> ScriptedServer:
    """The server of this scenario."""
    faults = (break_off(), break_off(executed=True), cut_somewhere, proxy_error, slow)
    script = mix(calls.response_to, *((SHARE, fault) for fault in faults))
    return ScriptedServer(script, call_id_header=calls.ID, key=calls.nonce)


def run(scale: float) -> Iterator[Row]:
    """The rows."""
    for mode in calls.MODES:
        outcomes = Outcomes()
        todo = calls.jobs(scaled(CALLS, scale))
        with server_process.server_process(server) as running:
            calls.run(mode, running.url, todo, outcomes)
            entries = running.entries()
        yield from judge(mode, check(entries, outcomes))


def judge(mode: str, report: Report) -> Iterator[Row]:
    """What a report shows."""
    found = [each.rule for each in report.contradictions]
    repeated = found.count("executed twice") + found.count("sent again")
    what = f"{mode}, {report.calls} calls"
    yield Row(f"{what}, run twice (never, keyed)", "0", str(repeated + found.count("key changed")), not repeated)
    wrong = sum(rule.startswith("success") for rule in found)
    yield Row(f"{what}, wrong or empty successes", "0", str(wrong), wrong == 0)
    for retry in (RetryClass.READ, RetryClass.IDEMPOTENT, RetryClass.KEYED, RetryClass.NEVER):
        share = succeeded(report, retry)
        wanted = WANTED.get(retry, 0.0)
        must = f">= {wanted:.1%} succeed" if wanted else "no bound"
        yield Row(f"{what}, {retry}", must, f"{share:.2%}", share >= wanted)
    yield Row(f"{what}, {report.requests} requests", "0 contradictions", str(len(found)), not found)
    if found:
        print(report)


def succeeded(report: Report, retry: RetryClass) -> float:
    """The share of the calls of a class that succeeded."""
    of_class = {kind: count for kind, count in report.kinds.items() if kind.split()[0] == retry}
    return of_class.get(f"{retry} success", 0) / max(1, sum(of_class.values()))


if __name__ == "__main__":
    main(run)
