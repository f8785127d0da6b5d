"""Bombs: responses that want a client's memory. Each meets a fresh process, whose peak and patience are measured."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Iterator
from typing import Any

import calls
import server_process
from figures import Row, main
from process_resources import peak, reset_peak, resident

from twirpkit import TwirpError
from twirpkit.testing import (
    Behaviour,
    Request,
    ScriptedResponse,
    ScriptedServer,
    compressed_bomb,
    endless_chunks,
    identity_bomb,
    many_headers,
)

MEGABYTE = 1 << 20
CAPS = {200: 64 * MEGABYTE, 500: 1 * MEGABYTE}
ROOM = 16 * MEGABYTE
PATIENCE = 1.0
"""Seconds between the cap and the error."""
TIMEOUT = 30.0
MOST = 1 << 30
"""Bytes of address space that a process gets, so that a client without a cap fails here and spares the machine."""


def bombs(status: int) -> dict[str, tuple[ScriptedResponse, ScriptedResponse | None]]:
    """By name: the bomb, and what takes as long to read as it does up to the cap. It is refused as no message."""
    below = (CAPS[status] // MEGABYTE) - 1
    reference = identity_bomb(megabytes=below, status=status)
    return {
        "300 MB of gzip": (
            compressed_bomb("gzip", status=status),
            compressed_bomb("gzip", megabytes=below, status=status),
        ),
        "300 MB of deflate": (
            compressed_bomb("deflate", status=status),
            compressed_bomb("deflate", megabytes=below, status=status),
        ),
        "1 GB": (identity_bomb(status=status), reference),
        "endless chunks": (endless_chunks(status=status), reference),
        "10,000 headers": (many_headers(status=status), None),
    }


def server(status: int) -> ScriptedServer:
    """The server of this scenario: a call's id names the bomb."""
    ready = bombs(status)

    def script(request: Request) -> Behaviour:
        name, _, which = (request.call or "").rpartition(" ")
        bomb, reference = ready[name]
        return bomb if which == "bomb" or reference is None else reference

    return ScriptedServer(script, call_id_header=calls.ID)


def run(scale: float) -> Iterator[Row]:
    """The rows. The bombs are what they are at every scale."""
    context = multiprocessing.get_context("spawn")
    for status, cap in CAPS.items():
        with server_process.server_process(server, status) as running:
            for mode in calls.MODES:
                for name in bombs(status):
                    with context.Pool(1) as pool:
                        grown, took, compared, outcome = pool.apply(meet, (mode, running.url, name))
                    what = f"{mode}, {status}, {name}"
                    must = f"<= {(cap + ROOM) // MEGABYTE} MiB"
                    yield Row(f"{what}, memory", must, f"{grown / MEGABYTE:.1f} MiB", grown <= cap + ROOM)
                    after = took - compared
                    must = f"<= {PATIENCE:g} s after the cap"
                    yield Row(f"{what}, {outcome}", must, f"{after:.2f} s", after <= PATIENCE)
                    if outcome.split()[0] in ("no", "a"):
                        yield Row(f"{what}, outcome", "an error of ours", outcome, passed=False)


def meet(mode: str, url: str, name: str) -> tuple[int, float, float, str]:
    """Bytes of memory that one call cost, its time, the time of a body just below the cap, and the error's name."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST, MOST))
    ask(mode, url, "10,000 headers bomb")  # loads all that a call loads
    before = resident()
    reset_peak()
    began = time.monotonic()
    outcome = ask(mode, url, f"{name} bomb")
    took = time.monotonic() - began
    grown = peak() - before
    compared = 0.0
    if not name.endswith("headers"):
        began = time.monotonic()
        ask(mode, url, f"{name} reference")
        compared = time.monotonic() - began
    return grown, took, compared, outcome


def ask(mode: str, url: str, call: str) -> str:
    """One call; the name of its error."""
    outcomes: list[Any] = []
    calls.each(
        mode,
        url,
        [call],
        lambda client, name: client.ingress.create_ingress(name="x", extra_headers={calls.ID: name}, timeout=TIMEOUT),
        lambda name, outcome: outcomes.append(outcome),
        workers=1,
    )
    (outcome,) = outcomes
    if not isinstance(outcome, BaseException):
        return "no error"
    return type(outcome).__name__ if isinstance(outcome, TwirpError) else f"a foreign {type(outcome).__name__}"


if __name__ == "__main__":
    main(run)
