"""Verification of access tokens: those of participants, and those that sign webhooks.

Stricter than a JWT library's defaults: only HS256 is accepted, ``exp`` is required, and every known claim must have its
type. Every fault of a token is a `TokenError`.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from twirpkit._config.credentials import checked_credential
from twirpkit._secret import Secret, conceal
from twirpkit._suggestion import Suggesting
from twirpkit.livekit.frozen_json import freeze
from twirpkit.livekit.token_grants import Participant, check, from_claims
from twirpkit.livekit.token_signing import LATEST, checked_pair, credentials, hs256, unix_time

__all__ = ["Claims", "TokenError", "TokenExpiredError", "TokenVerifier", "decode_unverified"]

LEEWAY: Final = timedelta(seconds=60)
"""Default difference of clocks that is allowed, the same as in LiveKit's server."""
MAX_CHARACTERS: Final = 256 * 1024
"""Limit of a token, far above one with metadata and attributes at their limits. Longer texts are refused unread."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_NOBODY: Final = Secret(secrets.token_urlsafe(32))
"""Stands in for the secret of an unknown issuer, so that the refusal takes as long as that of a bad signature."""


class TokenError(ValueError):
    """A token that is not trusted. The text gives the reason, and holds nothing of the token but names of claims."""


class TokenExpiredError(TokenError):
    """A token that was valid, and whose ``exp`` has passed."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Claims(Participant):
    """The claims of a token. A claim that it does not have is None."""

    kind: str | None = None
    """As in `AccessToken`; a newer server may send a kind that is not known here."""
    kind_details: Sequence[str] | None = None
    """As in `AccessToken`; a newer server may send others."""
    room_config: Mapping[str, Any] | None = field(default=None, repr=False)
    """``livekit.RoomConfiguration`` as JSON."""
    issuer: str | None = None
    """``iss``: the API key."""
    expires_at: datetime | None = None
    """``exp``, in UTC."""
    not_before: datetime | None = None
    """``nbf``, in UTC."""
    issued_at: datetime | None = None
    """``iat``, in UTC."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """All claims of the token, your own included."""

    def __post_init__(self) -> None:
        check(self, Participant)
        object.__setattr__(self, "room_config", freeze(self.room_config))
        object.__setattr__(self, "raw", freeze(self.raw))


class TokenVerifier(Suggesting):
    """Verifier of tokens that are signed with one of several API keys.

    Args:
        api_key: The key. Without key, secret and `keys`, both come from LIVEKIT_API_KEY and LIVEKIT_API_SECRET.
        api_secret: The key's secret.
        keys: Secrets by API key, instead of one key: while keys are rotated, tokens of the old and the new key are
            accepted.
        leeway: Allowed difference between the clocks of the signer and of this machine. Default: 60 seconds.

    Raises:
        ValueError: Keys are missing, given twice, or refused (rule E3); or `leeway` is negative.
        TypeError: Something has the wrong type.
    """

    def __init__(
        self,
        api_key: str | None = None,
        api_secret: str | None = None,
        *,
        keys: Mapping[str, str] | None = None,
        leeway: timedelta = LEEWAY,
    ) -> None:
        api_key, api_secret, keys = conceal(api_key, api_secret, keys)
        self._keys = _secrets(api_key, api_secret, keys)
        self._leeway = check_duration("leeway", leeway)

    def verify(self, token: str, *, at: datetime | None = None) -> Claims:
        """Verify a token, and return its claims.

        Args:
            token: The token alone, without ``Bearer``.
            at: An aware datetime to use instead of the current time: for recorded tokens, and for tests.

        Raises:
            TokenExpiredError: It has expired.
            TokenError: It is not a token, not signed by one of the keys with HS256, not valid yet, without ``exp``, or
                one of its claims has the wrong type. An unknown key and a bad signature have the same text.
            ValueError: `at` has no time zone.
        """
        now, leeway = unix_time(at), self._leeway.total_seconds()
        header, payload = _read(token)
        if header.get("alg") != "HS256" or "crit" in header:
            raise TokenError("the token is not signed with HS256")
        issuer = payload.get("iss")
        secret = self._keys.get(issuer) if isinstance(issuer, str) else None
        if not _signed(token, secret or _NOBODY) or secret is None:
            raise TokenError("the token is not signed by a known API key")
        claims = _claims(payload)
        if claims.expires_at is None:
            raise TokenError("the token has no exp")
        if claims.expires_at.timestamp() <= now - leeway:
            raise TokenExpiredError("the token has expired")
        if claims.not_before is not None and claims.not_before.timestamp() > now + leeway:
            raise TokenError("the token is not valid yet")
        return claims

    def __reduce__(self) -> NoReturn:
        raise TypeError("a TokenVerifier holds secrets and is not pickled or copied")


def decode_unverified(token: str) -> Claims:
    """Return the claims of a token without checking signature and times. For logs and debugging only.

    Raises:
        TokenError: It is not a token, or one of its claims has the wrong type.
    """
    _, payload = _read(token)
    return _claims(payload)


def parse_json(data: bytes) -> dict[str, Any] | None:
    """Return a JSON object, or None if the data is something else, repeats a key or holds half of a surrogate pair."""
    try:
        text = data.decode()
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def check_duration(what: str, value: object) -> timedelta:
    """Return a duration that is not negative."""
    if not isinstance(value, timedelta):
        raise TypeError(f"{what} must be a timedelta, not {type(value).__name__}")
    if value < timedelta(0):
        raise ValueError(f"{what} must not be negative")
    return value


def _secrets(api_key: str | None, api_secret: str | None, keys: Mapping[str, str] | None) -> dict[str, Secret]:
    if keys is None:
        key, secret = credentials(api_key, api_secret)
        return {key.reveal(): secret}
    if api_key is not None or api_secret is not None:
        raise ValueError("give api_key=… with api_secret=…, or keys=…, not both")
    if not isinstance(keys, Mapping):
        raise TypeError(f"keys must be a mapping of API keys to secrets, not {type(keys).__name__}")
    if not keys:
        raise ValueError("keys is empty: give at least one API key with its secret")
    # The secrets are not named here: tracebacks show variables.
    pairs = (
        checked_pair(checked_credential("an API key", key), checked_credential("an API secret", keys[key]))
        for key in keys
    )
    return {key.reveal(): secret for key, secret in pairs}


def _read(token: object) -> tuple[dict[str, Any], dict[str, Any]]:
    if not isinstance(token, str):
        raise TokenError(f"the token must be a str, not {type(token).__name__}{_hint(token)}")
    if len(token) > MAX_CHARACTERS:
        raise TokenError(f"the token is longer than {MAX_CHARACTERS} characters")
    if token[:7].lower() == "bearer ":
        raise TokenError("the token has the prefix 'Bearer': pass the text after it")
    if not _TOKEN.fullmatch(token):
        raise TokenError("the token is not a JWT: it must be three parts in base64url, with dots between them")
    header, payload = (_part(each) for each in token.split(".")[:2])
    if header is None or payload is None:
        raise TokenError("the token is not a JWT: its first two parts must be JSON objects")
    return header, payload


def _hint(token: object) -> str:
    if token is None:
        return ": the request has none"
    return ": decode it, token.decode()" if isinstance(token, bytes | bytearray) else ""


def _part(text: str) -> dict[str, Any] | None:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return parse_json(data)


def _signed(token: str, secret: Secret) -> bool:
    import jwt

    try:
        hs256().decode_complete(token, secret.reveal(), algorithms=["HS256"])
    except jwt.PyJWTError:
        return False
    return True


def _claims(payload: dict[str, Any]) -> Claims:
    room_config, issuer = payload.get("roomConfig"), payload.get("iss")
    if room_config is not None and not isinstance(room_config, dict):
        raise TokenError("the claim roomConfig is not an object")
    if issuer is not None and not isinstance(issuer, str):
        raise TokenError("the claim iss is not a text")
    times = {name: _time(payload, claim) for name, claim in _TIMES.items()}
    try:
        return from_claims(Claims, payload, room_config=room_config, issuer=issuer, raw=payload, **times)
    except (TypeError, ValueError) as error:
        problem = str(error)
    except RecursionError:
        problem = "they are nested too deeply"
    raise TokenError(f"the token's claims are wrong: {problem}")


_TIMES: Final = {"expires_at": "exp", "not_before": "nbf", "issued_at": "iat"}


def _time(payload: dict[str, Any], claim: str) -> datetime | None:
    value = payload.get(claim)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError(f"the claim {claim} is not a number")
    if not 0 <= value <= LATEST:
        raise TokenError(f"the claim {claim} is out of range")
    return datetime.fromtimestamp(value, UTC)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key occurs twice in one object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
