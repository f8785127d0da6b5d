"""Canaries: a secret and tokens that can be told apart, and a look into all that a failed call leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import pickle
import re
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import calls
from figures import Row, main

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI
from twirpkit import Event, TwirpError
from twirpkit.events import Hook
from twirpkit.testing import (
    Behaviour,
    Request,
    Script,
    ScriptedResponse,
    ScriptedServer,
    break_off,
    compressed_bomb,
    cut,
    drip,
    error,
    framing_faults,
    hang,
    http,
    many_headers,
    reply,
)

KEY = "APIcanary"
SECRET = "canary-secret-0123456789abcdefghijklmnopqrstuv"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOiJ0b2tlbiJ9.Y2FuYXJ5LXNpZ25hdHVyZS1vZi1hLXRva2Vu"
TIMEOUT = 0.3
OURS = re.compile(r"/(twirpkit|livekit_twirp)/(?!testing/)")

OK = reply(b"\xa2\x06\x03abc")


def repeated(request: Request) -> str:
    """The token that came with a request."""
    return (request.header("Authorization") or "").removeprefix("Bearer ")


TABLE: dict[str, Behaviour | Script] = {
    "reset": break_off(),
    "closed": break_off(reset=False),
    "cut in the header": cut(OK, 20),
    "cut in the body": cut(OK, len(OK) - 1),
    "a cut error": cut(error("not_found"), 60),
    "hang": hang(),
    "hang in the body": hang(OK, OK.head_length),
    "drip": drip(OK, 0.1),
    "unavailable": error("unavailable"),
    "no JSON": http(500, b"<html>"),
    "deep JSON": http(500, b"[" * 200_000),
    "an unknown code": error("worn_out"),
    "another type": reply(b"<html>", headers={"Content-Type": "text/html"}),
    "no message": reply(b"\xff"),
    "bad gzip": reply(b"abc", headers={"Content-Encoding": "gzip"}),
    "a bomb": compressed_bomb(megabytes=80),
    "too many headers": many_headers(),
    **{f"framing: {name}": response for name, response in framing_faults(b"\xa2\x06\x03abc").items()},
    "a token in plain text": lambda request: http(401, f"invalid token: {repeated(request)}, error: x".encode()),
    "a token in an error": lambda request: error("unauthenticated", repeated(request), meta={"t": repeated(request)}),
    "a token in a code": lambda request: error(repeated(request)),
    "a token in a redirect": lambda request: http(302, headers={"Location": f"/x?access_token={repeated(request)}"}),
    "a token in a success": lambda request: reply(repeated(request).encode(), headers={"Content-Type": "text/plain"}),
    "a token in a content type": lambda request: reply(b"", headers={"Content-Type": repeated(request)}),
    "a token in an encoding": lambda request: reply(b"x", headers={"Content-Encoding": repeated(request)}),
    "a token as the response": lambda request: ScriptedResponse(repeated(request).encode() + b"\r\n\r\n"),
    "a token in the status line": lambda request: ScriptedResponse(
        f"HTTP/1.1 500 {repeated(request)}\r\n\r\n".encode()
    ),
    "a pin": http(451),
}


class Seen:
    """The tokens that arrived, and what must be found nowhere."""

    def __init__(self) -> None:
        self.tokens: set[str] = {TOKEN}
        self.lock = threading.Lock()

    def add(self, request: Request) -> None:
        """Remember the token of a request."""
        with self.lock:
            self.tokens.add(repeated(request))

    def found_in(self, text: str) -> bool:
        """Whether a text has the secret, a token, or its signature."""
        parts = {part for token in self.tokens for part in (token, token.rpartition(".")[2]) if part}
        return SECRET in text or any(part in text for part in parts)


CREDENTIALS: tuple[dict[str, Any], ...] = (
    {"api_key": KEY, "api_secret": SECRET},
    {"token": TOKEN},
    {"auth": f"Bearer {TOKEN}"},
)
CLIENTS: tuple[tuple[str, str | None], ...] = (
    ("sync", None),
    ("sync", "requests"),
    ("sync", "httpx"),
    ("async", None),
    ("async", "aiohttp"),
    ("async", "httpx"),
)
"""The mode of a client, and the library that its transport uses; None: sockets of its own."""
Watch = Callable[[], tuple[Hook, Callable[[], Iterator[tuple[str, str]]]]]
"""Makes a hook for one client, and a function that returns what can be seen of what the hook was told."""


def events() -> tuple[Hook, Callable[[], Iterator[tuple[str, str]]]]:
    """Watch the events themselves."""
    told: list[Event] = []
    return told.append, lambda: ((f"the event {each.kind}", f"{each!r} {each}") for each in told)


@contextlib.contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """Collect the log of all loggers at DEBUG, but for httpx's: it has the headers of responses (rule E1)."""
    log, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(log), root.level
    handler.addFilter(lambda record: record.name.partition(".")[0] not in ("httpx", "httpcore"))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def run(scale: float, clients: Sequence[tuple[str, str | None]] = CLIENTS, watch: Watch = events) -> Iterator[Row]:
    """The rows. The table is the same at every scale."""
    seen = Seen()

    def script(request: Request) -> Behaviour:
        seen.add(request)
        chosen = TABLE[request.call or ""]
        return chosen(request) if callable(chosen) else chosen

    for mode, library in clients:
        found: list[str] = []
        looked = 0
        with (
            everything_logged() as log,
            warnings.catch_warnings(record=True) as warned,
            ScriptedServer(script, call_id_header=calls.ID) as server,
        ):
            warnings.simplefilter("always")
            for credentials in CREDENTIALS if library is None else CREDENTIALS[:1]:
                for name, where, text in texts(mode, server, credentials | {"transport": library}, watch):
                    looked += 1
                    found += [f"{name} ({', '.join(credentials)}): {where}"] if seen.found_in(text) else []
        found += ["logs"] if seen.found_in(log.getvalue()) else []
        found += [f"warning {each.message}" for each in warned if seen.found_in(str(each.message))]
        for line in found[:20]:
            print(f"     {line}")
        client = mode if library is None else f"{mode} over {library}"
        lines = len(log.getvalue().splitlines())
        what = f"{client}, {len(TABLE)} failures, {looked} texts, {lines} lines of log"
        yield Row(what, "0 canaries", str(len(found)), not found and len(seen.tokens) > 1)


