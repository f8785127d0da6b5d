"""Regions: every fault in every region, for each class and each way in which discovery can go wrong.

The table says which hosts a call goes to, in which order. It is computed from the rules, not from the code.
"""

from __future__ import annotations

import itertools
import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import calls
from figures import Row, main, scaled

from twirpkit import RetryClass, RetryPolicy, TwirpError
from twirpkit.livekit.regions import Regions
from twirpkit.testing import (
    Behaviour,
    Cluster,
    Request,
    Script,
    ScriptedResponse,
    ScriptedServer,
    break_off,
    by_path,
    error,
    hang,
    http,
    regions,
    retry_after,
)

REGIONS = 4
DISCOVERY = "/settings/regions"
FAULTS: dict[str, Behaviour] = {
    "503": error("unavailable", "down"),
    "a gateway's 502": http(502, b"<html>no backend</html>"),
    "drop": break_off(executed=True),
    "hang": hang(),
    "hang, with a time for an attempt": hang(),
    "451": http(451, b"pinned"),
    "429": error("resource_exhausted", headers=retry_after(0)),
    "401": error("unauthenticated", "no"),
}
DISCOVERIES = ("ok", "404", "500", "slow", "junk", "huge", "redirect", "foreign host")
FINDING = {"ok": [0, 1, 2, 3], "foreign host": [0, 1]}
"""The regions that a discovery of this kind names, of those that the token may go to."""
ATTEMPTS = 3
IN_DOUBT = ("a gateway's 502", "drop", "hang, with a time for an attempt")
"""Faults after which the request may have been executed: an idempotent one is repeated once (rules C, C5)."""
ATTEMPT_TIMEOUT = 1.0
AT_ONCE = 16


@dataclass(frozen=True)
class Case:
    """One cell of the matrix."""

    mode: str
    fault: str
    everywhere: bool
    """Whether all regions have the fault, or the first alone."""
    retry: RetryClass
    discovery: str

    @property
    def timeout(self) -> float:
        """Seconds: room for the attempts that hang, and for discoveries that take their 2 s."""
        return 2.0 if self.fault == "hang" else 12.0

    @property
    def policy(self) -> RetryPolicy:
        """The default, or one that ends an attempt before its call must end (rule B2)."""
        return RetryPolicy(attempt_timeout=ATTEMPT_TIMEOUT) if "time for an attempt" in self.fault else RetryPolicy()


def allowed(case: Case) -> int:
    """How many attempts the class has where each ends like this (rules C1, D4), if hosts were no question."""
    if case.fault in ("401", "hang"):  # no region is known, so an attempt may use all the time of its call (rule B2)
        return 1
    if case.fault == "451":
        return ATTEMPTS
    if case.retry is RetryClass.NEVER:
        return 1
    if case.retry is RetryClass.IDEMPOTENT and case.fault in IN_DOUBT:
        return 2
    return ATTEMPTS


def expected(case: Case) -> list[int]:
    """The regions that are asked, in their order: 0 is the one that the client was made with."""
    found = FINDING.get(case.discovery, [])
    asked = [0]
    while len(asked) < allowed(case) and (case.everywhere or asked[-1] == 0):
        fresh = [region for region in found if region not in asked]
        if not fresh and case.fault == "451":  # nobody else to go to: asking the same host again is no use
            break
        asked.append(fresh[0] if fresh else asked[-1])
    return asked


class Field:
    """Four regions, a stranger, and what one case wants of them."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.cluster = Cluster(*(self.region(place) for place in range(REGIONS)), call_id_header=calls.ID)
        self.stranger = ScriptedServer(http(200))

    def region(self, place: int) -> Script:
        """What a region does."""

        def script(request: Request) -> Behaviour:
            faulty = self.case.everywhere or place == 0
            return FAULTS[self.case.fault] if faulty else calls.response_to(request)

        return by_path({DISCOVERY: lambda request: alone(self.discovery())}, script)

    def discovery(self) -> ScriptedResponse:
        """What is answered to who asks for the regions."""
        stranger = self.stranger.url.replace("127.0.0.1", "localhost")
        match self.case.discovery:
            case "ok":
                return regions(self.cluster.urls)
            case "slow":
                return ScriptedResponse(b"")
            case "junk":
                return http(200, b'{"regions": {"region": 1}} and more')
            case "huge":
                return http(200, b" " * 100_000 + regions(self.cluster.urls).raw.partition(b"\r\n\r\n")[2])
            case "redirect":
                return http(302, headers={"Location": f"{self.cluster.urls[1]}{DISCOVERY}"})
            case "foreign host":
                ours = self.cluster.urls
                near = ours[2].replace("http://", "http://user@"), ours[2].replace("127.0.0.1", "127.0.0.1.evil.test")
                return regions([stranger, *near, "ftp://127.0.0.1", "", ours[0], ours[1]])
            case status:
                return http(int(status))


def alone(response: ScriptedResponse) -> Behaviour:
    """A response after which the connection is closed; nothing at all hangs.

    On a kept connection the next attempt would be on one that had served before, and a drop would count otherwise.
    """
    return (
        ScriptedResponse(response.raw.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        if response.raw
        else hang()
    )


def play(case: Case) -> str:
    """What is wrong with one case, or nothing."""
    field, call = Field(case), str(uuid.uuid4())
    with field.cluster as cluster, field.stranger:
        options = {"regions": Regions(suffixes=("127.0.0.1",)), "timeout": case.timeout, "retry": case.policy}
        outcomes: list[Any] = []
        calls.each(
            case.mode,
            cluster.urls[0],
            [call],
            lambda client, name: calls.call(client, case.retry, name),
            lambda name, outcome: outcomes.append(outcome),
            workers=1,
            **options,
        )
        asked = cluster.server_order(call)
        strangers = field.stranger.ledger.total
    wanted = expected(case)
    succeeds = not case.everywhere and wanted[-1] != 0
    (outcome,) = outcomes
    if strangers:
        return f"{case}: the stranger was asked {strangers} times"
    if asked != wanted:
        return f"{case}: asked {asked}, expected {wanted}; {outcome!r}"
    if succeeds is isinstance(outcome, BaseException) or (not succeeds and not isinstance(outcome, TwirpError)):
        return f"{case}: {outcome!r}"
    return ""


def run(scale: float) -> Iterator[Row]:
    """The rows."""
    cells = itertools.product(calls.MODES, FAULTS, (True, False), calls.CLASSES, DISCOVERIES)
    every = [Case(*cell) for cell in cells]
    cases = random.Random(1).sample(every, scaled(len(every), min(1, scale)))
    counts: Counter[str] = Counter(case.mode for case in cases)
    wrong: dict[str, list[str]] = {mode: [] for mode in calls.MODES}
    lock = threading.Lock()

    def one(case: Case) -> None:
        said = play(case)
        with lock:
            wrong[case.mode] += [said] if said else []

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, cases))
    for mode, said in wrong.items():
        for line in said[:20]:
            print(f"     {line}")
        what = f"{mode}, {counts[mode]} cells of regions x faults x classes x discoveries"
        yield Row(what, "the exact sequence of hosts", f"{len(said)} others", not said)


if __name__ == "__main__":
    main(run)
