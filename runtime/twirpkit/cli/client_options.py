"""Options that stand before the service: URL, credentials, timeout and headers."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

from twirpkit._config.package_info import PackageInfo

__all__ = ["call_options", "client_arguments"]


def client_arguments(package: PackageInfo, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the URL and the credentials as arguments of the facade, which takes the missing ones from the environment.

    Raises:
        ValueError: One is missing in both places; the text says which option or variable sets it.
    """
    env = {what: os.environ.get(name, "") for what, name in package.env.items()}
    if "url" not in given and not env.get("url"):
        raise ValueError(f"no URL: give --url{_or_set(package, 'url')}")
    url = {"url": given["url"]} if "url" in given else {}
    if "token" in given and "api_key" in given:
        raise ValueError("give --token or --api-key, not both")
    if "token" in given:
        return {**url, "token": given["token"]}
    if "api_key" in given:
        if not env["api_secret"]:
            raise ValueError(f"no API secret: set {package.env['api_secret']}")
        return {**url, "api_key": given["api_key"], "api_secret": env["api_secret"]}
    if package.signer is not None and not env.get("token") and not (env.get("api_key") and env.get("api_secret")):
        raise ValueError(f"no credentials: give --token{_or_set(package, 'api_key', 'api_secret')}")
    return url


def call_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the call. Raises ValueError for a malformed one."""
    options: dict[str, Any] = {}
    if "timeout" in given:
        options["timeout"] = _timeout(given["timeout"])
    if "header" in given:
        options["extra_headers"] = _headers(given["header"])
    return options


def _or_set(package: PackageInfo, *what: str) -> str:
    names = [package.env[each] for each in what if each in package.env]
    return f", or set {' and '.join(names)}" if names else ""


def _timeout(text: str) -> float | None:
    if text == "none":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError("--timeout: expected seconds above 0, or none for no limit")
    return seconds


def _headers(texts: Iterable[str]) -> dict[str, str]:
    """Parse ``NAME=VALUE``. The error texts never contain the value, which may be a secret."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError("--header: expected NAME=VALUE")
        if name in found:
            raise ValueError(f"--header: {name} is given twice")
        found[name] = value
    return found
