"""The ledger: what a server saw and did, one entry a request."""

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
    """One request. Moments are on `time.monotonic`'s clock, None where they did not come."""

    number: int
    """Its place in the ledger, from 0 on: requests of all servers of a cluster, in the order of their arrival."""
    call: str | None
    """The id of the logical call: the value of the request-id header."""
    attempt: int
    """The how-manyth request of that call this is, from 1 on. 1 where it has no id."""
    method: str
    """The HTTP method."""
    target: str
    port: int
    """Of the server that it came to."""
    connection: int
    """The number of its connection at that server, from 0 on."""
    key: bytes | None = None
    """What the server drops repeats by (a nonce), where it was told how to find one."""
    received: float = 0.0
    """Its header block was whole."""
    executed: float | None = None
    """Its effect took place."""
    repeated: bool = False
    """Its key had been seen, so that it was not executed again."""
    head_written: float | None = None
    """The header block of its answer was written, to the last byte."""
    answered: float | None = None
    """Its answer was written, to the last byte, and says itself that this is its end."""
    broken: float | None = None
    """The server or the client gave up before that."""
    status: int | None = None
    """Of the answer, as soon as its first byte is written."""
    gateway: bool = False
    """True if the answer is a 5xx without a Twirp error, as a gateway sends it in place of the server."""
    content: bytes | None = None
    """`digest` of the message in the answer, where that is a success."""


class Ledger:
    """All entries of one server or cluster. Threads may read it while servers write.

    Args:
        limit: How many entries to keep; from then on the oldest make room. `check` wants a ledger that lost none.
    """

    def __init__(self, limit: int = 200_000) -> None:
        self._limit: Final = limit
        self._entries: collections.deque[Entry] = collections.deque()
        self._attempts: collections.Counter[str] = collections.Counter()
        self._executed: collections.Counter[bytes] = collections.Counter()
        self._changed = threading.Condition()
        self._under_way: set[int] = set()
        self._total = 0

    @property
    def total(self) -> int:
        """How many requests were received, those that made room included."""
        return self._total

    @property
    def dropped(self) -> int:
        """How many entries made room for others."""
        return self._total - len(self._entries)

    def entries(self) -> list[Entry]:
        """Copies of all entries, in the order of arrival."""
        with self._changed:
            return [copy.copy(entry) for entry in self._entries]

    def of(self, call: str) -> list[Entry]:
        """Copies of the entries of one call."""
        return [entry for entry in self.entries() if entry.call == call]

    def settled(self, timeout: float = 10.0) -> list[Entry]:
        """`entries`, once no request is under way any more: a connection that its script ends has then been ended.

        Raises:
            TimeoutError: One still was after that many seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._under_way, timeout):
                raise TimeoutError(f"{len(self._under_way)} requests were still under way after {timeout:g} s")
        return self.entries()

    def open(self, entry: Entry) -> None:
        """A request was received. Gives the entry its number, its attempt and its moment."""
        with self._changed:
            entry.number, entry.received = self._total, time.monotonic()
            if entry.call is not None:
                self._attempts[entry.call] += 1
                entry.attempt = self._attempts[entry.call]
            self._total += 1
            self._under_way.add(entry.number)
            self._entries.append(entry)
            if len(self._entries) > self._limit:
                self._forget(self._entries.popleft())

    def execute(self, entry: Entry) -> None:
        """Its effect takes place, unless it took place for the same key."""
        with self._changed:
            if entry.key is not None and self._executed[entry.key] > 0:
                entry.repeated = True
                return
            entry.executed = time.monotonic()
            if entry.key is not None:
                self._executed[entry.key] += 1

    def begin(self, entry: Entry, status: int | None, *, gateway: bool = False) -> None:
        """The first byte of an answer is about to be written."""
        with self._changed:
            entry.status, entry.gateway = status, gateway

    def head(self, entry: Entry) -> None:
        """The last byte of the answer's header block was written."""
        with self._changed:
            entry.head_written = time.monotonic()

    def answer(self, entry: Entry, content: bytes | None) -> None:
        """The last byte of a whole answer was written."""
        with self._changed:
            entry.answered = time.monotonic()
            entry.content = None if content is None else digest(content)

    def close(self, entry: Entry) -> None:
        """Nothing more happens to the request. Twice is fine."""
        with self._changed:
            if entry.number not in self._under_way:
                return
            if entry.answered is None:
                entry.broken = time.monotonic()
            self._under_way.remove(entry.number)
            self._changed.notify_all()

    def _forget(self, entry: Entry) -> None:
        if entry.key is not None and entry.executed is not None:
            del self._executed[entry.key]
        if entry.call is not None and entry.attempt == self._attempts[entry.call]:
            del self._attempts[entry.call]


def digest(content: bytes) -> bytes:
    """Eight bytes that stand for a message, so that a ledger of many calls stays small."""
    return hashlib.blake2b(content, digest_size=8).digest()
