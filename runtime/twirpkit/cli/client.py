"""The client's options: where the call goes, as whom, and what it carries."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

from twirpkit._config.package_info import PackageInfo

__all__ = ["headers", "target", "timeout"]


def target(sdk: PackageInfo, client: Mapping[str, Any]) -> dict[str, str]:
    """The URL and the credentials that the facade is made with; what is missing it takes from the environment.

    Raises:
        ValueError: Something is missing; the text says which option or variable gives it.
    """
    env = {what: os.environ.get(name, "") for what, name in sdk.env.items()}
    if "url" not in client and not env.get("url"):
        raise ValueError(f"no URL: give --url{_or_set(sdk, 'url')}")
    url = {"url": client["url"]} if "url" in client else {}
    if "token" in client and "api_key" in client:
        raise ValueError("give --token or --api-key, not both")
    if "token" in client:
        return {**url, "token": client["token"]}
    if "api_key" in client:
        if not env["api_secret"]:
            raise ValueError(f"no API secret: set {sdk.env['api_secret']}")
        return {**url, "api_key": client["api_key"], "api_secret": env["api_secret"]}
    if sdk.signer is not None and not env.get("token") and not (env.get("api_key") and env.get("api_secret")):
        raise ValueError(f"no credentials: give --token{_or_set(sdk, 'api_key', 'api_secret')}")
    return url


def _or_set(sdk: PackageInfo, *what: str) -> str:
    names = [sdk.env[each] for each in what if each in sdk.env]
    return f", or set {' and '.join(names)}" if names else ""


def timeout(text: str) -> float | None:
    """Seconds, or None for no limit. Raises ValueError."""
    if text == "none":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError("--timeout: expected seconds above 0, or none for no limit")
    return seconds


def headers(texts: Iterable[str]) -> dict[str, str]:
    """Extra headers from ``NAME=VALUE``. Raises ValueError, without the value."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError("--header: expected NAME=VALUE")
        if name in found:
            raise ValueError(f"--header: {name} is given twice")
        found[name] = value
    return found