def texts(mode: str, server: ScriptedServer, options: dict[str, Any], watch: Watch) -> Iterator[tuple[str, str, str]]:
    """The name of a failure, a place to look at, and the text there; of the clients and the events, too."""
    hook, watched = watch()
    for name, client, failed in failures(mode, server, options | {"hooks": [hook]}):
        for where, text in (*(shown(failed) if failed is not None else ()), *watched()):
            yield name, where, text
        for held in (client, vars(client), client.room, vars(client.room), *vars(client).values()):
            yield name, f"the client's {type(held).__name__}", repr(held)


def failures(mode: str, server: ScriptedServer, known: dict[str, Any]) -> Iterator[tuple[str, Any, TwirpError | None]]:
    """Each failure of the table, with the client that met it; None where a library takes what is not valid."""
    for name in TABLE:
        options: dict[str, Any] = {"name": "x", "extra_headers": {calls.ID: name}, "timeout": TIMEOUT}
        client: Any
        try:
            if mode == "sync":
                with LiveKitAPI(server.url, **known) as client:
                    client.ingress.create_ingress(**options)
            else:
                client = AsyncLiveKitAPI(server.url, **known)
                asyncio.run(ask(client, options))
        except TwirpError as failed:
            yield name, client, failed
        else:
            if known["transport"] is None:
                raise AssertionError(f"{name}: the call succeeded")
            yield name, client, None


async def ask(client: AsyncLiveKitAPI, options: dict[str, Any]) -> None:
    """One call."""
    async with client:
        await client.ingress.create_ingress(**options)


def shown(failed: BaseException) -> Iterator[tuple[str, str]]:
    """Whatever a log, a crash reporter, a task queue or a debugger may show of an error."""
    yield "pickle", pickle.dumps(failed).decode("latin-1")
    pending: list[BaseException | None] = [failed]
    known: list[BaseException] = []
    while pending:
        each = pending.pop()
        if each is None or each in known:
            continue
        known.append(each)
        pending += [each.__cause__, each.__context__]
        yield f"str of {type(each).__name__}", str(each)
        yield f"repr of {type(each).__name__}", repr(each)
        yield f"vars of {type(each).__name__}", repr(vars(each))
        yield f"args of {type(each).__name__}", repr(each.args)
        told = traceback.TracebackException.from_exception(each, capture_locals=True)
        for frame in told.stack:
            if OURS.search(frame.filename):
                for local, text in (frame.locals or {}).items():
                    yield f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}: {local}", text
    yield "traceback", "".join(traceback.format_exception(failed))


if __name__ == "__main__":
    main(run)
