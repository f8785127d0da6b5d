"""The plan for playing an exchange: with a client, with a transport, or the response only."""

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
from twirpkit._protocol.constants import (
    ACCEPT,
    ACCEPT_ENCODING,
    AUTHORIZATION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    PROTOBUF,
    TIMEOUT_MS,
    TRANSFER_ENCODING,
    USER_AGENT,
)
from twirpkit.conformance.exchange import Exchange
from twirpkit.rpc import Method

__all__ = ["PLACEHOLDER", "TOKEN", "Catalogue", "Plan", "Route", "Rpc", "plan", "protojson"]

TOKEN: Final = "<token>"  # noqa: S105  # recordings contain it in place of a token
PLACEHOLDER: Final = "not.a.token"
"""Sent in place of the token if no client signs one."""

OWNED: Final = frozenset(
    each.lower()
    for each in (ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, "Host", USER_AGENT, TIMEOUT_MS)
)
"""Headers that a client sets itself, in lower case: the recorded ones are not sent."""
FRAMING: Final = frozenset(("connection", CONTENT_ENCODING.lower(), TRANSFER_ENCODING.lower()))
"""Headers that no caller may set and that change the meaning of the request, in lower case."""

_TOKEN_CHARACTERS: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Route(enum.StrEnum):
    """The sender of an exchange's request."""

    CLIENT = "client"
    """Both clients: everything is compared."""
    TRANSPORT = "transport"
    """The transport, byte for byte. The response is also read by the clients, and their results are compared."""
    RESPONSE = "response"
    """Nobody: only the response is played, to another request."""


@dataclass(frozen=True, slots=True)
class Rpc:
    """One RPC of the SDK under test."""

    attribute: str
    """The name of the facade's property for the service."""
    method: Method[Any, Any]


class Catalogue:
    """The RPCs of a generated package, by the path of their requests."""

    def __init__(self, package: PackageInfo) -> None:
        self.package = package
        self._rpcs: dict[str, Rpc] = {}
        for facts in package.services.values():
            module = importlib.import_module(f"{package.name}._methods.{facts.attribute}")
            self._rpcs.update({f"{package.prefix}/{each.path}": Rpc(facts.attribute, each) for each in module.METHODS})

    def by_target(self, target: str) -> Rpc | None:
        """Return the RPC with exactly this request target; None without one."""
        return self._rpcs.get(target)

    def first(self) -> Rpc:
        """Return any RPC. Raises ValueError for a package without RPCs."""
        if not self._rpcs:
            raise ValueError(f"{self.package.name} has no RPC")
        return next(iter(self._rpcs.values()))


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for one exchange."""

    route: Route
    reason: str = ""
    """The reason why no client sends the request; empty for `Route.CLIENT`."""
    rpc: Rpc | None = None
    message: Message | None = field(default=None, repr=False)
    """The request of a client."""
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The headers that the caller adds."""
    authorization: str | None = field(default=None, repr=False)
    """The recorded Authorization value to make the client with; None for the suite's own credentials."""

    @property
    def message_or_empty(self) -> Message:
        """The request of a client; an empty one if the recorded request cannot be sent."""
        assert self.rpc is not None  # noqa: S101  # a client sends nothing without an RPC
        empty: Message = self.rpc.method.request()
        return empty if self.message is None else self.message


def plan(exchange: Exchange, catalogue: Catalogue, *, anonymous: bool = False) -> Plan:
    """Choose the route of an exchange.

    Args:
        exchange: The exchange.
        catalogue: The RPCs of the SDK under test.
        anonymous: True if its clients send no Authorization of their own.
    """
    rpc = catalogue.by_target(exchange.request.target)
    if reason := _unsendable(exchange):
        return Plan(Route.RESPONSE, reason, rpc)
    if reason := _foreign(exchange, catalogue, anonymous=anonymous):
        return Plan(Route.TRANSPORT, reason, rpc)
    assert rpc is not None  # noqa: S101  # a target without an RPC has a reason above
    message = _canonical(exchange, rpc.method)
    if message is None:
        name = rpc.method.request.DESCRIPTOR.name
        return Plan(Route.TRANSPORT, f"its body is not the canonical encoding of {name}", rpc)
    lines = exchange.request.headers
    extra = {name: value.replace(TOKEN, PLACEHOLDER) for name, value in lines if name.lower() not in OWNED}
    authorization = exchange.request.header(AUTHORIZATION)
    own = authorization in (None, f"Bearer {TOKEN}")
    return Plan(
        Route.CLIENT, "", rpc, message, extra, None if own else (authorization or "").replace(TOKEN, PLACEHOLDER)
    )


def protojson(message: Message) -> Any:
    """Return a message in protojson as recordings contain it."""
    pool: Any = message.DESCRIPTOR.file.pool  # for an Any
    return json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=pool)


def _unsendable(exchange: Exchange) -> str | None:
    """Return the reason why no transport can send this request; None if it can."""
    request = exchange.request
    names = [name.lower() for name, _ in request.headers]
    if not _TOKEN_CHARACTERS.fullmatch(request.method) or not re.fullmatch(r"/[!-~]*", request.target):
        return "its request line is not HTTP"
    if "host" not in names:
        return "it has no Host"
    if TRANSFER_ENCODING.lower() in names:
        return "it is sent in chunks, which no client does"
    if twice := next((name for name in names if names.count(name) > 1), None):
        return f"it has two {twice} lines"
    announced = request.header(CONTENT_LENGTH)
    if announced is not None and announced != str(len(request.body)):
        return f"of the {announced} bytes of its body {len(request.body)} are stored"
    return None


def _foreign(exchange: Exchange, catalogue: Catalogue, *, anonymous: bool) -> str | None:
    """Return the reason why no client sends this request line and these headers; None if one does."""
    request = exchange.request
    if request.method != "POST":
        return f"its method is {request.method}"
    if catalogue.by_target(request.target) is None:
        service = (exchange.rpc or "").partition("/")[0]
        absent = service and service not in catalogue.package.services
        return f"the SDK has no {service}" if absent else f"its path {request.target} is not one of the SDK's"
    if (content_type := request.header(CONTENT_TYPE)) != PROTOBUF:
        return f"its Content-Type is {content_type}" if content_type else "it has no Content-Type"
    if framing := next((name for name, _ in request.headers if name.lower() in FRAMING), None):
        return f"no caller may set {framing}"
    authorization = request.header(AUTHORIZATION)
    if authorization is None:
        return None if anonymous else "it has no Authorization"
    if not authorization or authorization != authorization.strip():
        return f"its Authorization {authorization!r} has white space around it"
    return None


def _canonical(exchange: Exchange, method: Method[Any, Any]) -> Message | None:
    """Return the message whose encoding is the recorded body, except for the order of fields and map entries.

    Return None if there is no such message.
    """
    try:
        message: Message = method.request.FromString(exchange.request.body)
    except DecodeError:
        return None
    again = message.SerializeToString()
    # A different order keeps the length; a repeated field or an explicit default value does not.
    same = len(again) == len(exchange.request.body) and protojson(message) == exchange.request.message
    return message if same else None
