"""How far an exchange can be played: by a client, by the layer below it, or its answer alone; from its content."""

from __future__ import annotations

import enum
import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from twirpkit._config.package_info import PackageInfo
from twirpkit.conformance.exchange import Exchange
from twirpkit.rpc import Method

__all__ = ["PLACEHOLDER", "TOKEN", "Catalogue", "Plan", "Route", "Rpc", "plan", "protojson"]

TOKEN: Final = "<token>"  # noqa: S105  # what recordings hold in its place
PLACEHOLDER: Final = "not.a.token"
"""What is sent for the token where no client signs one."""

OWNED: Final = frozenset(
    (
        "accept",
        "accept-encoding",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-twirp-timeout-ms",
    )
)
"""Headers that a client makes itself: the recording's are not sent."""
FRAMING: Final = frozenset(("connection", "content-encoding", "transfer-encoding"))
"""Headers that no caller of a client may give and that change how the request is read."""

_TOKEN_CHARACTERS: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Route(enum.StrEnum):
    """Who can send an exchange's request."""

    CLIENT = "client"
    """The clients themselves: everything is compared."""
    TRANSPORT = "transport"
    """No client, but the layer below, byte for byte. What a client makes of the answer is compared all the same."""
    ANSWER = "answer"
    """Nobody: only the answer is played, to another request."""


@dataclass(frozen=True, slots=True)
class Rpc:
    """One RPC of the SDK under test."""

    attribute: str
    """The facade's property that has it."""
    method: Method[Any, Any]


class Catalogue:
    """The RPCs of a generated package, by the path of their requests."""

    def __init__(self, sdk: PackageInfo) -> None:
        self.sdk = sdk
        self._rpcs: dict[str, Rpc] = {}
        for facts in sdk.services.values():
            module = importlib.import_module(f"{sdk.name}._methods.{facts.attribute}")
            self._rpcs.update({f"{sdk.prefix}/{each.path}": Rpc(facts.attribute, each) for each in module.METHODS})

    def by_target(self, target: str) -> Rpc | None:
        """The RPC that a request's target reaches, letter by letter."""
        return self._rpcs.get(target)

    def first(self) -> Rpc:
        """Any RPC. Raises ValueError for a package without one."""
        if not self._rpcs:
            raise ValueError(f"{self.sdk.name} has no RPC")
        return next(iter(self._rpcs.values()))


@dataclass(frozen=True, slots=True)
class Plan:
    """How an exchange is played."""

    route: Route
    reason: str = ""
    """Why not further up; empty for `Route.CLIENT`."""
    rpc: Rpc | None = None
    message: Message | None = field(default=None, repr=False)
    """What a client sends."""
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What a client's caller adds."""
    authorization: str | None = field(default=None, repr=False)
    """A foreign Authorization value that the client is made with; None: its own credentials."""

    @property
    def message_or_empty(self) -> Message:
        """What a client sends; an empty request where the recorded one cannot be sent."""
        assert self.rpc is not None  # noqa: S101  # without an RPC nothing is sent by a client
        empty: Message = self.rpc.method.request()
        return empty if self.message is None else self.message


def plan(exchange: Exchange, catalogue: Catalogue, *, anonymous: bool = False) -> Plan:
    """Decide how an exchange is played.

    Args:
        exchange: The exchange.
        catalogue: What the SDK under test knows.
        anonymous: Whether its clients send no Authorization of their own.
    """
    rpc = catalogue.by_target(exchange.request.target)
    if reason := _unsendable(exchange):
        return Plan(Route.ANSWER, reason, rpc)
    if reason := _foreign(exchange, catalogue, anonymous=anonymous):
        return Plan(Route.TRANSPORT, reason, rpc)
    assert rpc is not None  # noqa: S101  # or the target would be foreign
    message = _canonical(exchange, rpc.method)
    if message is None:
        return Plan(Route.TRANSPORT, f"its body is no {rpc.method.request.DESCRIPTOR.name} as protobuf writes it", rpc)
    lines = exchange.request.headers
    extra = {name: value.replace(TOKEN, PLACEHOLDER) for name, value in lines if name.lower() not in OWNED}
    authorization = exchange.request.header("authorization")
    own = authorization in (None, f"Bearer {TOKEN}")
    return Plan(
        Route.CLIENT, "", rpc, message, extra, None if own else (authorization or "").replace(TOKEN, PLACEHOLDER)
    )


def protojson(message: Message) -> Any:
    """A message as recordings write it."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def _unsendable(exchange: Exchange) -> str | None:
    """Why not even the layer below can send this request."""
    request = exchange.request
    names = [name.lower() for name, _ in request.headers]
    if not _TOKEN_CHARACTERS.fullmatch(request.method) or not re.fullmatch(r"/[!-~]*", request.target):
        return "its request line is no HTTP"
    if "host" not in names:
        return "it has no Host"
    if "transfer-encoding" in names:
        return "it is sent in chunks, which no client of ours does"
    if twice := next((name for name in names if names.count(name) > 1), None):
        return f"it has two {twice} lines"
    announced = request.header("content-length")
    if announced is not None and announced != str(len(request.body)):
        return f"of the {announced} bytes of its body {len(request.body)} are stored"
    return None


def _foreign(exchange: Exchange, catalogue: Catalogue, *, anonymous: bool) -> str | None:
    """Why no client sends a request with this line and these headers."""
    request = exchange.request
    if request.method != "POST":
        return f"its method is {request.method}"
    if catalogue.by_target(request.target) is None:
        service = (exchange.rpc or "").partition("/")[0]
        absent = service and service not in catalogue.sdk.services
        return f"the SDK has no {service}" if absent else f"its path {request.target} is none of ours"
    if (content_type := request.header("content-type")) != "application/protobuf":
        return f"its Content-Type is {content_type}" if content_type else "it has no Content-Type"
    if framing := next((name for name, _ in request.headers if name.lower() in FRAMING), None):
        return f"no caller may give {framing}"
    authorization = request.header("authorization")
    if authorization is None:
        return None if anonymous else "it has no Authorization"
    if not authorization or authorization != authorization.strip():
        return f"its Authorization {authorization!r} has white space around it"
    return None


def _canonical(exchange: Exchange, method: Method[Any, Any]) -> Message | None:
    """The message whose encoding is the recorded body, but for the order of fields and map entries; or None."""
    try:
        message: Message = method.request.FromString(exchange.request.body)
    except DecodeError:
        return None
    again = message.SerializeToString()
    # Another order keeps the length; a field sent twice, or a default value spelled out, does not.
    same = len(again) == len(exchange.request.body) and protojson(message) == exchange.request.message
    return message if same else None
