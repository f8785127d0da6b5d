"""Errors that a server is known to send: facts of the manifest, as data (rule C6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from twirpkit.errors import Code

__all__ = ["KnownError", "find_known_error", "strip_known_prefixes"]


@dataclass(frozen=True, slots=True)
class KnownError:
    """An error that a server is known to send."""

    code: Code | None
    """Its code; None: any."""
    text: str
    """A part of its message."""
    hint: str = ""
    """Its usual meaning, or what to do: added to the error's message."""
    final: bool = False
    """True if it is a fact, where its code alone would look like an outage: it is not retried."""
    strip: bool = False
    """True if `text` is a prefix that says nothing to callers: it is left out of the error's message."""
    cloud_only: bool = False
    """True if it is known of RPCs that only the vendor's cloud has: see `Method.cloud_only`."""

    def matches(self, code: Code, message: str, *, cloud_only: bool) -> bool:
        """Return True if an error with this code and message is this one."""
        if self.strip or (self.cloud_only and not cloud_only):
            return False
        return self.code in (None, code) and self.text in message


def find_known_error(
    known: Iterable[KnownError], code: Code, message: str, *, cloud_only: bool = False
) -> KnownError | None:
    """Return the first known error with this code whose text is in the server's message, or None.

    Args:
        known: The errors of the package's manifest.
        code: The error's code.
        message: The server's words, not redacted.
        cloud_only: `Method.cloud_only`.
    """
    return next((each for each in known if each.matches(code, message, cloud_only=cloud_only)), None)


def strip_known_prefixes(known: Iterable[KnownError], message: str) -> str:
    """Return a server's message without the prefixes that are known to say nothing."""
    for each in known:
        if each.strip:
            message = message.removeprefix(each.text)
    return message
