"""A request, as a script sees it."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Final, TypeVar

from google.protobuf.message import Message

from twirpkit.testing.http_parsing import Received

__all__ = ["Request"]

Msg = TypeVar("Msg", bound=Message)


class Request:
    """A request, as a script sees it.

    Args:
        received: Its header block.
        port: Of the server.
        connection: The number of its connection, from 0 on.
        number: How many requests came to this server before it.
        call: The value of the request-id header.
        read: Reads its body; also says whether that came to its end.
    """

    def __init__(
        self,
        received: Received,
        *,
        port: int,
        connection: int,
        number: int,
        call: str | None,
        read: Callable[[], tuple[bytes, bool]],
    ) -> None:
        self.received = received
        """Its header block; once its body was read, with the body as far as it came."""
        self.port: Final = port
        self.connection: Final = connection
        self.number: Final = number
        self.call: Final = call
        self.attempt: int = 1
        """The how-manyth request of its call it is; the servers of a cluster count together."""
        self._read = read
        self._is_read = False

    @property
    def body(self) -> bytes:
        """Its body, read from the connection when first asked for. Raises ConnectionError where that ends too early."""
        if not self._is_read:
            body, whole = self._read()
            self.received = dataclasses.replace(self.received, body=body, whole=whole)
            self._is_read = True
        if not self.received.whole:
            raise ConnectionError("the client ended the connection inside of a request")
        return self.received.body

    @property
    def is_read(self) -> bool:
        """Whether its body was read, to its end or to that of the connection."""
        return self._is_read

    @property
    def path(self) -> str:
        """Its target without the query, and (where a proxy was asked) without the origin."""
        target = self.received.target
        if "://" in target:
            target = "/" + target.partition("://")[2].partition("/")[2]
        return target.partition("?")[0]

    @property
    def rpc(self) -> tuple[str, str]:
        """Package and service, and method: the last two parts of its path."""
        service, _, method = self.path.rpartition("/")
        return service.rpartition("/")[2], method

    def header(self, name: str) -> str | None:
        """The value of the first header line of that name, in any case."""
        return next(iter(self.received.values(name)), None)

    def message(self, cls: type[Msg]) -> Msg:
        """Its body as a message. Raises protobuf's DecodeError."""
        return cls.FromString(self.body)

    def random(self, seed: object = 0) -> random.Random:
        """A source of random numbers that gives the same for the same seed, call and attempt, in whatever order."""
        return random.Random(f"{seed}/{self.call or self.number}/{self.attempt}")  # noqa: S311  # no secret
