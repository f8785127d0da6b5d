"""Requests and responses of ASGI and WSGI servers."""

from __future__ import annotations

import http
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from twirpkit._protocol.constants import CONTENT_LENGTH
from twirpkit.server.incoming_request import IncomingRequest, join_lines
from twirpkit.transports.base import HttpResponse

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = [
    "Disconnected",
    "Receive",
    "Scope",
    "Send",
    "asgi_body",
    "asgi_lifespan",
    "asgi_request",
    "asgi_send",
    "is_too_long",
    "wsgi_body",
    "wsgi_request",
    "wsgi_start",
]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_READ: int = 65536


class Disconnected(Exception):
    """The client closed the connection before its request was complete."""


def is_too_long(headers: Mapping[str, str], limit: int) -> bool:
    """Return True if a request announces a body that is larger than the limit: it need not be read."""
    length = headers.get(CONTENT_LENGTH.lower(), "")
    return length.isdecimal() and int(length[:20]) > limit


def asgi_request(scope: Scope) -> IncomingRequest:
    """Return the request of an ASGI scope, without its body."""
    lines = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    mount, path = scope.get("root_path", ""), scope["path"]
    # Servers and frameworks differ in whether the path contains the mount point.
    below = path.removeprefix(mount) if mount and path.startswith(f"{mount}/") else path
    return IncomingRequest(
        scope["method"],
        below,
        join_lines(lines),
        query=scope.get("query_string", b"").decode("latin-1"),
        mount=mount,
    )


async def asgi_body(receive: Receive, limit: int) -> bytes | None:
    """Return the body of a request, None if it is larger than the limit. Raises `Disconnected`."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def asgi_send(response: HttpResponse, send: Send) -> None:
    """Send a response through an ASGI server."""
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": lines})
    await send({"type": "http.response.body", "body": response.body})


async def asgi_lifespan(receive: Receive, send: Send) -> None:
    """Follow the start and the end of an ASGI server, of which an application needs nothing."""
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def wsgi_request(environ: WSGIEnvironment) -> IncomingRequest:
    """Return the request of a WSGI environment, without its body."""
    # PEP 3333 has text of bytes in latin-1, which are UTF-8 in fact.
    mount, path = (
        environ.get(name, "").encode("latin-1").decode("utf-8", "replace") for name in ("SCRIPT_NAME", "PATH_INFO")
    )
    lines = ((name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_"))
    own = ((name.replace("_", "-"), environ[name]) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name))
    return IncomingRequest(
        environ["REQUEST_METHOD"],
        path,
        join_lines([*lines, *own]),
        query=environ.get("QUERY_STRING", ""),
        mount=mount,
    )


def wsgi_body(environ: WSGIEnvironment, limit: int) -> bytes | None:
    """Return the body of a request, None if it is larger than the limit. Raises `Disconnected`."""
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdecimal():
        # Without a length, only a server that says so ends the stream where the body ends.
        return _read_up_to(stream, limit) if environ.get("wsgi.input_terminated") else b""
    body: bytes = stream.read(int(length))
    if len(body) < int(length):
        raise Disconnected
    return body


def _read_up_to(stream: Any, limit: int) -> bytes | None:
    body = bytearray()
    while part := stream.read(_READ):
        body += part
        if len(body) > limit:
            return None
    return bytes(body)


def wsgi_start(response: HttpResponse, start_response: StartResponse) -> Iterable[bytes]:
    """Start a response of a WSGI server, and return its body."""
    phrase = http.HTTPStatus(response.status).phrase
    lines = [
        ("-".join(part.capitalize() for part in name.split("-")), value) for name, value in response.headers.items()
    ]
    start_response(f"{response.status} {phrase}", lines)
    return [response.body]
