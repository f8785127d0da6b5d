"""What is known of a server's answers beyond their codes: facts of the manifest, as data (rule C6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from twirpkit.errors import Code, TwirpError

__all__ = ["KnownAnswer", "known_answer"]


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """An error that a server is known to send."""

    code: Code
    text: str
    """What its message has in it."""
    hint: str = ""
    """What it usually means, or what to do: added to the error's message."""
    final: bool = False
    """Whether it is an answer, where its code alone would look like an outage: it is not retried."""


def known_answer(known: Iterable[KnownAnswer], error: TwirpError) -> KnownAnswer | None:
    """The first of the known answers that an error is, or None."""
    return next((each for each in known if each.code is error.code and each.text in error.message), None)
