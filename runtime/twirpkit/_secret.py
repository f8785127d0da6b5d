"""A string that must not be shown."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["Secret"]


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
