"""Recording of exchanges with a real server, without secrets, and their replay to the same calls.

Tokens, and the values of fields that the schema marks as secret or personal, are left out of recordings.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError, Message

from twirpkit._protocol.constants import AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, DATE, PROTOBUF, RETRY_AFTER
from twirpkit._protocol.server_text import redact
from twirpkit._schema.fields import field_of
from twirpkit._schema.json_writer import to_dict
from twirpkit._schema.sensitivity import is_sensitive
from twirpkit._secret import REDACTED
from twirpkit.conformance.exchange import Exchange
from twirpkit.rpc import Method
from twirpkit.testing.scripted_responses import http
from twirpkit.transports.base import (
    AsyncTransport,
    HttpRequest,
    HttpResponse,
    Phase,
    Transport,
    TransportFailure,
)

__all__ = [
    "AsyncRecordingTransport",
    "AsyncReplayTransport",
    "Recorder",
    "RecordingTransport",
    "Replay",
    "ReplayTransport",
    "without_secrets",
]

_TOKEN: Final = "Bearer <token>"  # noqa: S105  # stands for one
_KEPT: Final = frozenset(name.lower() for name in (CONTENT_TYPE, DATE, RETRY_AFTER))
"""Headers of a response that a client reads."""


def without_secrets(message: Message) -> Message:
    """Return a copy of a message in which what the schema marks as secret or personal is replaced, or left out."""
    cls = type(message)
    copy = cls()
    cls.CopyFrom(copy, message)
    descriptor: Any = cls.DESCRIPTOR
    for live, value in cls.ListFields(copy):
        field = field_of(descriptor, live)
        if is_sensitive(descriptor, field):
            cls.ClearField(copy, live.name)
            if isinstance(value, str):
                setattr(copy, live.name, REDACTED)
        elif field.message is not None and field.map_key is None:
            for each in value if field.repeated else (value,):
                type(each).CopyFrom(each, without_secrets(each))
    return copy


class Recorder:
    """Exchanges of a client, as lines of the format of `twirpkit.conformance`.

    Args:
        methods: Every RPC that the client may call.
        prefix: The beginning of the exchanges' ids, such as the name of a test.
    """

    def __init__(self, methods: Iterable[Method[Any, Any]], prefix: str) -> None:
        self._methods = {method.path: method for method in methods}
        self._prefix = prefix
        self._lock = threading.Lock()
        self.lines: list[str] = []
        """One JSON object each."""

    def add(self, request: HttpRequest, response: HttpResponse) -> None:
        """Record an exchange, unless it is not a call of a known RPC."""
        path = urlsplit(request.url).path
        rpc = "/".join(path.split("/")[-2:])
        method = self._methods.get(rpc)
        if method is None:
            return
        sent = _readable(method.request, request.body)
        found = _readable(method.response, response.body) if response.status == 200 else None
        # A server's words about a token repeat it.
        body = redact(response.body.decode(errors="replace")).encode() if found is None else _bytes(found)
        headers = {name: value for name, value in response.headers.items() if name in _KEPT}
        with self._lock:
            value = {
                "id": f"{self._prefix}/{len(self.lines) + 1}",
                "rpc": rpc,
                "note": "",
                "claims": None,
                "request": _request(request, path, sent),
                "response": _response(response.status, headers, body, found),
            }
            self.lines.append(json.dumps(value, ensure_ascii=False))


class RecordingTransport:
    """A transport that records what goes through another one."""

    def __init__(self, transport: Transport, recorder: Recorder) -> None:
        self._transport = transport
        self._recorder = recorder

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Send a request, and record it with its response."""
        result = self._transport.send(request)
        if isinstance(result, HttpResponse):
            self._recorder.add(request, result)
        return result

    def close(self) -> None:
        """Close the other transport."""
        self._transport.close()


