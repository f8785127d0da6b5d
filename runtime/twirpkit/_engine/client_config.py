"""Client configuration: where calls go and what each carries, shared by both modes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twirpkit._engine.retry import RetryBudget
from twirpkit._engine.steps import Failover
from twirpkit._protocol.headers import Headers
from twirpkit._protocol.known_errors import KnownError
from twirpkit._secret import Secret
from twirpkit.errors import TwirpError
from twirpkit.events import Hook
from twirpkit.options import UNSET, AsyncAuthorize, RetryPolicy, Unset
from twirpkit.rpc import Method

__all__ = ["ClientConfig", "MethodPlan"]


@dataclass(slots=True)
class MethodPlan:
    """Prepared facts of one method."""

    url: str
    """The base URL of the first attempt."""
    host: str
    """Host and port of `url`."""
    headers: Headers = field(repr=False)
    """The client's extra headers, and those that every call carries."""
    request_id_header: str | None
    """The name under which the request id is sent; None where the service has none, or the client gave a fixed id."""
    fixed_request_id: str | None
    """The request id among the client's extra headers."""
    timeout: float | None
    """Seconds for a call without a timeout of its own."""
    policy: RetryPolicy | None


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Everything that the calls of a client have in common. Immutable: other options make another configuration."""

    base_url: str
    """Normalized base URL and prefix, without a slash at the end."""
    user_agent: str
    """Names and versions of this software."""
    user_agent_extra: str = field(default="", repr=False)
    """The application's own words, which follow."""
    authorize: AsyncAuthorize | Secret | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Checked extra headers of every call."""
    timeout: float | Unset | None = UNSET
    """Seconds for one logical call, None for no limit; `UNSET` for each method's own default."""
    request_id_header: str | None = None
    """The header that carries the request id; None: requests have no id."""
    refine: Callable[[TwirpError, str | None, Callable[[str], str]], TwirpError] | None = None
    """The package's plug-in that turns a general error into a more specific one."""
    retry: RetryPolicy | None = field(default_factory=RetryPolicy)
    """None: nothing is sent twice."""
    budget: RetryBudget = field(default_factory=RetryBudget, repr=False, compare=False)
    """Shared by all calls of a client, and by the clients that `with_options` made of it."""
    failover: Failover | None = field(default=None, repr=False, compare=False)
    """Supplies other hosts of the same service."""
    regions: Any = field(default=None, repr=False, compare=False)
    """The plug-in that made `failover`, and makes another one for another base URL; None: the service has one host."""
    service: str | None = None
    """The full name of the service, if the configuration is for one with its own host."""
    known_errors: Sequence[KnownError] = ()
    """Errors that the server is known to send."""
    hooks: Sequence[Hook] = field(default=(), repr=False)
    unavailable: str | None = None
    """The reason why no call can be made: the service has its own host, which is not known. None: calls can be made."""
    header_sources: Sequence[Callable[[], Mapping[str, str]]] = field(default=(), repr=False)
    """Functions that return further headers, called once per call."""
    plans: dict[Method[Any, Any], MethodPlan] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Filled by `twirpkit._engine.plan`: a configuration is immutable, so what follows from it is computed once."""
