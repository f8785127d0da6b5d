"""Credentials of a client: arguments first, then the environment (rules E3, E4)."""

from __future__ import annotations

import os
import warnings

from twirpkit._config.package_info import PackageInfo
from twirpkit._config.plug_in import load_plug_in
from twirpkit._protocol.headers import check_value
from twirpkit._protocol.url import is_loopback
from twirpkit._secret import Secret, conceal, revealed
from twirpkit.errors import InsecureTransportWarning
from twirpkit.events import LOGGER
from twirpkit.options import Authorize

__all__ = ["authorization_source", "environment_value", "explicit_authorization", "or_set", "warn_if_insecure"]


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


def authorization_source(
    package: PackageInfo,
    api_key: str | Secret | None,
    api_secret: str | Secret | None,
    token: str | Secret | None,
    auth: str | Secret | Authorize | None,
) -> Authorize | Secret | None:
    """Return what makes the Authorization header: from the arguments, else from the environment.

    Raises:
        ValueError: Credentials are missing, given in several ways, or refused (rule E3).
        TypeError: One has the wrong type.
    """
    keyed = api_key is not None or api_secret is not None
    if [keyed, token is not None, auth is not None].count(True) > 1:
        raise ValueError(f"give one of {_ways(package)}, not several")
    if not keyed and token is None and auth is None:
        token = conceal(environment_value(package, "token"))
        if token is not None:
            return Secret(f"Bearer {checked_credential('the token', token).reveal()}", package.env["token"])
        api_key = conceal(environment_value(package, "api_key"))
        api_secret = conceal(environment_value(package, "api_secret"))
    if (given := explicit_authorization(token, auth)) is not None:
        return given
    if package.signer is None:
        return None
    if api_key is None or api_secret is None:
        missing = "API secret" if api_key is not None else "API key" if api_secret is not None else "credentials"
        raise ValueError(f"no {missing}: pass {_ways(package)}{or_set(package, 'api_key', 'api_secret')}")
    sign: Authorize = load_plug_in(package.signer)(
        checked_credential("the API key", api_key), checked_credential("the API secret", api_secret)
    )
    return sign


def explicit_authorization(
    token: str | Secret | None, auth: str | Secret | Authorize | None
) -> Authorize | Secret | None:
    """Return the Authorization header, or the function that makes it, from the arguments of a client."""
    if token is not None:
        return Secret(f"Bearer {checked_credential('the token', token).reveal()}")
    return auth if auth is None or callable(auth) else checked_credential("auth", auth)


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


def _ways(package: PackageInfo) -> str:
    keys = "api_key=… with api_secret=…, " if package.signer is not None else ""
    return f"{keys}token=… or auth=…"


def or_set(package: PackageInfo, *what: str) -> str:
    """Return the end of an error text: the environment variables that could be set instead."""
    names = [package.env[each] for each in what if each in package.env]
    return f", or set {' and '.join(names)}" if names else ""
