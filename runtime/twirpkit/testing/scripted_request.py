"""The request that a script gets."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Final, TypeVar

from google.protobuf.message import Message

from twirpkit.testing.http_parsing import ReceivedRequest

__all__ = ["Request"]

Msg = TypeVar("Msg", bound=Message)


class Request:
    """One request to a scripted server. Its body is read from the connection when it is first needed.

    Args:
        received: The request without its body.
        port: The port of the server.
        connection: The number of the connection at this server, from 0.
        number: The number of the request at this server, from 0.
        call: The value of the request-id header; None without one.
        read: Reads the body; returns it, and True if it is complete.
    """

    def __init__(
        self,
        received: ReceivedRequest,
        *,
        port: int,
        connection: int,
        number: int,
        call: str | None,
        read: Callable[[], tuple[bytes, bool]],
    ) -> None:
        self.received = received
        """The request as received; once the body was read, with the part of it that arrived."""
        self.port: Final = port
        self.connection: Final = connection
        self.number: Final = number
        self.call: Final = call
        self.attempt: int = 1
        """The number of this request within its call, from 1, counted over all servers of a cluster."""
        self._read = read
        self._is_read = False

    @property
    def body(self) -> bytes:
        """The body. Raises ConnectionError if the connection ended before the body was complete."""
        if not self._is_read:
            body, complete = self._read()
            self.received = dataclasses.replace(self.received, body=body, complete=complete)
            self._is_read = True
        if not self.received.complete:
            raise ConnectionError("the client closed the connection before the request was complete")
        return self.received.body

    @property
    def is_read(self) -> bool:
        """True once the body was read, to its end or to the end of the connection."""
        return self._is_read

    @property
    def path(self) -> str:
        """The path of the target, without the query and without the origin of a request to a proxy."""
        target = self.received.target
        if "://" in target:
            target = "/" + target.partition("://")[2].partition("/")[2]
        return target.partition("?")[0]

    @property
    def rpc(self) -> tuple[str, str]:
        """The service with its package, and the method: the last two segments of the path."""
        service, _, method = self.path.rpartition("/")
        return service.rpartition("/")[2], method

    def header(self, name: str) -> str | None:
        """Return the value of the first header of that name, ignoring case; None without one."""
        return next(iter(self.received.values(name)), None)

    def message(self, cls: type[Msg]) -> Msg:
        """Parse the body as a message. Raises protobuf's DecodeError."""
        return cls.FromString(self.body)

    def random(self, seed: object = 0) -> random.Random:
        """Return a random number generator that is the same for the same seed, call and attempt."""
        return random.Random(f"{seed}/{self.call or self.number}/{self.attempt}")  # noqa: S311  # not a secret
