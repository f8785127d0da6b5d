"""Suggestions for misspelled names in error texts."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["suggestion"]


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the end of an error text: the known name that is closest, or all of them."""
    import difflib  # here, because only a mistake needs it

    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; it has {', '.join(names) or 'none'}"
