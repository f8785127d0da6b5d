"""Marks for what a proto calls deprecated."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from types import FunctionType
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


def _as_coroutine_function(function: FunctionType) -> FunctionType:
    """Mark a function that returns a coroutine for `inspect.iscoroutinefunction`, and return it."""
    if sys.version_info >= (3, 12):
        import inspect

        return inspect.markcoroutinefunction(function)
    # Python 3.11 has no mark. `inspect` looks at this flag of the code, which calls do not read: an instruction at the
    # start of the code is what makes a coroutine.
    function.__code__ = function.__code__.replace(co_flags=function.__code__.co_flags | _CO_COROUTINE)
    return function
