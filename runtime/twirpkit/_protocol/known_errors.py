"""Errors that a server is known to send: facts of the manifest, as data (rule C6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from twirpkit.errors import Code

__all__ = ["KnownError", "find_known_error"]


@dataclass(frozen=True, slots=True)
class KnownError:
    """An error that a server is known to send."""

    code: Code
    text: str
    """A part of its message."""
    hint: str = ""
    """What it usually means, or what to do: added to the error's message."""
    final: bool = False
    """True if it is a fact, where its code alone would look like an outage: it is not retried."""


def find_known_error(known: Iterable[KnownError], code: Code, message: str) -> KnownError | None:
    """Return the first known error with this code whose text is in the server's message, or None."""
    return next((each for each in known if each.code is code and each.text in message), None)
