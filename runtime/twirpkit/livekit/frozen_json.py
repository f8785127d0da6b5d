"""JSON data that does not change: what immutable values hold of mappings and lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

__all__ = ["FrozenDict", "freeze"]


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("this dict is read-only: change a copy, dict(…)")


class FrozenDict(dict[str, Any]):
    """A dict that does not change; ``dict(it)`` is a copy that does. It pickles, and it is JSON."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def freeze(value: Any) -> Any:
    """A copy of JSON data that does not change: mappings become `FrozenDict`, lists become tuples."""
    if isinstance(value, FrozenDict):
        return value
    if isinstance(value, Mapping):
        return FrozenDict((key, freeze(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return tuple(freeze(each) for each in value)
    return value
