"""Marks for what a proto calls deprecated."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

__all__ = ["deprecated"]

F = TypeVar("F", bound=Callable[..., Any])

_CO_COROUTINE: Final = 0x80  # inspect.CO_COROUTINE; sync programs need nothing else of that module

if TYPE_CHECKING:
    # What editors and checkers know. At run time it would be a dependency, and would load asyncio for sync clients.
    from typing_extensions import deprecated
else:

    def deprecated(message: str) -> Callable[[F], F]:
        """Return a decorator: each call warns with a `DeprecationWarning` that names the caller's line.

        So does a call of an ``async def``: where it is called, not where it is awaited.
        """

        def decorate(function: F) -> F:
            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                warnings.warn(message, DeprecationWarning, stacklevel=2)
                return function(*args, **kwargs)

            wrapper.__deprecated__ = message
            return _as_coroutine_function(wrapper) if function.__code__.co_flags & _CO_COROUTINE else wrapper

        return decorate


def _as_coroutine_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function for `inspect.iscoroutinefunction` and return it. Python before 3.12 cannot mark it."""
    import inspect

    mark: Callable[..., Any] = getattr(inspect, "markcoroutinefunction", lambda function: function)
    marked: Callable[..., Any] = mark(function)
    return marked
