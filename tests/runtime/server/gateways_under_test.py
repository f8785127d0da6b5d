"""Three ways to an application, each with the same request in and the same response out."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any
from wsgiref.validate import validator

from twirpkit import HttpRequest, HttpResponse
from twirpkit.server import TwirpApp

__all__ = ["GATEWAYS", "Gateway", "ask_asgi", "ask_asgi_2", "ask_in_process", "ask_wsgi"]

Gateway = Callable[..., HttpResponse]


def ask_wsgi(app: TwirpApp, path: str, body: bytes, headers: dict[str, str], method: str = "POST") -> HttpResponse:
    """Call the application as a WSGI server does, checked by the standard library's validator."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "x",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(body)),
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    started: list[Any] = []

    def start_response(status: str, lines: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
        started.append((int(status.split()[0]), lines))
        return lambda data: None

    result = validator(app)(environ, start_response)
    content = b"".join(result)
    result.close()  # type: ignore[attr-defined]  # the validator's own iterator
    ((code, lines),) = started
    return HttpResponse(code, {name.lower(): value for name, value in lines}, content)


def ask_asgi(app: Any, path: str, body: bytes, headers: dict[str, str], method: str = "POST") -> HttpResponse:
    """Call the application as an ASGI server does, the body in two parts."""
    sent: list[Any] = []
    parts = [body[:3], body[3:]]

    async def receive() -> dict[str, Any]:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    lines = {"content-length": str(len(body)), **{name.lower(): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in lines.items()],
    }
    asyncio.run(app(scope, receive, send))
    start, content = sent
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return HttpResponse(start["status"], found, content["body"])


def ask_asgi_2(app: TwirpApp, path: str, body: bytes, headers: dict[str, str], method: str = "POST") -> HttpResponse:
    """Call the application as a server does that takes it for one of ASGI 2."""
    return ask_asgi(lambda scope, receive, send: app(scope)(receive, send), path, body, headers, method)


def ask_in_process(
    app: TwirpApp, path: str, body: bytes, headers: dict[str, str], method: str = "POST"
) -> HttpResponse:
    """Send the request through the transport of sync clients."""
    response = app.transport().send(HttpRequest(f"http://x{path}", headers, body, method=method))
    assert isinstance(response, HttpResponse)
    return response


GATEWAYS: dict[str, Gateway] = {
    "wsgi": ask_wsgi,
    "asgi": ask_asgi,
    "asgi 2": ask_asgi_2,
    "in process": ask_in_process,
}
