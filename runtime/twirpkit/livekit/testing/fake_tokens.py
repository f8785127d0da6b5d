"""Tokens of calls, read as livekit-server reads them: with its statuses and texts."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from typing import Any, Final

from twirpkit._protocol.constants import CONTENT_LENGTH, CONTENT_TYPE
from twirpkit._secret import Secret
from twirpkit.livekit.token_signing import hs256
from twirpkit.livekit.token_verifier import LEEWAY, TokenError, decode_unverified
from twirpkit.transports.base import HttpResponse

__all__ = ["FakeTokens", "text_response"]

_BEARER: Final = "Bearer "
_CACHED: Final = 256


class FakeTokens:
    """Check of the tokens of calls.

    Args:
        api_key: The server's only key.
        api_secret: Its secret.
    """

    def __init__(self, api_key: str, api_secret: Secret) -> None:
        self._api_key = api_key
        self._api_secret = api_secret
        self._read: OrderedDict[str, dict[str, Any]] = OrderedDict()
        """Claims of tokens whose signature was checked."""

    def claims(self, authorization: str) -> dict[str, Any] | HttpResponse:
        """Return the claims of an Authorization header, or the response that refuses it."""
        if not authorization.startswith(_BEARER) or authorization == _BEARER:
            return _refused("invalid authorization header. Must start with Bearer ")
        token = authorization.removeprefix(_BEARER)
        claims = self._read.get(token)
        if claims is None:
            found = self._verified(token)
            if isinstance(found, HttpResponse):
                return found
            claims = self._read[token] = found
            if len(self._read) > _CACHED:
                self._read.popitem(last=False)
        return self._in_time(token, claims)

    def _verified(self, token: str) -> dict[str, Any] | HttpResponse:
        import jwt

        if token != token.strip():  # PyJWT reads it before 2.15
            return _refused("invalid authorization token")
        try:
            unchecked = hs256().decode_complete(token, options={"verify_signature": False})
            payload = json.loads(unchecked["payload"])
        except (jwt.PyJWTError, ValueError):
            return _refused("invalid authorization token")
        if not isinstance(payload, dict):
            return _refused("invalid authorization token")
        issuer = payload.get("iss", "")
        if issuer != self._api_key:
            return _refused(f"invalid API key: {issuer}")
        algorithm = unchecked["header"].get("alg")
        if algorithm != "HS256":
            return _invalid(token, f"token signature is invalid: signing method {algorithm} is invalid")
        try:
            hs256().decode_complete(token, self._api_secret.reveal(), algorithms=["HS256"])
            decode_unverified(token)
        except jwt.PyJWTError:
            return _invalid(token, "token signature is invalid: signature is invalid")
        except TokenError as error:
            return _invalid(token, str(error))
        return payload

    def _in_time(self, token: str, claims: dict[str, Any]) -> dict[str, Any] | HttpResponse:
        # The clock of this machine, by which clients sign, and not the one that a test advances.
        now, leeway = time.time(), LEEWAY.total_seconds()
        expires, begins = claims.get("exp"), claims.get("nbf")
        if expires is not None and now - leeway >= expires:
            return _invalid(token, "token has invalid claims: token is expired")
        if begins is not None and now + leeway < begins:
            return _invalid(token, "token has invalid claims: token is not valid yet")
        return claims


def text_response(status: int, text: str) -> HttpResponse:
    """Return a response in plain text."""
    body = text.encode()
    headers = {CONTENT_TYPE.lower(): "text/plain; charset=utf-8", CONTENT_LENGTH.lower(): str(len(body))}
    return HttpResponse(status, headers, body)


def _refused(text: str) -> HttpResponse:
    return text_response(401, text)


def _invalid(token: str, reason: str) -> HttpResponse:
    return _refused(f"invalid token: {token}, error: {reason}")
