"""Credentials of a client: arguments first, then the environment (rules E3, E4)."""

from __future__ import annotations

import os
import warnings
from typing import TypedDict

from twirpkit._config.package_info import PackageInfo
from twirpkit._config.plug_in import load_plug_in
from twirpkit._protocol.headers import check_value
from twirpkit._protocol.url import is_loopback
from twirpkit._secret import Secret, conceal, revealed
from twirpkit.errors import InsecureTransportWarning
from twirpkit.events import LOGGER
from twirpkit.options import AsyncAuthorize, Authorize, ClientOptions

__all__ = [
    "environment_credentials",
    "environment_value",
    "given_authorization",
    "missing_credentials",
    "or_set",
    "take_credentials",
    "warn_if_insecure",
]


_warned: set[str] = set()


def warn_if_insecure(base_url: str) -> None:
    """Warn if credentials go over plain HTTP to another machine; in the log, once for each host (rule E4)."""
    scheme, _, rest = base_url.partition("://")
    host = rest.partition("/")[0]
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if scheme != "http" or is_loopback(name):
        return
    text = f"credentials go over http:// to {host}, and anybody in between can read them: use https"
    if host not in _warned:
        _warned.add(host)
        LOGGER.warning("%s", text)
    warnings.warn(text, InsecureTransportWarning, stacklevel=4)


class Credentials(TypedDict):
    """Ways to authorize the calls of a client; at most one is given."""

    api_key: str | Secret | None
    api_secret: str | Secret | None
    token: str | Secret | None
    auth: str | Secret | AsyncAuthorize | None


def take_credentials(options: ClientOptions) -> Credentials:
    """Remove the credentials from the options of a client and return them."""
    return {
        "api_key": options.pop("api_key", None),
        "api_secret": options.pop("api_secret", None),
        "token": options.pop("token", None),
        "auth": options.pop("auth", None),
    }


def environment_credentials(package: PackageInfo) -> Credentials:
    """Return the credentials of the environment: a token, or else a key and its secret."""
    token = environment_value(package, "token")
    if token is not None:
        return {"api_key": None, "api_secret": None, "token": Secret(token, package.env["token"]), "auth": None}
    api_key, api_secret = (conceal(environment_value(package, name)) for name in ("api_key", "api_secret"))
    return {"api_key": api_key, "api_secret": api_secret, "token": None, "auth": None}


def given_authorization(
    package: PackageInfo | None,
    api_key: str | Secret | None,
    api_secret: str | Secret | None,
    token: str | Secret | None,
    auth: str | Secret | AsyncAuthorize | None,
) -> AsyncAuthorize | Secret | None:
    """Return what makes the Authorization header, None if nothing is given.

    Raises:
        ValueError: Credentials are given in several ways, or half of them, or refused (rule E3).
        TypeError: One has the wrong type.
    """
    keyed = api_key is not None or api_secret is not None
    if [keyed, token is not None, auth is not None].count(True) > 1:
        raise ValueError(f"give one of {_ways(package)}, not several")
    if token is not None:
        checked = checked_credential("the token", token)
        return Secret(f"Bearer {checked.reveal()}", checked.variable)
    if auth is not None:
        return auth if callable(auth) else checked_credential("auth", auth)
    if not keyed:
        return None
    if package is None or package.signer is None:
        raise ValueError(f"this service knows no API keys: pass {_ways(package)}")
    if api_key is None or api_secret is None:
        raise missing_credentials(package, "API secret" if api_key is not None else "API key")
    sign: Authorize = load_plug_in(package.signer)(
        checked_credential("the API key", api_key), checked_credential("the API secret", api_secret)
    )
    return sign


def missing_credentials(package: PackageInfo, missing: str = "credentials") -> ValueError:
    """Return the error that says which credentials are missing, and how to give them."""
    return ValueError(f"no {missing}: pass {_ways(package)}{or_set(package, 'api_key', 'api_secret')}")


def checked_credential(what: str, value: object) -> Secret:
    """Return a key, secret or token as a `Secret`. Raises TypeError and ValueError (rule E3)."""
    value = conceal(value)
    check_value(what, value)
    if is_quoted(revealed(value)):
        raise ValueError(f"{what} has quotes around it: often from a file for `docker --env-file`; remove them")
    assert isinstance(value, Secret)  # noqa: S101  # check_value refuses anything else
    return value


def is_quoted(text: str) -> bool:
    """Return True if a text has the same quotation mark at both ends."""
    return len(text) > 1 and text[0] == text[-1] and text[0] in "'\""


def environment_value(package: PackageInfo, what: str) -> str | None:
    """Return the value of the environment variable that the package names for something, None for none."""
    # An empty variable counts as none: that is how a compose file leaves one out.
    return os.environ.get(package.env[what]) or None if what in package.env else None


def _ways(package: PackageInfo | None) -> str:
    keys = "api_key=… with api_secret=…, " if package is not None and package.signer is not None else ""
    return f"{keys}token=… or auth=…"


def or_set(package: PackageInfo, *what: str) -> str:
    """Return the end of an error text: the environment variables that could be set instead."""
    names = [package.env[each] for each in what if each in package.env]
    return f", or set {' and '.join(names)}" if names else ""
