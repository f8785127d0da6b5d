"""Everything of a call that is the same for all calls of one method by one client, computed once."""

from __future__ import annotations

from typing import Any

from twirpkit._engine.client_config import ClientConfig, MethodPlan
from twirpkit._protocol.constants import CALL_HEADERS, USER_AGENT
from twirpkit._protocol.headers import Headers
from twirpkit.options import Unset
from twirpkit.rpc import Method

__all__ = ["host_of", "method_plan"]


def method_plan(config: ClientConfig, method: Method[Any, Any]) -> MethodPlan:
    """Return the plan of a method; it is made once for each client. Raises ValueError if the service has no host."""
    plan = config.plans.get(method)
    if plan is None:
        plan = config.plans[method] = _make(config, method)
    return plan


def _make(config: ClientConfig, method: Method[Any, Any]) -> MethodPlan:
    if config.unavailable is not None:
        raise ValueError(f"{method.path} cannot be called: {config.unavailable}")
    headers = Headers(config.headers)
    name, fixed = config.request_id_header, None
    if name is not None:
        given = next((key for key in headers if key.lower() == name.lower()), name)
        name, fixed = given, headers.get(given) or None
    headers.update(CALL_HEADERS)
    headers[USER_AGENT] = f"{config.user_agent} {config.user_agent_extra}".rstrip()
    return MethodPlan(
        url=f"{config.base_url}/{method.path}",
        host=host_of(config.base_url),
        headers=headers,
        request_id_header=name,
        fixed_request_id=fixed,
        timeout=method.timeout if isinstance(config.timeout, Unset) else config.timeout,
        policy=config.retry,
    )


def host_of(base_url: str) -> str:
    """Return host and port of a normalized URL."""
    return base_url.split("/", 3)[2]
