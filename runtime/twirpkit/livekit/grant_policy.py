"""Grants on the side of a server: the same table by which clients sign their calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

from twirpkit._protocol.constants import AUTHORIZATION
from twirpkit._schema.claims import claims
from twirpkit._secret import conceal
from twirpkit.errors import PermissionDeniedError, UnauthenticatedError
from twirpkit.livekit.token_verifier import LEEWAY, Claims, TokenError, TokenVerifier
from twirpkit.server.request_context import RequestContext

__all__ = ["GrantPolicy", "missing_grants"]


class GrantPolicy:
    """Check of a request's token, and of the grants that the RPC's row of the policy table asks for.

    Give it to `TwirpApp` as ``authorize``. It returns the token's `Claims`, which handlers find as
    ``context.principal``. An RPC without a row needs a valid token and no grants.

    Args:
        keys: Secrets by API key. Tokens of each of them are accepted.

    Raises:
        ValueError: There are no keys, or one is refused (rule E3).
        TypeError: `keys` is not a mapping of str.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        keys = conceal(keys)
        self._verifier = TokenVerifier(keys=keys, leeway=LEEWAY)

    def __call__(self, context: RequestContext, request: Message) -> Claims:
        """Return the claims of a request's token.

        Raises:
            UnauthenticatedError: There is no token, or it is not valid.
            PermissionDeniedError: It lacks a grant; the text names it.
        """
        scheme, _, token = context.headers.get(AUTHORIZATION.lower(), "").partition(" ")
        if scheme.lower() != "bearer":
            raise UnauthenticatedError("no bearer token")
        try:
            found = self._verifier.verify(token.strip())
        except TokenError as error:
            problem = str(error)
        else:
            missing = missing_grants(claims(context.method.grants or {}, request), found.raw)
            if missing:
                raise PermissionDeniedError(f"the token lacks {', '.join(missing)}")
            return found
        raise UnauthenticatedError(problem)


def missing_grants(wanted: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Return the names of the grants that a token lacks: ``video.roomAdmin``.

    Args:
        wanted: The claims of one call, as a client signs them.
        given: The claims of its token, which may have more.
    """
    missing: list[str] = []
    for name, value in wanted.items():
        if isinstance(value, Mapping):
            inner = given.get(name)
            found = missing_grants(value, inner if isinstance(inner, Mapping) else {})
            missing += [f"{name}.{each}" for each in found]
        # A text that is empty is the same as none, as in the messages that such texts come from.
        elif given.get(name, "" if isinstance(value, str) else None) != value:
            missing.append(name)
    return missing
