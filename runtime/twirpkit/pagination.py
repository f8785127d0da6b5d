"""Iterators over lists that a service returns page by page.

A response that is not the last page holds a token, which the next request gives back; or the next request gives the id
of the last item, and the list ends with a page without a new one. The generator recognizes such RPCs by their fields,
and writes an iterator beside the call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from google.protobuf.message import Message

from twirpkit._schema.request_messages import request_message
from twirpkit.client import AsyncClient, Client
from twirpkit.errors import Code, InternalError
from twirpkit.options import CallOptions
from twirpkit.rpc import Method

__all__ = ["PageCursor", "aiterate", "iterate"]


def iterate(
    client: Client, method: Method[Any, Any], request: object, fields: Mapping[str, Any], options: CallOptions
) -> Iterator[Any]:
    """Iterate over the items of every page; the next page is fetched when the items before it are used up.

    Args:
        client: Makes one logical call for each page.
        method: The RPC, one with `PageFields`.
        request: The request of the first page, as a generated method takes it. It is copied.
        fields: Or its fields.
        options: Options of each call.

    Raises:
        TypeError, ValueError: The request is malformed.
        TwirpError: While iterating: a page could not be fetched, or leads back to one that was.
    """
    pages = PageCursor(method, request, fields)

    def items() -> Iterator[Any]:
        while pages.has_next:
            yield from pages.items_of(client.call(method, pages.request, {}, options))
            pages.advance()

    return items()


def aiterate(
    client: AsyncClient, method: Method[Any, Any], request: object, fields: Mapping[str, Any], options: CallOptions
) -> AsyncIterator[Any]:
    """Iterate as `iterate` does, for an async client."""
    pages = PageCursor(method, request, fields)

    async def items() -> AsyncIterator[Any]:
        while pages.has_next:
            for item in pages.items_of(await client.call(method, pages.request, {}, options)):
                yield item
            pages.advance()

    return items()


class PageCursor:
    """The position in a list of pages, without I/O."""

    def __init__(self, method: Method[Any, Any], request: object, fields: Mapping[str, Any]) -> None:
        if method.pages is None:
            raise TypeError(f"{method.path} does not answer in pages")
        self._pages = method.pages
        self._path = method.path
        given = request_message(method.request, request, fields)
        self.request = type(given)()
        """The next page's request: a copy, since the caller's message is never changed."""
        type(given).CopyFrom(self.request, given)
        self.has_next = True
        self._next = ""
        self._seen = {_value(self.request, self._pages.start)}
        self._given = self._seen - {""}
        """The ids of the items that came, and the one after which the caller starts."""

    def items_of(self, response: Message) -> Any:
        """Return the items of a page; of those with an id the ones that did not come before."""
        items = getattr(response, self._pages.items)
        if self._pages.item_id is None:
            self._next = _value(response, self._pages.next)
            return items
        self._next, fresh = "", []
        for item in items:
            item_id = _value(item, self._pages.item_id)
            if item_id in self._given:  # from a server that ignores the start, or one whose pages overlap
                continue
            fresh.append(item)
            if item_id:
                self._given.add(item_id)
                self._next = item_id
        return fresh

    def advance(self) -> None:
        """Move on to the next page, if there is one.

        Raises:
            InternalError: It is one that came already, so that the list would have no end.
        """
        if not self._next:
            self.has_next = False
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
