"""A comparison of the outcomes that a client reported with the ledger of the server."""

from __future__ import annotations

import collections
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from google.protobuf.message import Message

from twirpkit.errors import DeadlineExceededError, Sent, TwirpError
from twirpkit.rpc import RetryClass
from twirpkit.testing.ledger import Entry, Ledger, digest

__all__ = ["Contradiction", "Outcome", "Outcomes", "Report", "Rule", "check"]

Rule = Literal[
    "a request without a call id",
    "a request of no known call",
    "executed twice",
    "sent again",
    "key changed",
    "success without execution",
    "success without its response",
    "sent no, but received",
    "sent yes, but no response",
    "sent yes, but an attempt broke",
    "sent yes, but a gateway's error",
    "sent maybe, without a reason",
    "more requests than attempts",
    "a status that was never sent",
    "another request id",
    "an error of another library",
]
"""The kinds of contradictions."""

_REFUSED: Final = (401, 451)
"""A response with such a status means the request was not executed: every class may be sent again with another token
(rule C11), or elsewhere (rule D4)."""

Kind = Literal["success", "failure", "abandoned", "foreign"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one call, as the client reported it."""

    call: str
    retry: RetryClass
    kind: Kind
    content: bytes | None = None
    """The `digest` of the message of a success."""
    error: str = ""
    """The class name of the error."""
    sent: Sent | None = None
    attempts: int = 0
    status: int | None = None
    request_id: str | None = None
    deadline_passed: bool = False
    """True if the client's own deadline ended the call."""


class Outcomes:
    """A thread-safe collection of outcomes."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Outcome] = {}
        self._lock = threading.Lock()

    def success(self, call: str, retry: RetryClass, message: Message | bytes) -> None:
        """Record that a call returned a message.

        Args:
            call: The id of the call.
            retry: The retry class of its RPC.
            message: The message, or its bytes.
        """
        content = message if isinstance(message, bytes) else message.SerializeToString(deterministic=True)
        self._add(Outcome(call, retry, "success", digest(content)))

    def failure(self, call: str, retry: RetryClass, error: BaseException) -> None:
        """Record that a call raised an error. Any error but a `TwirpError` is a contradiction.

        Args:
            call: The id of the call.
            retry: The retry class of its RPC.
            error: The error.
        """
        name = type(error).__name__
        if not isinstance(error, TwirpError):
            self._add(Outcome(call, retry, "foreign", error=name))
            return
        deadline_passed = isinstance(error, DeadlineExceededError) and error.status is None
        facts = (error.sent, error.attempts, error.status, error.request_id, deadline_passed)
        self._add(Outcome(call, retry, "failure", None, name, *facts))

    def abandoned(self, call: str, retry: RetryClass) -> None:
        """Record that the caller abandoned a call: its task was cancelled, or a signal handler raised."""
        self._add(Outcome(call, retry, "abandoned"))

    def all(self) -> dict[str, Outcome]:
        """Return a copy of all outcomes, by call."""
        with self._lock:
            return dict(self._outcomes)

    def _add(self, outcome: Outcome) -> None:
        with self._lock:
            if outcome.call in self._outcomes:
                raise ValueError(f"the call {outcome.call!r} already has an outcome: each call needs its own id")
            self._outcomes[outcome.call] = outcome


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A rule that the outcome of a call breaks, with the entries of the call in the ledger."""

    rule: Rule
    outcome: Outcome | None
    entries: tuple[Entry, ...]

    def __str__(self) -> str:
        lines = [f"{self.rule}", f"  client: {self.outcome}", *(f"  server: {entry}" for entry in self.entries)]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check. Its text shows the first 20 contradictions with both sides."""

    calls: int
    requests: int
    kinds: Mapping[str, int]
    """The number of outcomes by retry class, kind and ``sent``: ``{"never failure maybe": 3}``."""
    contradictions: Sequence[Contradiction] = field(repr=False)
    """The contradictions; empty if the ledger explains every outcome."""

    def __str__(self) -> str:
        head = f"{self.calls} calls, {self.requests} requests, {len(self.contradictions)} contradictions"
        return "\n".join([head, *map(str, self.contradictions[:20])])


def check(ledger: Ledger | Sequence[Entry], outcomes: Outcomes) -> Report:
    """Compare the outcomes with the ledger. Requests other than POST, such as region discovery, are ignored.

    Args:
        ledger: The ledger of the server or cluster, which is waited for until no request is in progress; or its
            entries.
        outcomes: The outcomes of all calls that were made.

    Raises:
        ValueError: The ledger dropped entries.
        TimeoutError: A request is still in progress after 10 s.
    """
    if isinstance(ledger, Ledger):
        if ledger.dropped:
            raise ValueError(f"the ledger dropped {ledger.dropped} entries: make it with a larger limit")
        entries = ledger.settled()
    else:
        entries = list(ledger)
    reported = outcomes.all()
    by_call: dict[str | None, list[Entry]] = collections.defaultdict(list)
    for entry in entries:
        if entry.method == "POST":
            by_call[entry.call].append(entry)
    found: list[Contradiction] = []
    for call, received in by_call.items():
        if call is None:
            found.append(Contradiction("a request without a call id", None, tuple(received)))
        elif call not in reported:
            found.append(Contradiction("a request of no known call", None, tuple(received)))
    for outcome in reported.values():
        received = by_call.get(outcome.call, [])
        found += (Contradiction(rule, outcome, tuple(received)) for rule in _broken_rules(outcome, received))
    kinds = collections.Counter(" ".join(filter(None, (o.retry, o.kind, o.sent))) for o in reported.values())
    return Report(len(reported), sum(map(len, by_call.values())), dict(kinds), found)


def _broken_rules(outcome: Outcome, entries: Sequence[Entry]) -> Iterator[Rule]:
    yield from _effects(outcome, entries)
    if outcome.kind == "success":
        yield from _success(outcome, entries)
    elif outcome.kind == "failure":
        yield from _failure(outcome, entries)
    elif outcome.kind == "foreign":
        yield "an error of another library"


def _effects(outcome: Outcome, entries: Sequence[Entry]) -> Iterator[Rule]:
    """Check the rules that do not depend on the outcome (rules C1, C4)."""
    executed = sum(entry.executed is not None for entry in entries)
    if executed > 1 and outcome.retry in (RetryClass.NEVER, RetryClass.KEYED):
        yield "executed twice"
    if outcome.retry is RetryClass.NEVER and any(entry.status not in _REFUSED for entry in entries[:-1]):
        yield "sent again"
    if outcome.retry is RetryClass.KEYED and len({entry.key for entry in entries}) > 1:
        yield "key changed"


def _success(outcome: Outcome, entries: Sequence[Entry]) -> Iterator[Rule]:
    if not any(entry.executed is not None or entry.repeated for entry in entries):
        yield "success without execution"
    if not any(entry.response_written is not None and entry.content == outcome.content for entry in entries):
        yield "success without its response"


def _failure(outcome: Outcome, entries: Sequence[Entry]) -> Iterator[Rule]:
    """Check the facts that an error reports about its call (rule C5)."""
    if outcome.sent == "no" and entries:
        yield "sent no, but received"
    if outcome.sent == "yes":
        if not any(entry.head_written is not None for entry in entries):
            yield "sent yes, but no response"
        # The client need not read the rest of a 200 that it rejects as too large or for its type.
        conclusive = entries[:-1] if outcome.status == 200 else entries
        if any(_broke(entry) for entry in conclusive):
            yield "sent yes, but an attempt broke"
        if any(entry.gateway for entry in entries):
            yield "sent yes, but a gateway's error"
    if outcome.sent == "maybe" and not _may_have_failed(outcome, entries):
        yield "sent maybe, without a reason"
    if outcome.attempts < len(entries):
        yield "more requests than attempts"
    if outcome.status is not None and all(entry.status != outcome.status for entry in entries):
        yield "a status that was never sent"
    if outcome.request_id not in (None, outcome.call):
        yield "another request id"


def _broke(entry: Entry) -> bool:
    """Return True if the client cannot have read a response. Only the body of an error may be missing."""
    return entry.broken is not None and (entry.head_written is None or entry.status == 200)


def _may_have_failed(outcome: Outcome, entries: Sequence[Entry]) -> bool:
    """Return True if an attempt may have ended without a response, as far as the server can tell."""
    if outcome.deadline_passed or outcome.attempts > len(entries):
        return True
    # A gateway's error leaves the call in doubt, and so does a Twirp error whose end is missing: it is read as one.
    if any(entry.gateway or (entry.broken is not None and (entry.status or 0) >= 500) for entry in entries):
        return True
    # A 200 without `content` may have wrong framing or a wrong encoding.
    if any(_broke(entry) or (entry.status == 200 and entry.content is None) for entry in entries):
        return True
    # The client sent the next attempt before the response was complete: the attempt's share of the time was over.
    return any(
        entry.response_written is not None and entry.response_written > following.received
        for entry, following in itertools.pairwise(entries)
    )
