"""Lists that come page by page, as one run of items.

An answer that is not the last page holds a token, which the next request gives back. The generator knows such RPCs by
their fields, and writes an iterator beside the call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from twirpkit.errors import Code, InternalError
from twirpkit.fields import request_message

if TYPE_CHECKING:
    from twirpkit.call import Method
    from twirpkit.client import AsyncClient, Client

__all__ = ["Pages", "async_items", "sync_items"]


@dataclass(frozen=True, slots=True)
class Pages:
    """Where an RPC's messages hold what makes its answers pages of one list. A dot leads into a message."""

    start: str
    """The request's string field that says where the page starts: ``"page_token"``, ``"page_token.token"``."""
    next: str
    """The answer's string field that says where the next page starts; empty on the last page."""
    items: str
    """The answer's repeated field."""


def sync_items(
    client: Client, method: Method[Any, Any], request: object, fields: Mapping[str, Any], *options: Any
) -> Iterator[Any]:
    """The items of every page; the next page is fetched when the items before it are used up.

    Args:
        client: Makes one logical call for each page.
        method: The RPC, one with `Pages`.
        request: The first page's request, as `twirpkit.fields.request_message` takes it. It is copied.
        fields: Or its fields.
        options: What `Client.call` takes after them, for each call alike.

    Raises:
        TypeError, ValueError: The request is malformed.
        TwirpError: While iterating: a page could not be fetched, or leads back to one that was.
    """
    walk = _Walk(method, request, fields)

    def items() -> Iterator[Any]:
        while walk.goes_on:
            yield from walk.items_of(client.call(method, walk.request, {}, *options))
            walk.turn()

    return items()


def async_items(
    client: AsyncClient, method: Method[Any, Any], request: object, fields: Mapping[str, Any], *options: Any
) -> AsyncIterator[Any]:
    """As `sync_items`, for an async client."""
    walk = _Walk(method, request, fields)

    async def items() -> AsyncIterator[Any]:
        while walk.goes_on:
            for item in walk.items_of(await client.call(method, walk.request, {}, *options)):
                yield item
            walk.turn()

    return items()


class _Walk:
    """From page to page, without I/O."""

    def __init__(self, method: Method[Any, Any], request: object, fields: Mapping[str, Any]) -> None:
        if method.pages is None:
            raise TypeError(f"{method.path} does not answer in pages")
        self._pages = method.pages
        self._path = method.path
        given = request_message(method.request, request, fields)
        self.request = type(given)()
        """The next page's request: a copy, since the caller's message is never changed."""
        type(given).CopyFrom(self.request, given)
        self.goes_on = True
        self._next = ""
        self._seen = {_value(self.request, self._pages.start)}

    def items_of(self, answer: Message) -> Any:
        """The items of a page."""
        self._next = _value(answer, self._pages.next)
        return getattr(answer, self._pages.items)

    def turn(self) -> None:
        """Go on to the next page, if there is one.

        Raises:
            InternalError: It is one that came already, so that the list would have no end.
        """
        if not self._next:
            self.goes_on = False
            return
        if self._next in self._seen:
            text = f"{self._path}: the server's page token leads back to a page that it gave before"
            raise InternalError(Code.INTERNAL, text, status=200, sent="yes")
        self._seen.add(self._next)
        *outer, last = self._pages.start.split(".")
        setattr(_inner(self.request, outer), last, self._next)


def _value(message: Message, path: str) -> str:
    *outer, last = path.split(".")
    value: str = getattr(_inner(message, outer), last)
    return value


def _inner(message: Any, path: list[str]) -> Any:
    for name in path:
        message = getattr(message, name)
    return message
