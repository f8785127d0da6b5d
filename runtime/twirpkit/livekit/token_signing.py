"""Signing of tokens with HS256, and the API keys and times that they are signed with."""

from __future__ import annotations

import functools
import os
import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from twirpkit._config.credentials import checked_credential
from twirpkit._secret import Secret, conceal

if TYPE_CHECKING:
    import jwt

__all__ = ["LATEST", "checked_pair", "credentials", "hs256", "unix_time"]

LATEST: Final = 253_402_300_799
"""Unix time of the last second that a datetime can hold, in the year 9999."""

_KEY_START: Final = re.compile("API[0-9A-Za-z]{6,}$")
"""An API key as LiveKit makes it."""
_ENV_KEY: Final = "LIVEKIT_API_KEY"
_ENV_SECRET: Final = "LIVEKIT_API_SECRET"  # noqa: S105  # the variable's name


@functools.cache
def hs256() -> jwt.PyJWS:
    """Return PyJWT for HS256 alone, imported at the first call, without its warning about short keys on every call."""
    import jwt
    from jwt.algorithms import HMACAlgorithm

    class Hs256(HMACAlgorithm):
        def check_key_length(self, key: Any) -> str | None:
            return None

    jws = jwt.PyJWS(algorithms=[])
    jws.register_algorithm("HS256", Hs256(HMACAlgorithm.SHA256))
    return jws


def credentials(api_key: str | Secret | None, api_secret: str | Secret | None) -> tuple[Secret, Secret]:
    """Return the key and the secret that were passed, or both from the environment if neither was.

    Raises:
        ValueError: One is missing, or refused (rule E3).
        TypeError: One is not a str.
    """
    api_key, api_secret = conceal(api_key, api_secret)
    if api_key is None and api_secret is None:
        # An empty variable counts as none: that is how a compose file leaves one out.
        api_key, api_secret = conceal(os.environ.get(_ENV_KEY) or None, os.environ.get(_ENV_SECRET) or None)
    if api_key is None or api_secret is None:
        missing = "API secret" if api_key is not None else "API key" if api_secret is not None else "credentials"
        raise ValueError(f"no {missing}: pass api_key=… with api_secret=…, or set {_ENV_KEY} and {_ENV_SECRET}")
    return checked_pair(checked_credential("the API key", api_key), checked_credential("the API secret", api_secret))


def checked_pair(api_key: Secret, api_secret: Secret) -> tuple[Secret, Secret]:
    """Return a key and its secret. Raises ValueError, without either, if they seem to be swapped (rule E3)."""
    if _KEY_START.match(api_secret.reveal()) is not None and _KEY_START.match(api_key.reveal()) is None:
        raise ValueError("the API secret looks like an API key, and the key does not: are they swapped?")
    return api_key, api_secret


def unix_time(at: datetime | None, what: str = "at") -> float:
    """Return the Unix time of an aware datetime, or the current one.

    Raises:
        TypeError: It is not a datetime.
        ValueError: It has no time zone.
    """
    if at is None:
        return time.time()
    if not isinstance(at, datetime):
        raise TypeError(f"{what} must be a datetime, not {type(at).__name__}")
    if at.utcoffset() is None:
        raise ValueError(f"{what} has no time zone: give it one, for example datetime.timezone.utc")
    return at.timestamp()
