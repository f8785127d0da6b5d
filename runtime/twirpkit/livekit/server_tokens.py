"""Tokens for calls to a LiveKit server: HS256, exactly the claims of the RPC's policy row, short-lived (rule E6)."""

from __future__ import annotations

import json
import time
import warnings
from collections import OrderedDict
from typing import Any, Final

from google.protobuf.message import Message

from twirpkit._protocol.headers import Secret
from twirpkit._schema.claims import claims
from twirpkit.errors import ShortSecretWarning
from twirpkit.livekit.token_signing import hs256
from twirpkit.rpc import Method

__all__ = ["ServerTokens"]

LIFETIME: Final = 600
"""Seconds between ``nbf`` and ``exp``."""
BACKDATED: Final = 60
"""Seconds that ``nbf`` lies back, for a server whose clock is behind."""
CACHED: Final = 1024
"""How many tokens one client keeps; the least recently used goes first."""
SHORTEST_SECRET: Final = 32
"""Bytes of the shortest secret that does not warn."""

_RENEW_AFTER: Final = (LIFETIME - BACKDATED) / 2


class ServerTokens:
    """The Authorization header of each call, signed with an API key and its secret.

    Tokens are cached by their claims and renewed at half of what is left to them when they are made. All of it is safe
    in threads and after a fork: there is no lock that could be held for ever, and signing twice does no harm.

    Args:
        api_key: Becomes ``iss``.
        api_secret: The key's secret. A short one, such as that of a development server, warns once, here (rule E4).
    """

    def __init__(self, api_key: str, api_secret: str) -> None:
        if len(api_secret.encode()) < SHORTEST_SECRET:
            text = f"the API secret has {len(api_secret.encode())} bytes, and HS256 wants {SHORTEST_SECRET} or more"
            warnings.warn(text, ShortSecretWarning, stacklevel=5)
        self._api_key = Secret(api_key)
        self._api_secret = Secret(api_secret)
        self._cache: OrderedDict[str, tuple[float, Secret]] = OrderedDict()

    def __call__(self, method: Method[Any, Any], message: Message) -> str:
        """The value of the Authorization header for one call."""
        granted = claims(method.grants or {}, message)
        cache_key = repr(granted)
        # The wall clock decides, because it is what the server compares with: a jump of it, back or far ahead, makes a
        # new token.
        now = time.time()
        made, token = self._cache.get(cache_key, (float("-inf"), None))
        if token is None or not 0 <= now - made < _RENEW_AFTER:
            token = Secret(f"Bearer {self._sign(granted, int(now))}")
            self._cache[cache_key] = (now, token)
        self._touch(cache_key)
        return token.reveal()

    def _sign(self, granted: dict[str, Any], now: int) -> str:
        payload = {"iss": self._api_key.reveal(), "nbf": now - BACKDATED, "exp": now - BACKDATED + LIFETIME, **granted}
        body = json.dumps(payload, separators=(",", ":")).encode()
        return hs256().encode(body, self._api_secret.reveal(), algorithm="HS256", headers={"typ": "JWT"})

    def _touch(self, cache_key: str) -> None:
        # Another thread may have evicted the entry in between, which is no error.
        try:
            self._cache.move_to_end(cache_key)
            while len(self._cache) > CACHED:
                self._cache.popitem(last=False)
        except KeyError:
            return
