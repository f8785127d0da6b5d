"""Where a call goes that knows regions (rules D1-D4)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from cases.case import Case, Step, by_status, head, http_answer, twirp
from cases.ends import AT_ONCE, ENDS, RPCS, answered, touched
from cases.retries import closing

__all__ = ["CASES"]

R1, R2 = "http://127.0.0.1:@R1@@", "http://127.0.0.1:@R2@@"
FOREVER = {"cache-control": "max-age=3600"}
IDEMPOTENT = RPCS["idempotent"]
OK = answered(IDEMPOTENT)
DOWN = ENDS["unavailable"].step
"""A Twirp error: a 503 that no Twirp server wrote leaves an idempotent call in doubt, which is repeated once."""


def body(*urls: Any) -> bytes:
    """What discovery answers."""
    named = [{"region": f"region {number}", "url": url, "distance": str(number)} for number, url in enumerate(urls)]
    return json.dumps({"regions": named}).encode()


def listed(*urls: Any, headers: Mapping[str, str] = FOREVER, status: int = 200) -> Step:
    """Discovery, answered."""
    return Step(http_answer(status, body(*urls), headers), "keep")


def row(name: str, rule: str, steps: tuple[Step, ...], *route: str, rpc: str = "idempotent", **more: Any) -> Case:
    """A call that is answered in the end."""
    known: dict[str, Any] = {
        "call": RPCS[rpc].call,
        "fields": RPCS[rpc].fields,
        "retry": AT_ONCE,
        "answer": RPCS[rpc].answer,
        "attempts": len([each for each in route if not each.endswith("?")]),
    }
    called = [step for step, where in zip(steps, route, strict=False) if step.then != "keep" or not where.endswith("?")]
    also = (*more.pop("also", ()), *touched(called))
    return Case(name=name, rule=rule, also=also, script=steps, route=route, **{**known, **more})


def refused(end: str) -> dict[str, Any]:
    """The columns of a row that ends in an error of `ENDS`."""
    return {"answer": None, "sent": ENDS[end].sent, "status": ENDS[end].status, **ENDS[end].error}


def next_regions() -> Iterator[Case]:
    """After what may be repeated, the next attempt goes to the next region (rule D1)."""
    both = listed(R1, R2)
    for name in ("no-answer", "cut-header", "cut-body", "502", "503", "504", "unavailable", "429-retry-after"):
        yield row(f"{name}-then-r1", "D1", (ENDS[name].step, both, OK), "base", "base?", "r1", also=("C1",))
    yield row("503-at-r1-too", "D1", (DOWN, both, DOWN, OK), "base", "base?", "r1", "r2", also=("C1", "D2"))
    yield row("in-the-servers-order", "D1", (DOWN, listed(R2, R1), OK), "base", "base?", "r2", also=("C1",))
    yield row("a-region-named-twice", "D1", (DOWN, listed(R1, R1), OK), "base", "base?", "r1", also=("C1",))
    yield row(
        "503-everywhere",
        "D1",
        (DOWN, both, DOWN, DOWN),
        "base",
        "base?",
        "r1",
        "r2",
        also=("C1", "D2"),
        **refused("unavailable"),
    )
    for name in ("not-found", "unauthenticated", "429", "302", "internal"):
        yield row(f"{name}-stays", "C1", (ENDS[name].step, both), "base", also=("D1",), **refused(name))
    for name in ("503", "no-answer", "500"):
        yield row(f"never-{name}-stays", "C1", (ENDS[name].step, both), "base", rpc="never", **refused(name))
    yield row(
        "503-stays-with-False",
        "C3",
        (DOWN, both),
        "base",
        options={"retry": False},
        also=("C1",),
        **refused("unavailable"),
    )


def discoveries() -> Iterator[Case]:
    """What discovery may answer (rule D2). Where it names nothing, the next attempt goes to the same host."""

    def useless(name: str, rule: str, step: Step) -> Case:
        return row(name, rule, (DOWN, step, OK), "base", "base?", "base", also=("C1", "D1", "D3"))

    for status in (201, 302, 401, 404, 500, 503):
        headers = {"location": R1} if status == 302 else {}
        yield useless(f"list-in-a-{status}", "D2", listed(R1, status=status, headers=headers))
    yield useless("list-cut-behind-its-end", "D2", Step(head("Content-Length: 9999") + body(R1)))
    yield useless("list-without-a-length", "D2", Step(head() + body(R1)))
    padded = body(R1) + b" " * 70_000
    chunked = head("Transfer-Encoding: chunked") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(padded), padded)
    # Kept: a library may have read the whole list before it is refused, and has the connection in its pool again.
    yield useless(
        "list-of-70-KB", "D1", Step(chunked, "keep")
    )  # what is kept of it is no list, so that no one line lets it in
    for name, data in {
        "no-json": b"<html>",
        "nothing": b"",
        "cut-json": body(R1)[:-3],
        "deep-json": b"[" * 50_000,
        "no-utf-8": b"\xff\xfe\xfd",
    }.items():
        yield useless(f"list-of-{name}", "D2", Step(http_answer(200, data), "keep"))
    yield useless("17th-of-a-list", "D2", listed(*["https://region.invalid"] * 16, R1))
    for name, data in {
        "a-list": b"[]",
        "null": b"null",
        "no-regions": b"{}",
        "regions-null": b'{"regions":null}',
        "regions-object": b'{"regions":{"url":"http://127.0.0.1:@R1@@"}}',
        "regions-of-texts": b'{"regions":["http://127.0.0.1:@R1@@"]}',
        "no-region": b'{"regions":[]}',
    }.items():
        yield useless(f"list-of-{name}", "D1", Step(http_answer(200, data), "keep"))
    yield row("no-answer", "D1", (closing(DOWN), Step(), OK), "base", "base?", "base", also=("C1", "D3"))
    steps = (dataclasses.replace(DOWN, then="race"), listed(R1), OK)
    yield row("list-on-a-connection-that-had-closed", "D2", steps, "base", "base?", "r1", also=("C1", "D1"))
    for name, headers, route in (
        ("max-age-0", {"cache-control": "max-age=0"}, ("base", "base?", "r1", "base?", "r2")),
        ("no-cache-control", {}, ("base", "base?", "r1", "base?", "r2")),
        ("max-age", FOREVER, ("base", "base?", "r1", "r2")),
        ("max-age-among-others", {"cache-control": "public, MAX-AGE=60"}, ("base", "base?", "r1", "r2")),
    ):
        fresh = listed(R1, R2, headers=headers)
        steps = (DOWN, fresh, DOWN, fresh, OK) if len(route) == 5 else (DOWN, fresh, DOWN, OK)
        yield row(name, "D1" if len(route) == 5 else "D2", steps, *route, also=("C1", "D1"))


UNTRUSTED = {
    "another-host": "https://region.invalid",
    "another-name-of-it": "http://localhost:@R2@@",
    "a-host-under-it": "https://127.0.0.1.region.invalid",
    "another-loopback-address": "http://127.0.0.2:@R2@@",
}
MALFORMED = {
    "a-user": "http://me@127.0.0.1:@R2@@",
    "a-password": "http://me:secret@127.0.0.1:@R2@@",
    "a-bad-port": "http://127.0.0.1:99999",
    "a-line-end": "http://127.0.0.1:@R2@@\n",
}
NO_URLS = {
    "another-scheme": "ftp://127.0.0.1:@R2@@",
    "a-bare-host": "127.0.0.1:@R2@@",
    "an-empty-text": "",
    "null": None,
    "a-number": 7,
    "a-list": [R2],
}


def trust() -> Iterator[Case]:
    """Where the token may go (rule D3): a bad entry is skipped, and the others count."""
    for name, url in {**UNTRUSTED, **MALFORMED, **NO_URLS}.items():
        rule = "D1" if name in NO_URLS else "D3"
        yield row(
            f"{name}-is-skipped",
            rule,
            (DOWN, listed(url, R1), OK),
            "base",
            "base?",
            "r1",
            also=("C1", "D1", "D3"),
        )
        yield row(
            f"{name}-alone",
            rule,
            (DOWN, listed(url), OK),
            "base",
            "base?",
            "base",
            also=("C1", "D1", "D3"),
        )


def pins() -> Iterator[Case]:
    """451: the project may not be here (rule D4)."""
    pinned = Step(http_answer(451, b"not here"), "keep")
    says = {"answer": None, "status": 451, **by_status(451)}
    for rpc in RPCS:
        for name, retry in (("", AT_ONCE), ("-with-False", False)):
            steps = (pinned, listed(R1), answered(RPCS[rpc]))
            yield row(f"{rpc}-moves{name}", "D4", steps, "base", "base?", "r1", rpc=rpc, retry=retry)
    yield row("moves-twice", "D4", (pinned, listed(R1, R2), pinned, OK), "base", "base?", "r1", "r2", also=("D2",))
    yield row(
        "moves-and-fails-over",
        "D4",
        (pinned, listed(R1, R2), DOWN, OK),
        "base",
        "base?",
        "r1",
        "r2",
        also=("C1", "D1", "D2"),
    )
    yield row(
        "moves-a-twirp-error",
        "D4",
        (Step(http_answer(451, twirp("permission_denied")), "keep"), listed(R1), OK),
        "base",
        "base?",
        "r1",
    )
    yield row(
        "moves-and-is-refused",
        "D4",
        (pinned, listed(R1), ENDS["not-found"].step),
        "base",
        "base?",
        "r1",
        also=("C1",),
        **refused("not-found"),
    )
    for name, step in {
        "nowhere": listed(),
        "nowhere-trusted": listed("https://region.invalid"),
        "no-answer": Step(),
        "404": listed(R1, status=404),
    }.items():
        yield row(
            f"pinned-{name}",
            "D4",
            (closing(pinned), step),
            "base",
            "base?",
            also=("A8", "D2", "D3"),
            says=("HTTP 451, not from a Twirp server: 'not here'", "pinned"),
            **says,
        )
    yield row(
        "pinned-everywhere",
        "D4",
        (pinned, listed(R1), pinned, listed(R1)),
        "base",
        "base?",
        "r1",
        also=("D2",),
        says=("pinned",),
        **says,
    )


CASES = [
    *next_regions(),
    *discoveries(),
    *trust(),
    *pins(),
]
