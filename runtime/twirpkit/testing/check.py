"""The client's outcomes against the server's ledger: each line of either must be explained by the other."""

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
    "success without its answer",
    "sent no, but received",
    "sent yes, but not answered",
    "sent yes, but an attempt broke",
    "sent yes, but a gateway answered",
    "sent maybe, without a reason",
    "more requests than attempts",
    "a status that was never sent",
    "another request id",
    "an error of another library",
]
"""What can be contradicted."""

_REFUSED: Final = (401, 451)
"""Statuses of a server that has not run the request: every class may be signed anew or go elsewhere (rules C11, D4)."""

Kind = Literal["success", "failure", "abandoned", "foreign"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a client said of one call."""

    call: str
    retry: RetryClass
    kind: Kind
    content: bytes | None = None
    """Of a success: `digest` of the message."""
    error: str = ""
    """The name of its class."""
    sent: Sent | None = None
    attempts: int = 0
    status: int | None = None
    request_id: str | None = None
    late: bool = False
    """Whether the client's own deadline ended it."""


class Outcomes:
    """Collects outcomes, from any thread or task."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Outcome] = {}
        self._lock = threading.Lock()

    def success(self, call: str, retry: RetryClass, message: Message | bytes) -> None:
        """The call returned this message."""
        content = message if isinstance(message, bytes) else message.SerializeToString(deterministic=True)
        self._add(Outcome(call, retry, "success", digest(content)))

    def failure(self, call: str, retry: RetryClass, error: BaseException) -> None:
        """The call raised. Any error but a `TwirpError` is a contradiction."""
        name = type(error).__name__
        if not isinstance(error, TwirpError):
            self._add(Outcome(call, retry, "foreign", error=name))
            return
        late = isinstance(error, DeadlineExceededError) and error.status is None
        facts = (error.sent, error.attempts, error.status, error.request_id, late)
        self._add(Outcome(call, retry, "failure", None, name, *facts))

    def abandoned(self, call: str, retry: RetryClass) -> None:
        """The caller gave up: a task was cancelled, a signal's handler raised."""
        self._add(Outcome(call, retry, "abandoned"))

    def all(self) -> dict[str, Outcome]:
        """A copy, by call."""
        with self._lock:
            return dict(self._outcomes)

    def _add(self, outcome: Outcome) -> None:
        with self._lock:
            if outcome.call in self._outcomes:
                raise ValueError(f"the call {outcome.call!r} has an outcome already: each call needs an id of its own")
            self._outcomes[outcome.call] = outcome


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Both sides of what does not fit."""

    rule: Rule
    outcome: Outcome | None
    entries: tuple[Entry, ...]

    def __str__(self) -> str:
        lines = [f"{self.rule}", f"  client: {self.outcome}", *(f"  server: {entry}" for entry in self.entries)]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check. Its text has the first contradictions with both sides."""

    calls: int
    requests: int
    kinds: Mapping[str, int]
    """How many outcomes of each retry class, kind and ``sent``: ``{"never failure maybe": 3}``."""
    contradictions: Sequence[Contradiction] = field(repr=False)
    """Empty: all is explained."""

    def __str__(self) -> str:
        head = f"{self.calls} calls, {self.requests} requests, {len(self.contradictions)} contradictions"
        return "\n".join([head, *map(str, self.contradictions[:20])])


def check(ledger: Ledger | Sequence[Entry], outcomes: Outcomes) -> Report:
    """Compare. Requests other than POST, such as the discovery of regions, belong to no call and are left out.

    Args:
        ledger: Of the server or cluster, waited for until it is settled; or its entries.
        outcomes: Of all calls that were made.

    Raises:
        ValueError: The ledger lost entries.
        TimeoutError: A request is still under way.
    """
    if isinstance(ledger, Ledger):
        if ledger.dropped:
            raise ValueError(f"the ledger lost {ledger.dropped} entries: give it a larger limit")
        entries = ledger.settled()
    else:
        entries = list(ledger)
    told = outcomes.all()
    by_call: dict[str | None, list[Entry]] = collections.defaultdict(list)
    for entry in entries:
        if entry.method == "POST":
            by_call[entry.call].append(entry)
    found: list[Contradiction] = []
    for call, received in by_call.items():
        if call is None:
            found.append(Contradiction("a request without a call id", None, tuple(received)))
        elif call not in told:
            found.append(Contradiction("a request of no known call", None, tuple(received)))
    for outcome in told.values():
        received = by_call.get(outcome.call, [])
        found += (Contradiction(rule, outcome, tuple(received)) for rule in _broken_rules(outcome, received))
    kinds = collections.Counter(" ".join(filter(None, (o.retry, o.kind, o.sent))) for o in told.values())
    return Report(len(told), sum(map(len, by_call.values())), dict(kinds), found)


def _broken_rules(outcome: Outcome, entries: Sequence[Entry]) -> Iterator[Rule]:
    yield from _effects(outcome, entries)
    if outcome.kind == "success":
        yield from _success(outcome, entries)
    elif outcome.kind == "failure":
        yield from _failure(outcome, entries)
    elif outcome.kind == "foreign":
        yield "an error of another library"


def _effects(outcome: Outcome, entries: Sequence[Entry]) -> Iterator[Rule]:
    """What holds whatever the client was told (rules C1, C4)."""
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
    if not any(entry.answered is not None and entry.content == outcome.content for entry in entries):
        yield "success without its answer"


def _failure(outcome: Outcome, entries: Sequence[Entry]) -> Iterator[Rule]:
    """What an error says of its call (rule C5)."""
    if outcome.sent == "no" and entries:
        yield "sent no, but received"
    if outcome.sent == "yes":
        if not any(entry.head_written is not None for entry in entries):
            yield "sent yes, but not answered"
        # Of a 200 that the client refused as too large or of the wrong type it need not have read the rest.
        heard = entries[:-1] if outcome.status == 200 else entries
        if any(_broke(entry) for entry in heard):
            yield "sent yes, but an attempt broke"
        if any(entry.gateway for entry in entries):
            yield "sent yes, but a gateway answered"
    if outcome.sent == "maybe" and not _may_have_failed(outcome, entries):
        yield "sent maybe, without a reason"
    if outcome.attempts < len(entries):
        yield "more requests than attempts"
    if outcome.status is not None and all(entry.status != outcome.status for entry in entries):
        yield "a status that was never sent"
    if outcome.request_id not in (None, outcome.call):
        yield "another request id"


def _broke(entry: Entry) -> bool:
    """Whether the client cannot have taken it for answered: an error's body may be missing, a success's not."""
    return entry.broken is not None and (entry.head_written is None or entry.status == 200)


def _may_have_failed(outcome: Outcome, entries: Sequence[Entry]) -> bool:
    """Whether some attempt may have ended without an answer, as far as the server can see."""
    if outcome.late or outcome.attempts > len(entries):
        return True
    # A gateway's error, or a Twirp error of which the end is missing, so that it cannot be told from one.
    if any(entry.gateway or (entry.broken is not None and (entry.status or 0) >= 500) for entry in entries):
        return True
    # A success that the script does not stand for: its framing or encoding may be wrong.
    if any(_broke(entry) or (entry.status == 200 and entry.content is None) for entry in entries):
        return True
    # The client had gone on before the answer was out: it had given the attempt only a part of its time.
    return any(
        entry.answered is not None and entry.answered > following.received
        for entry, following in itertools.pairwise(entries)
    )
