"""Verification of webhooks: deliveries that a LiveKit server signs with an API key (rule A16).

A delivery is a body in protobuf's JSON, and a token in its Authorization header whose claim ``sha256`` is the hash of
the body. The body must be passed unchanged: JSON that was parsed and written again has another hash.
"""

from __future__ import annotations

import hmac
import inspect
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, NoReturn, TypeVar

from twirpkit._secret import conceal
from twirpkit._suggestion import Suggesting
from twirpkit.livekit.token_signing import unix_time
from twirpkit.livekit.token_verifier import LEEWAY, Claims, TokenError, TokenVerifier, check_duration, parse_json
from twirpkit.livekit.webhook_event import WebhookError, WebhookEvent
from twirpkit.livekit.webhook_signature import body_hash

__all__ = ["WebhookReceiver"]

E = TypeVar("E", bound=WebhookEvent[Any])

MAX_BYTES: Final = 1024 * 1024
"""Default limit of a body, in bytes."""


class WebhookReceiver(Suggesting, Generic[E]):
    """Receiver that verifies and decodes deliveries. One object serves a whole program and is safe in threads.

    A generated package binds it to its event class.

    Args:
        api_key: The key that signs. Without key, secret and `keys`, both come from LIVEKIT_API_KEY and
            LIVEKIT_API_SECRET.
        api_secret: The key's secret.
        keys: Secrets by API key, instead of one key: while keys are rotated, or for several projects.
        max_age: Longest time since the delivery was signed. None: only the token's ``exp`` counts, which LiveKit sets
            to five minutes.
        max_bytes: Limit of a body, in bytes. A larger one is refused unread. Default: 1 MiB.
        leeway: Allowed difference between the clocks of the server and of this machine. Default: 60 seconds.

    Raises:
        ValueError: Keys are missing, given twice, or refused (rule E3); or a limit is out of range.
        TypeError: An argument has the wrong type.
    """

    def __init__(
        self,
        api_key: str | None = None,
        api_secret: str | None = None,
        *,
        keys: Mapping[str, str] | None = None,
        max_age: timedelta | None = None,
        max_bytes: int = MAX_BYTES,
        leeway: timedelta = LEEWAY,
    ) -> None:
        api_key, api_secret, keys = conceal(api_key, api_secret, keys)
        self.event_class()
        if max_bytes < 1:
            raise ValueError("max_bytes must be above 0")
        self._verifier = TokenVerifier(api_key, api_secret, keys=keys, leeway=leeway)
        self._max_age = None if max_age is None else check_duration("max_age", max_age) + leeway
        self._max_bytes = max_bytes

    @classmethod
    def event_class(cls) -> type[E]:
        """Return the event class of the generated package."""
        raise TypeError(
            "WebhookReceiver of twirpkit.livekit has no messages: take WebhookReceiver of the generated package"
        )

    def receive(self, body: bytes | bytearray | str, authorization: str | None, *, at: datetime | None = None) -> E:
        """Verify a delivery, and return its event.

        Args:
            body: The request's body as it arrived. Its type is ``application/webhook+json``, so frameworks do not
                parse it by themselves.
            authorization: The Authorization header, with or without ``Bearer``; None if there was none.
            at: An aware datetime to use instead of the current time: for recorded deliveries, and for tests.

        Raises:
            WebhookError: The delivery is not trusted or cannot be read. Respond with 401; the reason belongs in your
                log, not in the response.
            ValueError: `at` has no time zone.
        """
        now = unix_time(at)
        data = self._bytes(body)
        claims = self._verified(authorization, datetime.fromtimestamp(now, UTC))
        self._check_signature(data, claims)
        self._check_age(claims, now)
        event_class = self.event_class()
        json_data = parse_json(data)
        if json_data is None:
            raise WebhookError(f"the body is not a {event_class.message_class().DESCRIPTOR.full_name} in JSON")
        return event_class.from_raw(json_data)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a WebhookReceiver holds secrets and is not pickled or copied")

    def _bytes(self, body: object) -> bytes:
        if not isinstance(body, bytes | bytearray | str):
            raise WebhookError(f"the body must be the bytes that arrived, not {type(body).__name__}{_hint(body)}")
        if not body:
            raise WebhookError("the body is empty: pass the bytes that arrived, which can often be read only once")
        if len(body) <= self._max_bytes:
            data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
            if len(data) <= self._max_bytes:
                return data
        raise WebhookError(f"the body is larger than {self._max_bytes} bytes")

    def _verified(self, authorization: object, at: datetime) -> Claims:
        if authorization is None:
            raise WebhookError("no Authorization header")
        if not isinstance(authorization, str):
            hint = ": decode it, header.decode()" if isinstance(authorization, bytes) else ""
            raise WebhookError(f"the Authorization header must be a str, not {type(authorization).__name__}{hint}")
        scheme, _, token = authorization.strip().partition(" ")
        try:
            return self._verifier.verify(token.strip() if scheme.lower() == "bearer" else authorization.strip(), at=at)
        except TokenError as error:
            problem = str(error)
        raise WebhookError(problem)

    @staticmethod
    def _check_signature(data: bytes, claims: Claims) -> None:
        if claims.sha256 is None:
            raise WebhookError("the token does not sign a body (no sha256): it is not from a webhook")
        if claims.video is not None and claims.video.room_join:
            raise WebhookError("the token is a participant's, not from a webhook")
        # Compared as text: the server writes one spelling of the hash, and base64 has others that decode to the same.
        if not hmac.compare_digest(body_hash(data).encode(), claims.sha256.encode()):
            raise WebhookError("the body is not the one that was signed")

    def _check_age(self, claims: Claims, now: float) -> None:
        if self._max_age is None:
            return
        signed_at = claims.issued_at or claims.not_before
        if signed_at is None:
            raise WebhookError("the token does not say when it was signed (no iat, no nbf)")
        if now - signed_at.timestamp() > self._max_age.total_seconds():
            raise WebhookError("the delivery was signed too long ago")


def _hint(body: object) -> str:
    """Return the end of an error text: what to do with a body of the wrong type."""
    if body is None:
        return ": the request has none, or it was read before"
    if inspect.isawaitable(body):
        return ": await it"
    parsed = ": it was parsed already, and written again it has another hash than the signed one"
    return parsed if isinstance(body, Mapping | list) else ""
