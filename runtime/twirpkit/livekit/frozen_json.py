"""Immutable JSON data: mappings and lists inside immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

__all__ = ["FrozenDict", "freeze", "thaw"]


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("this dict is read-only: change a copy, dict(…)")


class FrozenDict(dict[str, Any]):
    """A read-only dict; ``dict(it)`` is a copy that can be changed. It pickles, and `json.dumps` takes it."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def freeze(value: Any) -> Any:
    """Return an immutable copy of JSON data: mappings become `FrozenDict`, lists become tuples."""
    if isinstance(value, FrozenDict):
        return value
    if isinstance(value, Mapping):
        return FrozenDict((key, freeze(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return tuple(freeze(each) for each in value)
    return value


def thaw(value: Any) -> Any:
    """Return a mutable copy of JSON data: mappings become dicts, tuples become lists."""
    if isinstance(value, Mapping):
        return {key: thaw(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(each) for each in value]
    return value
