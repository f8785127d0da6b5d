"""CPU after the last byte: an error's text is searched for the private texts of its request, in time that adds up.

The time of many texts and a large body must not be their product. All figures are ratios of CPU times of one process.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import calls
import server_process
from figures import Row, main

from twirpkit import TwirpError
from twirpkit.testing import Behaviour, Request, ScriptedServer, error, http

TEXTS = (1, 100, 10_000)
"""Private texts in a request."""
BODIES = (1_000, 64_000, 1_000_000)
"""Bytes of an error's body."""
TIMES = 2
"""Calls of each pair. The shortest counts."""
FACTOR = 3.0
"""A pair may take this many times what its texts take with the smallest body, and its body with one text, together."""
LEAST = 0.005
"""Seconds of CPU below which a difference is noise."""
TIMEOUT = 120.0

Words = Callable[[int], str]
KINDS: dict[str, tuple[Words, Words]] = {
    "texts that are not there": (lambda number: f"private {number}", lambda number: f"public {number}"),
    "texts that are all there": (lambda number: f"private {number}", lambda number: f"private {number}"),
    "texts of one beginning": (lambda number: "a " * 120 + str(number), lambda number: "a"),
    "long texts of one beginning": (lambda number: "a " * 150 + str(number), lambda number: "a"),
    "parts of words": (lambda number: f"{number}{number}", lambda number: f"x{number}{number}"),
}
"""By name: the texts of a request, and the words of a body, each by its number."""
FORMS = ("text", "Twirp error")


def body(kind: str, size: int) -> str:
    """Return the words of a body of that many bytes."""
    word = KINDS[kind][1]
    several = " ".join(word(number) for number in range(TEXTS[-1]))
    return (f"{several} " * (size // len(several) + 1))[:size]


def server() -> ScriptedServer:
    """The server of this scenario: a call's id names the body."""
    ready: dict[str, Behaviour] = {}
    for kind, size in itertools.product(KINDS, BODIES):
        text = body(kind, size)
        ready[f"{kind}/text/{size}"] = http(500, text.encode())
        ready[f"{kind}/Twirp error/{size}"] = error("internal", text, meta={"again": text[: size // 4]})

    def script(request: Request) -> Behaviour:
        return ready[request.call or ""]

    return ScriptedServer(script, call_id_header=calls.ID)


def run(scale: float) -> Iterator[Row]:
    """The rows. The sizes are the same at every scale."""
    with server_process.server_process(server) as running:
        for mode in calls.MODES:
            for kind, form in itertools.product(KINDS, FORMS):
                yield judge(f"{mode}, {kind}, {form}", play(mode, running.url, kind, form))


def play(mode: str, url: str, kind: str, form: str) -> dict[tuple[int, int], float]:
    """Return the seconds of CPU that a call took, by the number of its texts and the size of its error's body."""
    took: dict[tuple[int, int], float] = {}
    began = 0.0

    def start(client: Any, pair: tuple[int, int]) -> Any:
        nonlocal began
        texts, size = pair
        attributes = {f"key-{number}": KINDS[kind][0](number) for number in range(texts)}
        began = time.process_time()
        return client.sip.create_sip_participant(
            participant_attributes=attributes, extra_headers={calls.ID: f"{kind}/{form}/{size}"}, timeout=TIMEOUT
        )

    def tell(pair: tuple[int, int], outcome: Any) -> None:
        took[pair] = min(took.get(pair, TIMEOUT), time.process_time() - began)
        if not isinstance(outcome, TwirpError) or outcome.status != 500:
            raise AssertionError(f"{kind}, {form}, {pair}: {outcome!r}")

    todo = [pair for pair in itertools.product(TEXTS, BODIES) for _ in range(TIMES)]
    calls.each(mode, url, [todo[0], *todo], start, tell, workers=1)  # the first loads all that a call loads
    return took


def judge(what: str, took: dict[tuple[int, int], float]) -> Row:
    """Compare each pair with what its two sides take alone."""

    def ratio(pair: tuple[int, int]) -> float:
        alone = took[pair[0], BODIES[0]] + took[TEXTS[0], pair[1]]
        return took[pair] / max(alone, LEAST)

    worst = max(took, key=ratio)
    shown = f"{ratio(worst):.2f} for {worst[0]} texts and {worst[1]} bytes; at most {max(took.values()):.2f} s"
    must = f"<= {FACTOR:g} times both alone"
    return Row(f"{what}, {len(took)} pairs", must, shown, ratio(worst) <= FACTOR)


if __name__ == "__main__":
    main(run)
