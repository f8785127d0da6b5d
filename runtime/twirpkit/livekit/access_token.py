"""Access tokens: identity and permissions of a participant, signed with an API key."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn, cast

from google.protobuf.message import Message

from twirpkit._secret import Secret, conceal
from twirpkit._suggestion import check_arguments
from twirpkit.livekit.room_config import room_config_json, sensitive_paths
from twirpkit.livekit.token_grants import Participant, VideoGrants, check, claims_of, put
from twirpkit.livekit.token_signing import LATEST, credentials, hs256, unix_time

__all__ = ["AccessToken"]

LIFETIME: Final = timedelta(hours=6)
"""Default lifetime of a token, the same as in LiveKit's own SDKs."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AccessToken(Participant):
    """The contents of an access token, and the API key that signs it. `to_jwt` returns the signed text.

    An access token is immutable: `dataclasses.replace` makes another. Its secret does not show. It does not pickle;
    pass on the text instead. Key and secret may be positional, all other fields are keywords.

    Raises:
        ValueError: No key or secret; a join without identity or room; an empty list of sources; an unknown kind or
            source; credentials in `room_config`; a `ttl` that is not positive; or a text that is refused.
        TypeError: A value has the wrong type; the text names the field.
    """

    api_key: str | Secret | None = field(default=None, repr=False, compare=False, kw_only=False)
    """The API key: the claim ``iss``. Without key and secret, both come from LIVEKIT_API_KEY and
    LIVEKIT_API_SECRET."""
    api_secret: str | Secret | None = field(default=None, repr=False, compare=False, kw_only=False)
    """The key's secret."""
    ttl: timedelta = LIFETIME
    """Lifetime, counted from `to_jwt`. Must be positive."""
    room_config: Message | Mapping[str, Any] | None = field(default=None, repr=False)
    """Configuration of the room if joining creates it: a ``livekit.RoomConfiguration`` of any library, or a mapping in
    its proto's or its JSON's names, which is checked as a request is. Kept as JSON (camelCase)."""
    allow_sensitive_credentials: bool = False
    """Let `room_config` hold storage secrets or stream keys. The holder of the token can read them."""

    def __post_init__(self) -> None:
        check(self, Participant)
        key, secret = credentials(self.api_key, self.api_secret)
        put(self, api_key=key, api_secret=secret)
        if self.room_config is not None:
            put(self, room_config=room_config_json(self.room_config, self.room_config_class()))
        if not isinstance(self.ttl, timedelta):
            raise TypeError(f"AccessToken: ttl must be a timedelta, not {type(self.ttl).__name__}")
        if self.ttl <= timedelta(0):
            raise ValueError("AccessToken: ttl must be above 0")
        video = self.video or VideoGrants()
        if video.room_join and not (self.identity and video.room):
            raise ValueError("AccessToken: to join a room, a token needs an identity and the room's name (video.room)")
        if video.can_publish_sources is not None and not video.can_publish_sources:
            raise ValueError(
                "AccessToken: an empty can_publish_sources allows every source; for none set can_publish=False"
            )
        if not self.allow_sensitive_credentials:
            egress = cast("Mapping[str, Any]", self.room_config or {}).get("egress")
            path = next(sensitive_paths(egress, "egress"), None)
            if path is not None:
                raise ValueError(
                    f"AccessToken: room_config has credentials at {path}, which the holder of the token can read; "
                    "configure the storage on the server, or set allow_sensitive_credentials=True"
                )

    @classmethod
    def room_config_class(cls) -> type[Message] | None:
        """Return the class of ``livekit.RoomConfiguration``. None in the base of a generated package's class."""
        return None

    def to_jwt(self, *, at: datetime | None = None) -> str:
        """Sign the token, valid from now for `ttl`.

        Args:
            at: An aware datetime to use instead of the current time.

        Returns:
            The token's text (JWT, HS256).

        Raises:
            ValueError: It would expire beyond the year 9999, or `at` has no time zone.
            TypeError: `at` is not a datetime.
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
        raise TypeError("an AccessToken holds a secret and is not pickled or copied: pass on the text of to_jwt()")


def _concealing(init: Callable[..., None]) -> Callable[..., None]:
    """Return a dataclass's constructor in whose frame key and secret are not shown (rule E1)."""

    @functools.wraps(init)
    def __init__(self: Any, api_key: Any = None, api_secret: Any = None, **fields: Any) -> None:
        api_key, api_secret, fields = conceal(api_key, api_secret, fields)
        check_arguments("AccessToken", fields, AccessToken.__dataclass_fields__)
        init(self, api_key, api_secret, **fields)

    return __init__


AccessToken.__init__ = _concealing(AccessToken.__init__)  # type: ignore[method-assign]  # the class has the same arguments
