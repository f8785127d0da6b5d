"""One row of the table: what a server does, and what comes of it."""

from __future__ import annotations

import http
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from google.protobuf.message import Message

from livekit_twirp import Room
from twirpkit import RetryPolicy, errors
from twirpkit.errors import Code, TwirpError

__all__ = [
    "CLASS_OF_STATUS",
    "GO_DROPS_THE_STATUS",
    "GO_IS_INTERNAL",
    "GO_WANTS_TEXTS",
    "HINT",
    "JSON",
    "JWT",
    "OPAQUE",
    "PROTOBUF",
    "ROOM",
    "Case",
    "Ending",
    "Step",
    "by_status",
    "from_proxy",
    "from_redirect",
    "head",
    "http_answer",
    "twirp",
]

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
OPAQUE = "canary/of+an-opaque_token~that.is.no.jwt=="
HINT = " (the server may be too old for this RPC, or the URL or its prefix is wrong)"
ROOM = Room(name="standup", num_participants=3)
JSON = {"content-type": "application/json"}
PROTOBUF = {"content-type": "application/protobuf"}

GO_IS_INTERNAL = "Go calls every failure of the network internal; ours is unavailable, and says whether the request ran"
GO_DROPS_THE_STATUS = "Go calls an error answer that it cannot read to its end internal, whatever its status"
GO_WANTS_TEXTS = "Go takes an error whose meta is no map of texts for a proxy's answer, and its code is lost"

Ending = Literal["keep", "close", "reset", "hold", "race"]


@dataclass(frozen=True)
class Step:
    """What the server does with one request."""

    data: bytes = field(default=b"", repr=False)
    """In it ``@R1@@`` and ``@R2@@`` stand for the ports of two regions, ``@NOW+60@`` for the date in 60 seconds."""
    then: Ending = "close"
    """``keep`` reads the next request, ``reset`` sends a RST, ``hold`` waits until the client goes away, ``race``
    closes the connection when the next request arrives."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call, the answers that it gets, and what it returns or raises.

    A plain answer is `status`, `headers` and `body`, well framed. Anything else is a `script`; `status` is then what
    the error says.
    """

    name: str
    rule: str
    """The rule that decides: a mutation of that rule turns the row red (tests/mutation/rules.toml)."""
    also: tuple[str, ...] = ()
    """Other rules that it may turn red with."""
    status: int | None = None
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    script: tuple[Step, ...] = ()
    statuses: tuple[int | None, ...] | None = None
    """What the error's status may be, where the transports differ and both are right."""
    token: str = JWT
    """What the client sends as its bearer token. No text of the error holds it."""
    signed: bool = False
    """Whether the client signs its tokens itself, by a clock; `token` is then not sent."""
    call: str = "create_room"
    """The method of the room service."""
    fields: Mapping[str, Any] = field(default_factory=lambda: {"name": "standup"})
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the call."""
    retry: RetryPolicy | Literal[False] = False
    """Of the client."""
    warm: bool = False
    """Whether another call has been answered before, on a connection that is then kept."""
    refused: int = 0
    """How many attempts find nobody that listens."""
    route: tuple[str, ...] | None = None
    """Where requests go, of a client that knows regions: ``base`` or ``r1``, ``r2``; with ``?`` it is discovery."""

    answer: Message | None = None
    """What the call returns; otherwise it raises."""
    error: type[TwirpError] = TwirpError
    code: Code = Code.UNKNOWN
    message: str | None = None
    """The whole message, where its words matter."""
    says: tuple[str, ...] = ()
    """Parts of ``str(error)``."""
    meta: Mapping[str, str] | None = None
    sent: str = "yes"
    retryable: bool | None = None
    """Whether a caller may make the call again; None: not looked at."""
    attempts: int = 1

    go: str = ""
    """Why Twirp's Go client ends otherwise, where it does: with another code, or with a message where we raise."""

    def __str__(self) -> str:
        return f"{self.rule}-{self.name}"

    @property
    def compared(self) -> bool:
        """Whether Twirp's Go client can be asked the same: it repeats nothing, and knows no regions."""
        usual = self.call == "create_room" and not (
            self.warm or self.refused or self.route or self.options or self.signed
        )
        return usual and len(self.steps) == 1

    @property
    def followed(self) -> bool:
        """Whether another call on the same client follows: after bytes that are not plain HTTP."""
        return bool(self.script) and self.compared

    @property
    def rules(self) -> frozenset[str]:
        """All rules that it may turn red with; calls around it are read by A12, and tried again by C1."""
        around = ["A12", "C1"] if self.followed or self.warm else []
        doubt = ["C5"] if self.answer is None and (self.status or 0) >= 500 else []
        return frozenset((self.rule, *self.also, *around, *doubt))

    @property
    def steps(self) -> tuple[Step, ...]:
        """What the server does, request by request."""
        if self.script:
            return self.script
        assert self.status is not None, f"{self}: neither an answer nor a script"
        return (Step(http_answer(self.status, self.body, self.headers), "keep"),)


def http_answer(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """A well-framed answer."""
    lines = [f"{name}: {value}" for name, value in (headers or {}).items()]
    if status not in (204, 304):
        lines.append(f"Content-Length: {len(body)}")
    return head(*lines, status=f"{status} {http.HTTPStatus.OK.phrase}") + body


def head(*lines: str, status: str = "200 OK", version: str = "HTTP/1.1") -> bytes:
    """A header block."""
    return "\r\n".join([f"{version} {status}", *lines, "", ""]).encode()


def twirp(code: Any, msg: Any = "why", **more: Any) -> bytes:
    """A Twirp error."""
    return json.dumps({"code": code, "msg": msg, **more}).encode()


def from_proxy(status: int, body: str) -> dict[str, str]:
    """The meta of an answer that holds no Twirp error (rule A8)."""
    return {"http_error_from_intermediary": "true", "status_code": str(status), "body": body}


def from_redirect(status: int, location: str) -> dict[str, str]:
    """The meta of a redirect (rule A5)."""
    return {"http_error_from_intermediary": "true", "status_code": str(status), "location": location}


CLASS_OF_STATUS: dict[int, tuple[Code, type[TwirpError]]] = {
    400: (Code.INTERNAL, errors.InternalError),
    401: (Code.UNAUTHENTICATED, errors.UnauthenticatedError),
    403: (Code.PERMISSION_DENIED, errors.PermissionDeniedError),
    404: (Code.BAD_ROUTE, errors.BadRouteError),
    429: (Code.RESOURCE_EXHAUSTED, errors.ResourceExhaustedError),
    502: (Code.UNAVAILABLE, errors.UnavailableError),
    503: (Code.UNAVAILABLE, errors.UnavailableError),
    504: (Code.UNAVAILABLE, errors.UnavailableError),
}


def by_status(status: int) -> dict[str, Any]:
    """Class, code and `sent` of a response that is not a Twirp error (rules A8, C5)."""
    code, error = CLASS_OF_STATUS.get(status, (Code.UNKNOWN, errors.UnknownError))
    return {"code": code, "error": error, "sent": "maybe" if status >= 500 else "yes"}
