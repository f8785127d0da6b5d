"""A string that must not be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NoReturn

__all__ = ["REDACTED", "ConcealedHeaders", "Secret", "conceal", "revealed"]

REDACTED: Final = "<redacted>"
"""Stands for a value of a message that must not show."""


class Secret:
    """A string that does not show itself in ``repr``, ``vars``, pickles, logs or tracebacks with local variables."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled or copied: a pickle would show it")

    def reveal(self) -> str:
        """Return the string. Keep it out of local variables: tracebacks show them."""
        return self._value


class ConcealedHeaders(dict[str, str]):
    """Headers whose values are not shown."""

    def __repr__(self) -> str:
        return repr(dict.fromkeys(self, "***"))


def conceal(*values: Any) -> Any:
    """Return arguments in a form that a traceback with local variables does not show (rule E1).

    Constructors rebind their arguments with it before anything can raise: strings become a `Secret`, and mappings show
    their keys only. Anything else stays as it is. One argument is returned alone, several as a tuple.
    """
    hidden = tuple(
        Secret(value)
        if isinstance(value, str)
        else ConcealedHeaders(value)
        if isinstance(value, Mapping) and all(isinstance(each, str) for each in value)
        else value
        for value in values
    )
    return hidden if len(hidden) != 1 else hidden[0]


def revealed(value: Any) -> Any:
    """Return the string in a `Secret`, and anything else as it is. Use it inside an expression, not for a variable."""
    return value.reveal() if isinstance(value, Secret) else value
