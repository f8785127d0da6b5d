"""Options of clients and calls: their types, their checks and `UNSET`."""

from __future__ import annotations

import enum
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypedDict, Union

from google.protobuf.message import Message

from twirpkit._secret import Secret
from twirpkit._suggestion import Suggesting
from twirpkit.events import Hook, check_hook
from twirpkit.rpc import Method

if TYPE_CHECKING:
    import os
    import ssl

    from google.protobuf.internal.containers import RepeatedScalarFieldContainer

__all__ = [
    "UNSET",
    "AsyncAuthorize",
    "Authorize",
    "CallOptions",
    "ClientOptions",
    "ExtraHeaders",
    "JsonList",
    "JsonValue",
    "ProxyOption",
    "RetryOption",
    "RetryPolicy",
    "Strings",
    "Tls",
    "Unset",
    "check_client_timeout",
    "check_hooks",
    "check_retry",
    "check_timeout",
]

_LONGEST: Final = 1e8  # three years: what socket and loop timers can hold, and no one waits for

Authorize: TypeAlias = Callable[[Method[Any, Any], Message], str | Secret]
"""A function that returns the Authorization header of one call. Called once per attempt, from any thread; a plain
function, for both clients."""

AsyncAuthorize: TypeAlias = Callable[[Method[Any, Any], Message], str | Secret | Awaitable[str | Secret]]
"""The same for the async client: also a coroutine function, which is awaited within the deadline of the call."""

ExtraHeaders: TypeAlias = Mapping[str, str] | Callable[[], Mapping[str, str]]
"""Headers, or a plain function that returns them. The function is called once per call, from any thread."""

ProxyOption: TypeAlias = str | Literal[False] | None
"""The URL of a proxy, False for none, None for what the environment says."""

JsonList: TypeAlias = list[Any] | tuple[Any, ...]
"""A list of values that JSON has, for a ``google.protobuf.ListValue``."""

JsonValue: TypeAlias = bool | float | str | JsonList | Mapping[str, Any] | None
"""A value that JSON has, for a ``google.protobuf.Value``."""

Strings: TypeAlias = Union[list[str], tuple[str, ...], "RepeatedScalarFieldContainer[str]"]
"""Several strings. Not ``Sequence[str]``, because a bare ``str`` is one too."""

Tls: TypeAlias = Union["ssl.SSLContext", str, "os.PathLike[str]"]
"""A context, used as it is, or the path of a file or folder of CA certificates, which alone are then trusted."""


class Unset(enum.Enum):
    """The type of `UNSET`."""

    UNSET = "not given"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""An argument that was not given, where None has a meaning of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy(Suggesting):
    """Limits of the retries of a call: the number of attempts and the waits. The failures to retry are not a setting.

    The wait before the n-th repeat is random, between 0 and ``backoff`` times 2 to the power n - 1 (rule C1).

    Raises:
        ValueError: ``max_attempts`` is below 1, or a number of seconds is negative or not finite.
        TypeError: A value is not a number.
    """

    max_attempts: int = 3
    """Requests that one call may send in all."""
    backoff: float = 0.2
    """Seconds: the most that the first wait can be."""
    max_backoff: float = 5.0
    """Seconds: the most that any wait can be. A server's ``Retry-After`` is honoured beyond it."""
    attempt_timeout: float | None = None
    """Seconds for one attempt where another may follow; None: all the time that the call has left (rule B2)."""

    def __post_init__(self) -> None:
        if not isinstance(self.max_attempts, int) or isinstance(self.max_attempts, bool):
            raise TypeError(f"max_attempts must be an int, not {type(self.max_attempts).__name__}")
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1, not {self.max_attempts}; retry=False turns retries off")
        for name in ("backoff", "max_backoff", "attempt_timeout"):
            value = getattr(self, name)
            if name == "attempt_timeout" and value is None:
                continue
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{name} must be a finite number of seconds, 0 or more, not {value}")
        if self.attempt_timeout == 0:
            raise ValueError("attempt_timeout must be above 0 seconds; None means no limit but the call's own")

    def wait(self, attempt: int) -> float:
        """Return the seconds to wait after the attempt of this number, from 1: full jitter."""
        import random  # here, because most programs never come this far

        # The exponent is bounded because 2.0 ** 1024 overflows.
        return random.random() * min(self.max_backoff, self.backoff * 2.0 ** min(attempt - 1, 64))  # noqa: S311  # not a secret


