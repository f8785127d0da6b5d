"""Client configuration: where calls go and what each carries, shared by both modes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from twirpkit._engine.retry import RetryBudget
from twirpkit._engine.steps import Failover
from twirpkit._protocol.headers import Secret
from twirpkit._protocol.known_errors import KnownError
from twirpkit.errors import TwirpError
from twirpkit.events import Hook
from twirpkit.options import UNSET, Authorize, RetryPolicy, Unset

__all__ = ["ClientConfig"]


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Everything that the calls of a client have in common. Immutable: other options make another configuration."""

    base_url: str
    """Normalized base URL and prefix, without a slash at the end."""
    user_agent: str
    authorize: Authorize | Secret | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Checked extra headers of every call."""
    timeout: float | Unset | None = UNSET
    """Seconds for one logical call, None for no limit; `UNSET` for each method's own default."""
    request_id_header: str | None = None
    """The header that carries the request id; None: requests have no id."""
    refine: Callable[[TwirpError], TwirpError] | None = None
    """The package's plug-in that turns a general error into a more specific one."""
    retry: RetryPolicy | None = field(default_factory=RetryPolicy)
    """None: nothing is sent twice."""
    budget: RetryBudget = field(default_factory=RetryBudget, repr=False, compare=False)
    """Shared by all calls of a client, and by the clients that `with_options` made of it."""
    failover: Failover | None = field(default=None, repr=False, compare=False)
    """Supplies other hosts of the same service."""
    known_errors: Sequence[KnownError] = ()
    """Errors that the server is known to send."""
    sensitivity: int | None = None
    """The number of the field option that marks secret and personal fields (rule E5)."""
    hooks: Sequence[Hook] = field(default=(), repr=False)
