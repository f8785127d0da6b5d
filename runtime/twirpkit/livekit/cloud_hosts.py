"""Hosts of LiveKit Cloud services that are not served at a project's own URL."""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import urlsplit, urlunsplit

__all__ = ["agents_url"]

VARIABLE: Final = "LK_AGENTS_URL"
_CLOUD: Final = ".livekit.cloud"


def agents_url(base_url: str) -> str:
    """Return the base URL of the agent-hosting API for a project's base URL.

    Under ``.livekit.cloud`` the first label of the host becomes ``agents``. Anywhere else the variable
    ``LK_AGENTS_URL`` is required, because a token must not be sent to a guessed host.

    Raises:
        ValueError: The project is not on LiveKit Cloud, and the variable is not set.
    """
    if given := os.environ.get(VARIABLE):
        return given
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    if not host.endswith(_CLOUD):
        raise ValueError(f"hosted agents are a service of LiveKit Cloud, and {host} is not on it: set {VARIABLE}")
    rest = host.split(".", 1)[1]
    port = f":{parts.port}" if parts.port is not None else ""
    return urlunsplit((parts.scheme, f"agents.{rest}{port}", parts.path, "", ""))
