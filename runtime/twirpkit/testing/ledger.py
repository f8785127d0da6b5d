"""The ledger: a record of all requests to a server and of its responses."""

from __future__ import annotations

import collections
import copy
import hashlib
import threading
import time
from dataclasses import dataclass
from typing import Final

__all__ = ["Entry", "Ledger", "digest"]


@dataclass(slots=True)
class Entry:
    """One request. Times are those of `time.monotonic`, or None if the event did not happen."""

    number: int
    """The number of the request in the ledger, from 0, in order of arrival over all servers of a cluster."""
    call: str | None
    """The id of the logical call: the value of the request-id header."""
    attempt: int
    """The number of the request within its call, from 1; 1 for a request without an id."""
    method: str
    """The HTTP method."""
    target: str
    port: int
    """The port of the server."""
    connection: int
    """The number of the connection at that server, from 0."""
    key: bytes | None = None
    """The nonce by which the server recognizes a repeated request, if it has a `key` function."""
    received: float = 0.0
    """The time when its header block was complete."""
    executed: float | None = None
    """The time when it was executed."""
    repeated: bool = False
    """True if it was not executed because its key was executed before."""
    head_written: float | None = None
    """The time when the last byte of the response's header block was written."""
    response_written: float | None = None
    """The time when the last byte of a response that defines its own end was written."""
    broken: float | None = None
    """The time when the server or the client ended it before that."""
    status: int | None = None
    """The status of the response, once its first byte is written."""
    gateway: bool = False
    """True if the response is a 5xx without a Twirp error, as a gateway sends it in place of the server."""
    content: bytes | None = None
    """The `digest` of the message in a successful response."""


class Ledger:
    """The entries of one server or cluster. It is thread-safe.

    Args:
        limit: The maximum number of entries; beyond it the oldest are dropped. `check` needs a ledger without dropped
            entries.
    """

    def __init__(self, limit: int = 200_000) -> None:
        self._limit: Final = limit
        self._entries: collections.deque[Entry] = collections.deque()
        self._attempts: collections.Counter[str] = collections.Counter()
        self._executed: collections.Counter[bytes] = collections.Counter()
        self._changed = threading.Condition()
        self._in_progress: set[int] = set()
        self._total = 0

    @property
    def total(self) -> int:
        """The number of requests received, dropped entries included."""
        return self._total

    @property
    def dropped(self) -> int:
        """The number of dropped entries."""
        return self._total - len(self._entries)

    def entries(self) -> list[Entry]:
        """Return copies of all entries, in order of arrival."""
        with self._changed:
            return [copy.copy(entry) for entry in self._entries]

    def of(self, call: str) -> list[Entry]:
        """Return copies of the entries of one call."""
        return [entry for entry in self.entries() if entry.call == call]

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until no request is in progress. Connections that a script ends are then closed.

        Raises:
            TimeoutError: A request is still in progress after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._in_progress, timeout):
                raise TimeoutError(f"{len(self._in_progress)} requests were still in progress after {timeout:g} s")

    def settled(self, timeout: float = 10.0) -> list[Entry]:
        """Wait as `settle` does, with the same errors, and return `entries`."""
        self.settle(timeout)
        return self.entries()

    def open(self, entry: Entry) -> None:
        """Add a request, and set its number, attempt and time."""
        with self._changed:
            entry.number, entry.received = self._total, time.monotonic()
            if entry.call is not None:
                self._attempts[entry.call] += 1
                entry.attempt = self._attempts[entry.call]
            self._total += 1
            self._in_progress.add(entry.number)
            self._entries.append(entry)
            if len(self._entries) > self._limit:
                self._forget(self._entries.popleft())

    def execute(self, entry: Entry) -> None:
        """Record that a request is executed, unless its key was executed before."""
        with self._changed:
            if entry.key is not None and self._executed[entry.key] > 0:
                entry.repeated = True
                return
            entry.executed = time.monotonic()
            if entry.key is not None:
                self._executed[entry.key] += 1

    def begin_response(self, entry: Entry, status: int | None, *, gateway: bool = False) -> None:
        """Record the status of a response whose first byte is about to be written."""
        with self._changed:
            entry.status, entry.gateway = status, gateway

    def finish_head(self, entry: Entry) -> None:
        """Record that the last byte of the response's header block was written."""
        with self._changed:
            entry.head_written = time.monotonic()

    def finish_response(self, entry: Entry, content: bytes | None) -> None:
        """Record that the last byte of a complete response was written."""
        with self._changed:
            entry.response_written = time.monotonic()
            entry.content = None if content is None else digest(content)

    def close(self, entry: Entry) -> None:
        """Record that the request is over. May be called twice."""
        with self._changed:
            if entry.number not in self._in_progress:
                return
            if entry.response_written is None:
                entry.broken = time.monotonic()
            self._in_progress.remove(entry.number)
            self._changed.notify_all()

    def _forget(self, entry: Entry) -> None:
        if entry.key is not None and entry.executed is not None:
            del self._executed[entry.key]
        if entry.call is not None and entry.attempt == self._attempts[entry.call]:
            del self._attempts[entry.call]


def digest(content: bytes) -> bytes:
    """Return an 8-byte hash of a message, which keeps a ledger of many calls small."""
    return hashlib.blake2b(content, digest_size=8).digest()