RetryOption: TypeAlias = RetryPolicy | Literal[False] | Unset
"""A policy; False, which turns retries off; or `UNSET` for the client's."""


class CallOptions(NamedTuple):
    """Options of one call, as the caller gave them. A tuple, because one is made for every call."""

    timeout: float | Unset | None = UNSET
    """Seconds for the whole call; None for no limit; `UNSET` for the client's, or the method's default."""
    retry: RetryOption = UNSET
    extra_headers: ExtraHeaders | None = None
    """Headers of this call, besides the client's."""

    def __repr__(self) -> str:  # values of headers can be credentials
        names = list(self.extra_headers) if isinstance(self.extra_headers, Mapping) else self.extra_headers
        return f"CallOptions(timeout={self.timeout!r}, retry={self.retry!r}, extra_headers={names!r})"


class ClientOptions(TypedDict, total=False):
    """Options of a client that `Client.with_options` can change. One that is not given stays as it is."""

    timeout: float | Unset | None
    """Seconds that one call may take in all; None for no limit."""
    retry: RetryOption
    """The retries of failed calls; False for none."""
    url: str | None
    """The base URL of the service."""
    api_key: str | None
    """The key that signs the token of each call; together with its secret."""
    api_secret: str | None
    """The key's secret."""
    token: str | None
    """A bearer token, instead of a key and a secret."""
    auth: str | AsyncAuthorize | None
    """The whole Authorization header, or a function that returns it, instead of both. A coroutine function in an async
    client only."""
    extra_headers: ExtraHeaders | None
    """Headers that every call carries; merged with those that the client has."""
    hooks: Iterable[Hook] | None
    """Functions that receive the events of every call; they replace those that the client has."""
    user_agent_extra: str | None
    """Text at the end of the User-Agent header, such as the name and version of the application: ``"shop/2.1"``."""


def check_client_timeout(timeout: float | Unset | None) -> float | Unset | None:
    """Return a client's timeout. Raises ValueError also for 0 or less, with which no call could be made."""
    timeout = timeout if isinstance(timeout, Unset) else check_timeout(timeout)
    if not isinstance(timeout, Unset | None) and timeout <= 0:
        raise ValueError(f"timeout must be above 0 seconds, not {timeout:g}; None means no limit")
    return timeout


def check_hooks(hooks: Iterable[Hook]) -> tuple[Hook, ...]:
    """Return the hooks of a client. Raises TypeError for anything that is not a list of functions."""
    if callable(hooks):
        raise TypeError("hooks must be a list of functions: put the one into brackets")
    checked = tuple(hooks)
    for hook in checked:
        check_hook(hook)
    return checked


def check_timeout(timeout: float | None) -> float | None:
    """Return a timeout in seconds, None for no limit. Raises TypeError or ValueError for anything else."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"timeout must be a number of seconds or None, not {type(timeout).__name__}")
    if isinstance(timeout, float) and not math.isfinite(timeout):
        raise ValueError(f"timeout must be a finite number of seconds, not {timeout}; None means no limit")
    return max(-_LONGEST, min(timeout, _LONGEST))


def check_retry(retry: RetryPolicy | Literal[False]) -> RetryPolicy | None:
    """Return a retry policy, None for False. Raises TypeError for anything else."""
    if retry is False:
        return None
    if not isinstance(retry, RetryPolicy):
        raise TypeError(f"retry must be a RetryPolicy, or False for none, not {type(retry).__name__}")
    return retry
