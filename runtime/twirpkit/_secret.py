"""A string that must not be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NoReturn

__all__ = ["REDACTED", "ConcealedHeaders", "Secret", "conceal", "revealed"]

REDACTED: Final = "<redacted>"
"""Stands for a value of a message that must not show."""


class Secret:
    """A string that does not show itself in ``repr``, ``vars``, pickles, logs or tracebacks with local variables."""

    __slots__ = ("_value", "variable")

    def __init__(self, value: str, variable: str | None = None) -> None:
        self._value = value
        self.variable = variable
        """The environment variable that it came from; None: it was passed."""

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
    their keys only. Bytes, sequences and sets, often given by mistake, keep their values and do not show them.
    Anything else stays as it is. One argument is returned alone, several as a tuple.
    """
    hidden = tuple(map(_conceal, values))
    return hidden if len(hidden) != 1 else hidden[0]


def _conceal(value: Any) -> Any:
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Mapping):
        return ConcealedHeaders(value)
    kind = _CONCEALED.get(type(value))
    return value if kind is None else kind(value)


def _concealed(kind: type) -> Any:
    """Return a subclass whose values do not show. It has the name of its base, which error texts name."""
    return type(kind.__name__, (kind,), {"__repr__": lambda self: "***", "__str__": lambda self: "***"})


_CONCEALED: Final = {kind: _concealed(kind) for kind in (bytes, bytearray, list, tuple, set, frozenset)}


def revealed(value: Any) -> Any:
    """Return the string in a `Secret`, and anything else as it is. Use it inside an expression, not for a variable."""
    return value.reveal() if isinstance(value, Secret) else value
