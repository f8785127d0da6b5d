"""Header values: what may be one, which names belong to the call, and how secrets stay out of sight."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from twirpkit._protocol.constants import AUTHORIZATION, FIELD_NAME, OWNED_HEADERS
from twirpkit._secret import ConcealedHeaders, Secret, conceal

__all__ = ["Headers", "check_headers", "check_value", "merge_headers"]

_BREAKING: Final = re.compile("[\r\n\0]")
_NOT_LATIN_1: Final = re.compile("[^\0-\xff]")
_HIDDEN: Final = AUTHORIZATION.lower()


class Headers(dict[str, str]):
    """The headers of one request; Authorization does not show."""

    def __repr__(self) -> str:
        return repr({name: "***" if name.lower() == _HIDDEN else value for name, value in self.items()})


def check_value(what: str, value: object) -> str:
    """Return a header value, key, secret or token unchanged (rule E3).

    Args:
        what: Its name, for the error. The value itself is never in the text, nor in a variable of a frame that raises.
        value: A string, or a `Secret`.

    Raises:
        TypeError: It is not a string.
        ValueError: It is empty, has white space around it, a CR, LF or NUL in it, or does not fit into latin-1.
    """
    value = conceal(value)
    if not isinstance(value, Secret):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}")
    problem = _value_problem(value.reveal())
    if problem is not None:
        raise ValueError(f"{what} {problem}")
    return value.reveal()


def _value_problem(value: str) -> str | None:
    if not value:
        return "is empty"
    if value != value.strip():
        return "has white space around it: often a line end that was read from a file; strip it"
    if _BREAKING.search(value) is not None:
        return "holds a CR, LF or NUL character"
    if not value.isascii() and _NOT_LATIN_1.search(value) is not None:
        return "holds a character that no HTTP header can carry (outside latin-1)"
    return None


def check_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return a copy of a caller's extra headers.

    Raises:
        TypeError: A name or value is not a string, or they are not a mapping.
        ValueError: A name is malformed, given twice, or belongs to the call (rule A2); or a value is refused (rule E3).
    """
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise TypeError(f"extra_headers must be a mapping, not {type(headers).__name__}")
    checked = ConcealedHeaders()
    for name in headers:
        if not isinstance(name, str):
            raise TypeError(f"extra_headers: a header name must be a str, not {type(name).__name__}")
        if FIELD_NAME.fullmatch(name) is None:
            raise ValueError(f"extra_headers: {name!r} is not a header name")
        if name.lower() in OWNED_HEADERS:
            raise ValueError(f"extra_headers: {name} is set by the client itself and cannot be given")
        if any(name.lower() == other.lower() for other in checked):
            raise ValueError(f"extra_headers: {name} is given twice")
        what = f"extra_headers: the value of {name}"
        checked[name] = check_value(what, headers[name]) if headers[name] != "" else ""
    return checked


def merge_headers(all_calls: Mapping[str, str], this_call: Mapping[str, str]) -> Headers:
    """Return the extra headers of one call: its own replace the client's, whatever the case of their names."""
    if not this_call:
        return Headers(all_calls)
    own = {name.lower() for name in this_call}
    kept = {name: value for name, value in all_calls.items() if name.lower() not in own}
    return Headers({**kept, **this_call})
