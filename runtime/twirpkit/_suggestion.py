"""Suggestions for misspelled names in error texts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Self

__all__ = ["Suggesting", "check_arguments", "closest", "closest_argument", "suggestion"]

_SYNONYMS: Final = {
    "access_token": "token",
    "address": "url",
    "api_token": "token",
    "authorization": "auth",
    "base_url": "url",
    "bearer": "token",
    "ca_certs": "tls",
    "ca_file": "tls",
    "cafile": "tls",
    "cert": "tls",
    "client": "session",
    "deadline": "timeout",
    "endpoint": "url",
    "host": "url",
    "http_client": "session",
    "max_attempts": "retry",
    "max_retries": "retry",
    "server": "url",
    "server_url": "url",
    "service_url": "url",
    "ssl": "tls",
    "ssl_context": "tls",
    "trust_env": "proxy",
    "verify": "tls",
    "verify_ssl": "tls",
}
"""Names of arguments in other libraries, and our names for them. A name that is only misspelled is not listed."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is closest to a misspelled one, if one is close."""
    import difflib  # here, because only a mistake needs it

    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def closest_argument(name: str, known: Iterable[str]) -> str | None:
    """Return the argument that was probably meant: the one that another library calls so, or the closest one."""
    names = list(known)
    synonym = _SYNONYMS.get(name.lower())
    return synonym if synonym in names else closest(name, names)


def suggestion(name: str, known: Iterable[str], find: Callable[[str, Iterable[str]], str | None] = closest) -> str:
    """Return the end of an error text: the known name that was probably meant, or all of them."""
    names = list(known)
    meant = find(name, names)
    return f"; did you mean {meant!r}?" if meant is not None else f"; it has {', '.join(names) or 'none'}"


def check_arguments(owner: str, given: Iterable[str], known: Iterable[str], kind: str = "argument") -> None:
    """Raise TypeError, with a suggestion, if a keyword that was given is not a known one."""
    for name in given:
        if name not in known:
            raise TypeError(f"{owner} has no {kind} {name!r}{suggestion(name, known, closest_argument)}")


class Suggesting:
    """Base of public classes: a constructor that is given an unknown keyword suggests the one that was meant.

    Arguments are checked in `__new__`, before `__init__` is called. So the signature that tools, type checkers and
    mocks see stays that of `__init__`, and no frame lies between it and the caller, whom warnings name. A subclass may
    have arguments of its own; one that passes on ``**options`` gets Python's own text for those that are unknown.
    """

    __slots__ = ()

    if not TYPE_CHECKING:  # otherwise a checker would take any argument

        def __new__(cls, *positional: object, **named: object) -> Self:
            names, any_given = tuple(named), bool(positional or named)
            del positional, named  # a traceback with local variables would show credentials (rule E1)
            if any_given and cls.__init__ is object.__init__:  # which leaves it to `object.__new__` to refuse them
                raise TypeError(f"{cls.__name__}() takes no arguments")
            known = _keywords(cls.__init__)
            if known is not None:
                check_arguments(cls.__name__, names, known)
            return super().__new__(cls)


@functools.cache
def _keywords(function: Callable[..., Any]) -> tuple[str, ...] | None:
    """Return the names of the keyword arguments of a constructor; None if it takes any, or they cannot be seen."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & inspect.CO_VARKEYWORDS:
        return None
    names: tuple[str, ...] = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return names[max(1, code.co_posonlyargcount) :]
