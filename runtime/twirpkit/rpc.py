"""Static facts of one RPC: its messages, its grants and its retry class. Generated code fills them in."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

__all__ = ["Method", "PageFields", "RetryClass", "ServerWait"]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


class RetryClass(enum.StrEnum):
    """The effect of executing an RPC twice, which decides if a request without a response may be retried (rules C)."""

    READ = "read"
    """The RPC changes nothing."""
    IDEMPOTENT = "idempotent"
    """Running it twice leaves the same state as running it once."""
    KEYED = "keyed"
    """The request carries a key by which the server drops repeats."""
    NEVER = "never"
    """Running it twice does it twice."""


@dataclass(frozen=True, slots=True)
class ServerWait:
    """Facts of an RPC on which the server waits, for example for a person who picks up a phone.

    The deadline of such a call is never shorter than the waiting, and the waiting is never left to a default of the
    server: a call that ends first leaves a phone ringing and nobody to talk to.
    """

    field: str
    """The request's field that says how long the server waits: a ``google.protobuf.Duration``, or an integer."""
    default: float
    """Seconds that are written into the copy that is sent, where the field is unset."""
    margin: float
    """Seconds on top of it, for everything else that the call does."""
    when: str | None = None
    """A bool field of the request: the server waits only where it is true. None: it always waits."""
    unit: float | None = None
    """Seconds that one unit of an integer field stands for: 0.001 for milliseconds. None: the field is a duration."""


@dataclass(frozen=True, slots=True)
class PageFields:
    """Names of the fields by which an RPC returns a list page by page. A dot leads into a message."""

    start: str
    """The request's string field that says where the page starts: ``"page_token"``, ``"page_token.token"``."""
    next: str
    """The response's string field that says where the next page starts; empty on the last page."""
    items: str
    """The response's repeated field."""
    item_id: str | None = None
    """The item's string field, if the next page starts after the last item's id; `next` is then empty. None: the
    response has a token."""
    py_name: str = ""
    """The name of the iterator in the generated clients."""


@dataclass(frozen=True, slots=True, eq=False)
class Method(Generic[Req, Resp]):
    """Static facts of one RPC. Generated code has one constant for each, which is equal to itself only."""

    service: str
    """Package and service, as the proto spells them: ``"acme.hats.HatService"``."""
    name: str
    """The RPC, as the proto spells it."""
    py_name: str
    """The name of its method in the generated clients."""
    request: type[Req]
    response: type[Resp]
    retry: RetryClass
    grants: Mapping[str, Any] | None = None
    """JWT claim templates: a string ``"$field"`` stands for that field of the request. None: the RPC has no policy."""
    key: str | None = None
    """The bytes field that gets 16 random bytes per logical call where the caller left it empty."""
    timeout: float = 10.0
    """Seconds that a call may take where neither the call nor its client sets a timeout."""
    wait: ServerWait | None = None
    """Set where the server waits before it responds."""
    pages: PageFields | None = None
    """Set where responses are pages of one list."""
    cloud_only: bool = False
    """True if only the vendor's cloud has the RPC, so that errors of other servers can say so."""

    @property
    def path(self) -> str:
        """``package.Service/Method``, the end of the URL (rule A1)."""
        return f"{self.service}/{self.name}"
