"""Destinations of the attempts of one call: its host, and the other hosts of the service (rules D)."""

from __future__ import annotations

from collections.abc import Generator

from twirpkit._engine.client_config import ClientConfig
from twirpkit._engine.plan import host_of
from twirpkit._engine.prepare import PreparedCall
from twirpkit._engine.steps import Failover, Outcome, Step
from twirpkit.transports.base import HttpRequest

__all__ = ["Destination"]


class Destination:
    """The URL of the current attempt, and the base URLs that were tried."""

    __slots__ = ("_config", "_path", "_visited", "base_url", "host", "relocated", "url")

    def __init__(self, config: ClientConfig, path: str, call: PreparedCall) -> None:
        self._config, self._path = config, path
        self._visited: list[str] | None = None
        """The base URLs of all attempts, once there is more than one."""
        self.base_url = config.base_url
        """The base URL of the current attempt."""
        self.url, self.host = call.plan.url, call.plan.host
        self.relocated = False
        """True once a server has referred the call to another host."""

    def move(self, base_url: str) -> None:
        """Send the next attempt to a base URL."""
        if self._visited is None:
            self._visited = [self.base_url]
        self._visited.append(base_url)
        self.base_url, self.host = base_url, host_of(base_url)
        self.url = f"{base_url}/{self._path}"

    def discover(
        self, failover: Failover, request: HttpRequest, deadline: float | None, *, rediscover: bool
    ) -> Generator[Step, Outcome, str | None]:
        """Find the base URL of the next attempt; None if there is no other host."""
        visited = self._visited or [self.base_url]
        return (
            yield from failover.next_base_url(request, deadline, self._config.base_url, visited, rediscover=rediscover)
        )
