"""Ten golden responses, cut at every byte: no prefix of a response may be taken for a success."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import calls
from figures import Row, main

from livekit_twirp import IngressInfo, IngressState
from twirpkit import TwirpError
from twirpkit.testing import Behaviour, Request, ScriptedResponse, ScriptedServer, cut, error, http, reply

INGRESS = IngressInfo(
    ingress_id="IN_1",
    name="stage",
    url="rtmp://live.example.com/x",
    state=IngressState(error="none", tracks=[]),
    reusable=True,
    room_name="standup",
)
GOLDEN: dict[str, ScriptedResponse] = {
    "a length": reply(INGRESS),
    "an empty message": reply(b""),
    "chunks": reply(INGRESS, chunks=17),
    "one chunk": reply(INGRESS, chunks=4096),
    "gzip": reply(INGRESS, encoding="gzip"),
    "gzip in chunks": reply(INGRESS, encoding="gzip", chunks=16),
    "deflate": reply(INGRESS, encoding="deflate"),
    "after an interim response": reply(IngressInfo(name="stage"), interim=[103]),
    "an error": error("not_found", "no such ingress", meta={"ingress": "IN_1"}),
    "a proxy's error": http(502, b"<html><body>Bad gateway</body></html>", headers={"Content-Type": "text/html"}),
}
SOUND = [name for name, response in GOLDEN.items() if response.status == 200]


def script(request: Request) -> Behaviour:
    """Cut the response that the call's id names, at the byte that it names."""
    name, _, at = (request.call or "").rpartition(" ")
    whole = int(at) == len(GOLDEN[name])
    # Its connection stays open: one that closes without a word would take the next request with it.
    return GOLDEN[name] if whole else cut(GOLDEN[name], int(at))


def todo(scale: float) -> list[str]:
    """The ids of the calls: a response's name and how much of it to send, every prefix and the whole."""
    step = max(1, round(1 / scale))
    return [
        f"{name} {at}" for name, response in GOLDEN.items() for at in (*range(0, len(response), step), len(response))
    ]


def run(scale: float) -> Iterator[Row]:
    """The rows."""
    with ScriptedServer(script, call_id_header=calls.ID) as server:
        for mode in calls.MODES:
            silent, foreign, whole = judge(play(mode, server.url, todo(scale)))
            what = f"{mode}, {len(todo(scale)) - len(GOLDEN)} prefixes of {len(GOLDEN)} responses"
            yield Row(what, "0 silent successes", ", ".join(silent[:5]) or "0", not silent)
            yield Row(f"{what}, errors of other libraries", "0", str(len(foreign)), not foreign)
            yield Row(
                f"{mode}, whole responses", f"{len(SOUND)} successes", str(len(whole)), sorted(whole) == sorted(SOUND)
            )


def judge(outcomes: dict[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Prefixes that were a success, calls that raised what is not ours, and whole responses that were a success."""
    silent: list[str] = []
    foreign: list[str] = []
    whole: list[str] = []
    for call, outcome in outcomes.items():
        name, _, at = call.rpartition(" ")
        if not isinstance(outcome, BaseException):
            (whole if int(at) == len(GOLDEN[name]) else silent).append(name if int(at) == len(GOLDEN[name]) else call)
        elif not isinstance(outcome, TwirpError):
            foreign.append(call)
    return silent, foreign, whole


def play(mode: str, url: str, todo: list[str]) -> dict[str, Any]:
    """What came of each call: a message or an exception."""
    outcomes: dict[str, Any] = {}

    def start(client: Any, call: str) -> Any:
        return client.ingress.create_ingress(name="x", extra_headers={calls.ID: call}, timeout=30)

    calls.each(mode, url, todo, start, outcomes.__setitem__, workers=8)
    return outcomes


if __name__ == "__main__":
    main(run)
