"""Calls that wait for a person: their budget follows from a field of the request.

A server that rings a phone answers when somebody picks up, or when it gives up ringing. A call that hangs up before it
leaves a phone ringing and nobody to talk to, so the budget is never shorter than the ringing, and the ringing is never
left to a server's own default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

__all__ = ["Wait"]

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Wait:
    """How long an RPC waits, as its manifest row says."""

    field: str
    """The request's ``google.protobuf.Duration`` field: how long the server waits."""
    default: float
    """Seconds that are written into the copy that is sent, where the field is unset."""
    margin: float
    """Seconds on top of it, for everything else that the call does."""
    when: str | None = None
    """A bool field of the request: the rule holds where it is true. None: it always holds."""

    def apply(self, message: M, timeout: float | None) -> tuple[M, float | None]:
        """The message to send, and the budget in seconds: a longer timeout stays, a shorter one is raised.

        The caller's message is never changed.
        """
        if self.when is not None and not getattr(message, self.when):
            return message, timeout
        if not message.HasField(self.field):
            filled = type(message)()
            filled.CopyFrom(message)
            getattr(filled, self.field).FromNanoseconds(round(self.default * 1e9))
            message = filled
        waits: Any = getattr(message, self.field)
        budget = waits.seconds + waits.nanos / 1e9 + self.margin
        return message, timeout if timeout is None else max(timeout, budget)
