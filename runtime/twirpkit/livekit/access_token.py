"""Access tokens: who somebody is and what they may do, signed with an API key."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn, cast

from google.protobuf.message import Message

from twirpkit._protocol.headers import Secret
from twirpkit.livekit.room_config import room_config_json, sensitive_paths
from twirpkit.livekit.token_grants import Participant, VideoGrants, check, claims_of, put
from twirpkit.livekit.token_signing import LATEST, credentials, hs256, unix_time

__all__ = ["AccessToken"]

LIFETIME: Final = timedelta(hours=6)
"""How long a token holds where nothing else is said; the same in LiveKit's own SDKs."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AccessToken(Participant):
    """A token to be: everything it says, and the key that signs it. `to_jwt` makes the text that a client is given.

    A value: it does not change, `dataclasses.replace` makes another, and the secret does not show. It is not pickled;
    hand the text over instead.

    Raises:
        ValueError: No key or secret; a join without identity or room; an empty list of sources; credentials in
            `room_config`; a `ttl` that is not positive; or a text that cannot be what it is given for.
        TypeError: A value has the wrong type; the text names it.
    """

    api_key: str | Secret | None = field(default=None, repr=False, compare=False)
    """Becomes ``iss``. Without key and secret, both come from LIVEKIT_API_KEY and LIVEKIT_API_SECRET."""
    api_secret: str | Secret | None = field(default=None, repr=False, compare=False)
    """The key's secret."""
    ttl: timedelta = LIFETIME
    """How long it holds from when `to_jwt` is called; more than nothing."""
    room_config: Message | Mapping[str, Any] | None = field(default=None, repr=False)
    """How a room is set up that is made by joining: a ``livekit.RoomConfiguration`` of any library, or a mapping in its
    proto's or its JSON's names. Kept as JSON (camelCase)."""
    allow_sensitive_credentials: bool = False
    """Let `room_config` carry storage secrets or stream keys. Whoever holds the token can read them."""

    def __post_init__(self) -> None:
        check(self, Participant)
        key, secret = credentials(self.api_key, self.api_secret)
        put(self, api_key=key, api_secret=secret, room_config=room_config_json(self.room_config))
        if not isinstance(self.ttl, timedelta):
            raise TypeError(f"AccessToken: ttl must be a timedelta, not {type(self.ttl).__name__}")
        if self.ttl <= timedelta(0):
            raise ValueError("AccessToken: ttl must be above 0")
        video = self.video or VideoGrants()
        if video.room_join and not (self.identity and video.room):
            raise ValueError("AccessToken: to join a room a token needs an identity and the room's name (video.room)")
        if video.can_publish_sources is not None and not video.can_publish_sources:
            raise ValueError(
                "AccessToken: an empty can_publish_sources allows every source; for none set can_publish=False"
            )
        if not self.allow_sensitive_credentials:
            egress = cast("Mapping[str, Any]", self.room_config or {}).get("egress")
            path = next(sensitive_paths(egress, "egress"), None)
            if path is not None:
                raise ValueError(
                    f"AccessToken: room_config has credentials at {path}, which whoever holds the token can read; "
                    "configure the storage on the server, or set allow_sensitive_credentials=True"
                )

    def to_jwt(self, *, at: datetime | None = None) -> str:
        """The signed token, valid from now on for `ttl`.

        Args:
            at: An aware datetime to take for now.
        """
        now = int(unix_time(at))
        expires = now + math.ceil(self.ttl.total_seconds())
        if expires > LATEST:
            raise ValueError("AccessToken: ttl reaches beyond the year 9999")
        payload = {"iss": cast(Secret, self.api_key).reveal(), "nbf": now, "exp": expires, **claims_of(self)}
        if self.room_config is not None:
            payload["roomConfig"] = self.room_config
        body = json.dumps(payload, separators=(",", ":"), allow_nan=False).encode()
        return hs256().encode(body, cast(Secret, self.api_secret).reveal(), algorithm="HS256", headers={"typ": "JWT"})

    def __reduce__(self) -> NoReturn:
        raise TypeError("an AccessToken holds a secret and is not pickled or copied; hand over what to_jwt() gives")
