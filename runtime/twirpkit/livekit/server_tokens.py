"""Tokens for calls to a LiveKit server: HS256, exactly the claims of the RPC's policy row, short-lived (rule E6)."""

from __future__ import annotations

import json
import time
import warnings
from collections import OrderedDict
from typing import Any, Final

from google.protobuf.message import Message

from twirpkit._schema.claims import claim_fields, claims
from twirpkit._secret import Secret, conceal
from twirpkit.errors import ShortSecretWarning
from twirpkit.livekit.token_signing import checked_pair, hs256
from twirpkit.rpc import Method

__all__ = ["ServerTokens"]

LIFETIME: Final = 600
"""Seconds between ``nbf`` and ``exp``."""
BACKDATED: Final = 60
"""Seconds by which ``nbf`` lies in the past, for a server whose clock is behind."""
CACHED: Final = 1024
"""Limit of cached tokens per client; the least recently used is dropped first."""
SHORTEST_SECRET: Final = 32
"""Bytes of the shortest secret that does not warn."""

SMALLEST_SKEW: Final = 5.0
"""Seconds by which a clock skew must differ from the one in use to make new tokens."""

_RENEW_AFTER: Final = (LIFETIME - BACKDATED) / 2
_NO_TOKEN: Final = (float("-inf"), None)


class ServerTokens:
    """Signer of the Authorization header of each call.

    Tokens are cached by their claims, and renewed after half of their remaining lifetime. Safe in threads and after a
    fork: it does not use a lock, and signing twice does no harm.

    Args:
        api_key: The claim ``iss``.
        api_secret: The key's secret. A short one, such as that of a development server, warns once, here (rule E4).

    Raises:
        ValueError: Key and secret seem to be swapped.
    """

    def __init__(self, api_key: str | Secret, api_secret: str | Secret) -> None:
        api_key, api_secret = pair = conceal(api_key, api_secret)
        self.api_key, self._api_secret = checked_pair(*pair)
        length = len(self._api_secret.reveal().encode())
        if length < SHORTEST_SECRET:
            text = f"the API secret has {length} bytes, and HS256 wants {SHORTEST_SECRET} or more"
            warnings.warn(text, ShortSecretWarning, stacklevel=5)
        self._cache: OrderedDict[object, tuple[float, Secret]] = OrderedDict()
        self._shapes: dict[Method[Any, Any], tuple[str, tuple[str, ...]]] = {}
        """By method: its claim template as text, and the fields of the request that it takes."""
        self._skew = 0.0

    def __call__(self, method: Method[Any, Any], message: Message) -> Secret:
        """Return the Authorization header for one call."""
        shape = self._shapes.get(method)
        if shape is None:
            shape = self._shapes[method] = repr(method.grants), claim_fields(method.grants or {})
        cache_key = (shape[0], *[getattr(message, name) for name in shape[1]])
        # The wall clock decides, because it is what the server compares with: a jump of it, back or far ahead, makes a
        # new token.
        now = time.time() + self._skew
        made, token = self._cache.get(cache_key, _NO_TOKEN)
        if token is None or not 0 <= now - made < _RENEW_AFTER:
            token = Secret(f"Bearer {self._sign(claims(method.grants or {}, message), int(now))}")
            self._cache[cache_key] = (now, token)
        self._touch(cache_key)
        return token

    def set_clock_skew(self, seconds: float) -> bool:
        """Sign by a clock that is so many seconds ahead of ours. Returns False if it did so already."""
        if abs(seconds - self._skew) < SMALLEST_SKEW:
            return False
        self._skew = seconds
        self._cache.clear()
        return True

    def _sign(self, granted: dict[str, Any], now: int) -> str:
        payload = {"iss": self.api_key.reveal(), "nbf": now - BACKDATED, "exp": now - BACKDATED + LIFETIME, **granted}
        body = json.dumps(payload, separators=(",", ":")).encode()
        return hs256().encode(body, self._api_secret.reveal(), algorithm="HS256", headers={"typ": "JWT"})

    def _touch(self, cache_key: object) -> None:
        # Another thread may have evicted the entry in between, which is not an error.
        try:
            self._cache.move_to_end(cache_key)
            while len(self._cache) > CACHED:
                self._cache.popitem(last=False)
        except KeyError:
            return
