"""What a call is told: the facts of its RPC, where it goes, and its options. `twirpkit.flow` makes it."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar

from google.protobuf.message import Message

from twirpkit.errors import TwirpError
from twirpkit.events import Hook
from twirpkit.headers import Secret
from twirpkit.hints import KnownAnswer
from twirpkit.retry import Retry, RetryBudget, RetryPolicy
from twirpkit.steps import Failover
from twirpkit.timeouts import Wait

if TYPE_CHECKING:
    from twirpkit.pages import Pages

__all__ = [
    "DEFAULT",
    "Authorize",
    "CallOptions",
    "Default",
    "Endpoint",
    "Method",
    "Retry",
    "RetryOption",
    "check_retry",
    "check_timeout",
]

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)

_LONGEST: Final = 1e8  # three years: what socket and loop timers can hold, and no one waits for


class Default(enum.Enum):
    """The type of `DEFAULT`."""

    DEFAULT = "the client's default"

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final = Default.DEFAULT
"""Stands for an argument that was not given, where None has a meaning of its own."""

RetryOption: TypeAlias = RetryPolicy | Literal[False] | Default
"""A policy; False, which turns retries off; or what the client has."""


@dataclass(frozen=True, slots=True)
class Method(Generic[Req, Resp]):
    """The facts of one RPC. Generated; one constant each."""

    service: str
    """Package and service, as the proto spells them: ``"acme.hats.HatService"``."""
    name: str
    """The RPC, as the proto spells it."""
    py_name: str
    """The name of its method in the generated clients."""
    request: type[Req]
    response: type[Resp]
    retry: Retry
    grants: Mapping[str, Any] | None = None
    """JWT claim templates: a string ``"$field"`` stands for that field of the request. None: the RPC has no policy."""
    key: str | None = None
    """The bytes field that gets 16 fresh random bytes per logical call where the caller left it empty."""
    timeout: float = 10.0
    """Seconds that a call may take where neither it nor its client says."""
    wait: Wait | None = None
    """Set where the server waits for a person."""
    pages: Pages | None = None
    """Set where answers are pages of one list."""

    @property
    def path(self) -> str:
        """``package.Service/Method``, the end of the URL (rule A1)."""
        return f"{self.service}/{self.name}"


Authorize: TypeAlias = Callable[[Method[Any, Any], Message], str]
"""The Authorization header for one call. Plain functions in both clients; called once per attempt, from any thread."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where calls go and what each carries: the part of a client that both worlds share."""

    base_url: str
    """Normalized base URL and prefix, without a slash at the end."""
    user_agent: str
    authorize: Authorize | Secret | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Checked extra headers of every call."""
    timeout: float | Default | None = DEFAULT
    """Seconds for one logical call, None for no limit; by default each method has its own."""
    request_id_header: str | None = None
    refine: Callable[[TwirpError], TwirpError] | None = None
    """Makes a service's own error of a general one."""
    retry: RetryPolicy | None = field(default_factory=RetryPolicy)
    """None: nothing is sent twice."""
    budget: RetryBudget = field(default_factory=RetryBudget, repr=False, compare=False)
    """Shared by all calls of a client, and by its copies."""
    failover: Failover | None = field(default=None, repr=False, compare=False)
    """Knows other hosts of the same service."""
    known: Sequence[KnownAnswer] = ()
    """What is known of the server's errors."""
    sensitivity: int | None = None
    """The number of the field option that marks secret and personal fields (rule E5)."""
    hooks: Sequence[Hook] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What one call has of its own."""

    timeout: float | Default | None = DEFAULT
    retry: RetryOption = DEFAULT
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def check_timeout(timeout: float | None) -> float | None:
    """A timeout in seconds, None for no limit. Raises TypeError or ValueError for what is no number of seconds."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"timeout must be a number of seconds or None, not {type(timeout).__name__}")
    if isinstance(timeout, float) and not math.isfinite(timeout):
        raise ValueError(f"timeout must be a finite number of seconds, not {timeout}; None means no limit")
    return max(-_LONGEST, min(timeout, _LONGEST))


def check_retry(retry: RetryPolicy | Literal[False]) -> RetryPolicy | None:
    """A retry policy, None for False. Raises TypeError for anything else."""
    if retry is False:
        return None
    if not isinstance(retry, RetryPolicy):
        raise TypeError(f"retry must be a RetryPolicy, or False for none, not {type(retry).__name__}")
    return retry
