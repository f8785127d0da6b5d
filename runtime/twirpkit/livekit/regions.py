"""LiveKit Cloud's regions: where a project's calls can go when one region fails, or refuses the project (rules D).

Discovery is part of a call's flow: it yields the same steps, so it is made by the same transport, in both worlds.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import time
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from twirpkit._engine.steps import Outcome, Send, Sleep, Step
from twirpkit._protocol.constants import ACCEPT, CONTENT_TYPE, JSON, TIMEOUT_MS
from twirpkit._protocol.headers import Headers
from twirpkit._protocol.url import is_loopback, normalize_url
from twirpkit._suggestion import Suggesting
from twirpkit.transports.base import HttpRequest, HttpResponse, Phase, TransportFailure

__all__ = ["RegionFailover", "Regions"]

CLOUD: Final = (".livekit.cloud",)
PATH: Final = "/settings/regions"
WITHIN: Final = 2.0
"""Seconds that discovery may take, inside the call's deadline."""
MAX_BODY: Final = 64 * 1024
MAX_REGIONS: Final = 16
LONGEST_AGE: Final = 3600
"""Seconds for which a list of regions is kept at most, whatever the server says (rule D2)."""
SHORTEST_AGE: Final = 10.0
"""Seconds for which a list is not asked for again, although every region in it has failed (rule D2)."""
MOVED: Final = 451
"""The status by which a region refuses a project that is pinned to others."""