class AsyncRecordingTransport:
    """As `RecordingTransport`, for async clients."""

    def __init__(self, transport: AsyncTransport, recorder: Recorder) -> None:
        self._transport = transport
        self._recorder = recorder

    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Send a request, and record it with its response."""
        result = await self._transport.send(request)
        if isinstance(result, HttpResponse):
            self._recorder.add(request, result)
        return result

    async def aclose(self, *, timeout: float | None = None) -> None:
        """Close the other transport."""
        await self._transport.aclose(timeout=timeout)


class Replay:
    """Recorded exchanges, each of which is played once, in the order of its RPC.

    Args:
        exchanges: The exchanges.
        methods: Every RPC that the client may call.
    """

    def __init__(self, exchanges: Sequence[Exchange], methods: Iterable[Method[Any, Any]]) -> None:
        self._left = list(exchanges)
        self._methods = {method.path: method for method in methods}
        self._lock = threading.Lock()

    @property
    def left(self) -> list[str]:
        """The ids of exchanges that were not played."""
        return [each.id for each in self._left]

    def respond(self, request: HttpRequest) -> HttpResponse | TransportFailure:
        """Return the recorded response to a request; for one that was not recorded, a failure that says so."""
        rpc = "/".join(urlsplit(request.url).path.split("/")[-2:])
        method = self._methods.get(rpc)
        sent = None if method is None else _readable(method.request, request.body)
        body = request.body if sent is None else _bytes(sent)
        with self._lock:
            for exchange in self._left:
                if exchange.rpc == rpc and exchange.response is not None and exchange.request.body == body:
                    self._left.remove(exchange)
                    recorded = exchange.response
                    headers = {name.lower(): value for name, value in recorded.headers}
                    return HttpResponse(recorded.status, headers, recorded.body)
        text = f"no recorded exchange is left for {rpc} with this request"
        return TransportFailure(text, Phase.NOT_SENT, final=True)


class ReplayTransport:
    """A transport for clients of both modes that plays recorded exchanges."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Return the recorded response."""
        return self._replay.respond(request)

    def close(self) -> None:
        """Do nothing: there are no connections."""


class AsyncReplayTransport:
    """As `ReplayTransport`, for async clients."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    async def send(self, request: HttpRequest, /) -> HttpResponse | TransportFailure:
        """Return the recorded response."""
        return self._replay.respond(request)

    async def aclose(self, *, timeout: float | None = None) -> None:
        """Do nothing: there are no connections."""


def _readable(cls: type[Message], body: bytes) -> Message | None:
    try:
        return without_secrets(cls.FromString(body))
    except (DecodeError, UnicodeDecodeError):  # the latter in protobuf's pure Python engine
        return None


def _bytes(message: Message) -> bytes:
    return type(message).SerializeToString(message, deterministic=True)


def _request(request: HttpRequest, path: str, message: Message | None) -> Mapping[str, Any]:
    headers = {**request.headers}
    if AUTHORIZATION in headers:
        headers[AUTHORIZATION] = _TOKEN
    body = b"" if message is None else _bytes(message)
    lines = [["Host", "127.0.0.1"], *([name, value] for name, value in headers.items())]
    return {
        "method": request.method,
        "target": path,
        "headers": [*lines, [CONTENT_LENGTH, str(len(body))]],
        "body_b64": base64.b64encode(body).decode(),
        "message": None if message is None else to_dict(message),
    }


def _response(status: int, headers: Mapping[str, str], body: bytes, message: Message | None) -> Mapping[str, Any]:
    named = {name.title(): value for name, value in headers.items()}
    if message is not None:
        named[CONTENT_TYPE] = PROTOBUF
    content: Any = None
    if message is not None:
        content = to_dict(message)
    else:
        try:
            content = json.loads(body)
        except ValueError:
            content = None
    return {
        "raw_b64": base64.b64encode(http(status, body, headers=named).raw).decode(),
        "status": status,
        "headers": [*([name, value] for name, value in named.items()), [CONTENT_LENGTH, str(len(body))]],
        "body_b64": base64.b64encode(body).decode(),
        "message": content,
    }
