"""The hat shop: a Twirp server of a few lines, on a free port of this machine."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from google.protobuf.message import DecodeError

from hats_twirp import GetHatRequest, Hat, ListHatsRequest, ListHatsResponse, MakeHatRequest

TOKEN: Final = "hatters-only"  # noqa: S105  # the shop's door is not worth a better one
PAGE: Final = 2
MOST: Final = 64 * 1024  # bytes of a request
STATUS: Final = {"bad_route": 404, "invalid_argument": 400, "malformed": 400, "not_found": 404, "unauthenticated": 401}


class Refusal(Exception):
    """A Twirp error."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Shop:
    """The books."""

    def __init__(self) -> None:
        self.hats: list[Hat] = []
        self.lock = threading.Lock()

    def make_hat(self, request: MakeHatRequest) -> Hat:
        """Put a hat into the books."""
        if not request.shop:
            raise Refusal("invalid_argument", "shop is required")
        with self.lock:
            hat = Hat(id=f"H{len(self.hats) + 1}", shop=request.shop, size=request.size or 22, tags=request.tags)
            self.hats.append(hat)
        return hat

    def get_hat(self, request: GetHatRequest) -> Hat:
        """Find a hat."""
        for hat in self.hats:
            if hat.id == request.id:
                return hat
        raise Refusal("not_found", f"no hat {request.id}")

    def list_hats(self, request: ListHatsRequest) -> ListHatsResponse:
        """Return a page of a shop's hats. The token is the number of hats before it."""
        token = request.page_token or "0"
        if not token.isdecimal():
            raise Refusal("invalid_argument", "no such page")
        start = int(token)
        mine = [hat for hat in self.hats if hat.shop == request.shop]
        more = str(start + PAGE) if len(mine) > start + PAGE else ""
        return ListHatsResponse(hats=mine[start : start + PAGE], next_page_token=more)


class Handler(BaseHTTPRequestHandler):
    """Twirp over HTTP: one POST a call, protobuf in and out, errors as JSON."""

    protocol_version = "HTTP/1.1"
    timeout = 10
    calls: dict[str, tuple[Any, Callable[[Any], Any]]]

    def do_POST(self) -> None:
        """Answer a call."""
        try:
            status, kind, body = 200, "application/protobuf", self.answer()
        except Refusal as refusal:
            status, kind = STATUS[refusal.code], "application/json"
            body = json.dumps({"code": refusal.code, "msg": str(refusal)}).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self) -> bytes:
        """Return the serialized response."""
        length = int(self.headers.get("Content-Length", 0))
        if length > MOST:
            self.close_connection = True
            raise Refusal("malformed", "too much")
        body = self.rfile.read(length)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            raise Refusal("unauthenticated", "hatters only")
        if self.path not in self.calls:
            raise Refusal("bad_route", f"no handler for path {self.path}")
        request, call = self.calls[self.path]
        try:
            message = request.FromString(body)
        except DecodeError:
            raise Refusal("malformed", f"no {request.DESCRIPTOR.name}") from None
        answer: bytes = call(message).SerializeToString()
        return answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Run the shop for as long as the block runs, and yield its URL."""
    shop = Shop()
    calls = {"MakeHat": (MakeHatRequest, shop.make_hat)}
    calls |= {"GetHat": (GetHatRequest, shop.get_hat), "ListHats": (ListHatsRequest, shop.list_hats)}
    bound = {f"/twirp/acme.hats.HatService/{name}": call for name, call in calls.items()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"calls": bound}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