_LOOKS: Final = 0.02
"""Seconds between two looks at another call's discovery."""
_NOT_FOR_DISCOVERY: Final = frozenset(name.lower() for name in (CONTENT_TYPE, ACCEPT, TIMEOUT_MS))
_FOR_ROOMS: Final = re.compile(r"/rtc(?:/v[0-9]+)?(?:/validate)?$")
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?([0-9]{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions(Suggesting):
    """Hosts that have regions, and hosts that may receive a token.

    Raises:
        ValueError: A suffix is empty, or ends with a dot.
        TypeError: `suffixes` is not a tuple or list of strings.
    """

    suffixes: Sequence[str] = CLOUD
    """Ends of host names. A suffix that starts with a dot matches every host under it, another one that host alone.
    A project's URL that matches a suffix has regions, and its regions must match the same suffix."""

    def __post_init__(self) -> None:
        if isinstance(self.suffixes, str) or not all(isinstance(each, str) for each in self.suffixes):
            raise TypeError("suffixes must be a tuple of strings")
        for each in self.suffixes:
            if not each.strip(".") or each.endswith("."):
                raise ValueError(f"suffixes: {each!r} is not the end of a host name: give one like '.livekit.cloud'")

    def failover(self, base_url: str) -> RegionFailover | None:
        """Return the failover of one project, or None for a URL that does not have regions.

        Args:
            base_url: The project's normalized URL, without the path prefix of the services.

        Raises:
            ValueError: The URL is one for clients of rooms.
        """
        if (path := _FOR_ROOMS.search(base_url)) is not None:
            raise ValueError(f"the URL ends with {path.group()}, which is for clients of rooms: leave it out")
        suffix = self._suffix(urlsplit(base_url).hostname or "")
        return None if suffix is None else RegionFailover(base_url, suffix)

    def _suffix(self, host: str) -> str | None:
        return next((each.lower() for each in self.suffixes if _is_under(host, each.lower())), None)


def _is_under(host: str, suffix: str) -> bool:
    return host.endswith(suffix) and len(host) > len(suffix) if suffix.startswith(".") else host == suffix


class _Flight:
    """A discovery request that one call makes, and whose result other calls wait for."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.regions: tuple[str, ...] | None = None
        """Set when the discovery has ended, unless its call was cancelled."""


class RegionFailover:
    """Regions of one project as known to one client: a `twirpkit._engine.steps.Failover`.

    It does not use a lock, which a fork could leave held: a call that waits for another call's discovery polls, in any
    thread, loop or process.
    """

    nowhere = "the project is pinned to other regions, and discovery names none that it may use"

    def __init__(self, base_url: str, suffix: str) -> None:
        parts = urlsplit(base_url)
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._scheme, self._host, self._port = parts.scheme, parts.hostname or "", parts.port
        self._suffix = suffix
        self._known: tuple[str, ...] = ()
        self._good_until = self._asked_again_from = float("-inf")
        self._flight: _Flight | None = None

    def relocates(self, response: HttpResponse, /) -> bool:
        """Return True if the project is pinned to other regions (rule D4)."""
        return response.status == MOVED

    def knows_another(self, base_url: str, /) -> bool:
        """Return True if another region is known, without asking for it."""
        here = _origin(base_url)
        return time.monotonic() < self._good_until and any(region != here for region in self._known)

    def next_base_url(
        self,
        request: HttpRequest,
        deadline: float | None,
        base_url: str,
        visited: Collection[str],
        /,
        *,
        rediscover: bool,
    ) -> Generator[Step, Outcome, str | None]:
        """Return the first region, in the server's order, that the call has not visited."""
        known = not rediscover and time.monotonic() < self._good_until
        regions = self._known if known else (yield from self._discovered(request, deadline))
        path = base_url[len(self._base) :]
        been = {_origin(each) for each in visited}
        unvisited = next((each + path for each in regions if each not in been), None)
        if unvisited is None and known and time.monotonic() >= self._asked_again_from:
            # Every known region failed: the list may be old (rule D2).
            regions = yield from self._discovered(request, deadline)
            unvisited = next((each + path for each in regions if each not in been), None)
        return unvisited

    def _discovered(self, request: HttpRequest, deadline: float | None) -> Generator[Step, Outcome, tuple[str, ...]]:
        """Return the regions that this call discovers, or another call does already; the known ones if that fails."""
        until = time.monotonic() + WITHIN
        if deadline is not None:
            until = min(until, deadline)
        while (flight := self._flight) is not None and flight.process == os.getpid():
            if time.monotonic() >= until:
                return self._known
            yield Sleep(_LOOKS)
            if flight.regions is not None:
                return flight.regions
        own = self._flight = _Flight()
        try:
            found = yield from self._ask(request, until)
            if found is None and until == deadline and time.monotonic() >= until:
                return self._known  # this call's own time was too short: one of those that wait asks again
            own.regions = self._known if found is None else found
            return own.regions
        finally:  # also where the call is cancelled: then one of those that wait asks
            if self._flight is own:
                self._flight = None

    def _ask(self, request: HttpRequest, until: float) -> Generator[Step, Outcome, tuple[str, ...] | None]:
        headers = Headers({k: v for k, v in request.headers.items() if k.lower() not in _NOT_FOR_DISCOVERY})
        headers[ACCEPT] = JSON
        discovery = HttpRequest(self._base + PATH, headers, b"", until, max_body=MAX_BODY, method="GET")
        response = yield Send(discovery)
        if isinstance(response, TransportFailure) and response.phase is Phase.STALE:
            # A server that fails may close its connections, and the one that was kept is the first to be tried.
            response = yield Send(dataclasses.replace(discovery, force_new_connection=True))
        if not isinstance(response, HttpResponse) or response.status != 200 or response.body_error is not None:
            return None
        regions = self._allowed(response.body)
        if regions is not None and (age := _max_age(response)):
            now = time.monotonic()
            self._known, self._good_until = regions, now + min(age, LONGEST_AGE)
            self._asked_again_from = now + SHORTEST_AGE
        return regions

    def _allowed(self, body: bytes) -> tuple[str, ...] | None:
        """Return the origins in a response that may receive the token, in the server's order; None without a list."""
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return None
        listed = value.get("regions", []) if isinstance(value, dict) else None
        if not isinstance(listed, list):
            return None
        origins = [self._trusted(each) for each in listed[:MAX_REGIONS]]
        return tuple(dict.fromkeys(origin for origin in origins if origin is not None))

    def _trusted(self, region: Any) -> str | None:
        """Return the origin of a region, or None if it must not receive the token (rule D3)."""
        url = region.get("url") if isinstance(region, dict) else None
        if not isinstance(url, str) or not url.lower().startswith(("https://", "http://")):
            return None
        try:
            parts = urlsplit(normalize_url(url))
        except ValueError:
            return None
        host, port = parts.hostname or "", parts.port
        if is_loopback(self._host):
            allowed = host == self._host and parts.scheme in ("https", self._scheme)
        else:
            same_port = port in (None, 443, self._port)
            allowed = parts.scheme == "https" and same_port and _is_under(host, self._suffix)
        return _origin(url) if allowed else None


def _origin(url: str) -> str:
    """Return scheme, host and port in their normal form."""
    parts = urlsplit(normalize_url(url))
    return f"{parts.scheme}://{parts.netloc.removesuffix(':443' if parts.scheme == 'https' else ':80')}"


def _max_age(response: HttpResponse) -> int:
    control = response.headers.get("cache-control", "").lower()
    found = _MAX_AGE.search(control)
    return int(found[1]) if found and "no-store" not in control and "no-cache" not in control else 0
