"""Token endpoints: the responses to clients that fetch their tokens from your own server (LiveKit's TokenSource)."""

from __future__ import annotations

import dataclasses
import inspect
import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, TypedDict

from google.protobuf.message import Message

from twirpkit._protocol.url import normalize_url
from twirpkit._schema.json_reader import from_dict, from_json
from twirpkit._secret import Secret, conceal, revealed
from twirpkit._suggestion import suggestion
from twirpkit.livekit.access_token import LIFETIME, AccessToken
from twirpkit.livekit.room_config import room_config_json, sensitive_paths
from twirpkit.livekit.token_grants import VideoGrants
from twirpkit.livekit.token_signing import credentials

__all__ = ["TokenEndpoint", "TokenRequestError", "TokenResponse"]

CLIENT_FIELDS: Final = ("room_name", "participant_name", "room_config.agents")
"""Fields that a client may set by default: those that nobody else relies on. An identity of one's choice is that of
another participant, metadata and attributes often hold a role, and a room's configuration can start recordings."""
MAX_BYTES: Final = 64 * 1024
"""Limit of a request's body. What is in it goes into the token, which travels in a header or a URL."""

_ENV_URL: Final = "LIVEKIT_URL"
_IDENTITY: Final = "participant_identity"
_ROOM_CONFIG: Final = "room_config"
_WEBSOCKET: Final = {"http": "ws", "https": "wss"}


class TokenResponse(TypedDict):
    """A token endpoint's response, as JSON. Its HTTP status is 201."""

    server_url: str
    """URL of the LiveKit server, for the client to connect to."""
    participant_token: str
    """The access token."""


class TokenRequestError(ValueError):
    """A client's request for a token that is refused. The text may be shown to the client.

    Args:
        message: The reason.
        status: The HTTP status to respond with: 400 for a body that is not a request, 413 for one that is too large,
            403 for something that the client may not set.
    """

    status: int

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class TokenEndpoint:
    """Base of `token_response` of a generated package, bound to its ``TokenSourceRequest``."""

    @classmethod
    def request_class(cls) -> type[Message]:
        """Return the class of ``livekit.TokenSourceRequest`` of the generated package."""
        raise TypeError(
            "TokenEndpoint of twirpkit.livekit has no messages: take token_response of the generated package"
        )

    @classmethod
    def token_response(
        cls,
        body: bytes | bytearray | str | Mapping[str, Any] | None,
        api_key: str | None = None,
        api_secret: str | None = None,
        url: str | None = None,
        *,
        identity: str | None = None,
        grants: VideoGrants | None = None,
        allow: Iterable[str] = CLIENT_FIELDS,
        ttl: timedelta = LIFETIME,
    ) -> TokenResponse:
        """Return the response to a client that asks for a token. Authenticate the user before.

        The token always allows to join one room. What it allows there is decided by `grants`, never by the request. A
        request without a room or an identity gets a random one.

        Args:
            body: The request's body, or its parsed JSON. Empty or None: a request without fields.
            api_key: The key. Without key and secret, both come from LIVEKIT_API_KEY and LIVEKIT_API_SECRET.
            api_secret: The key's secret.
            url: URL of the LiveKit server. Default: LIVEKIT_URL. The client gets it with ``ws`` or ``wss``.
            identity: The user's identity, as your server knows it; a request for another one is refused. Default: a
                random one.
            grants: Further grants, such as ``VideoGrants(can_publish=False)``. With a `room`, a request for another
                room is refused.
            allow: Names of the fields that the client may set: ``room_name``, ``participant_name``,
                ``participant_identity``, ``participant_metadata``, ``participant_attributes``, ``room_config``, and of
                a room's configuration also single fields. Default: ``room_name``, ``participant_name`` and
                ``room_config.agents``. Credentials in a room's configuration are always refused.
            ttl: Lifetime of the token. Default: six hours.

        Raises:
            TokenRequestError: The request is refused; it knows the HTTP `status` to respond with.
            ValueError: No key, secret or URL; or an argument is refused.
            TypeError: An argument has the wrong type.
        """
        api_key, api_secret, url = conceal(api_key, api_secret, url)
        key, secret = credentials(api_key, api_secret)
        server_url = _server_url(url)
        if grants is not None and not isinstance(grants, VideoGrants):
            raise TypeError(f"grants must be VideoGrants, not {type(grants).__name__}")
        allowed = _allowed(cls.request_class(), allow)
        if identity is not None:  # a client that names the same one is right
            allowed |= {_IDENTITY}
        request: Any = _request(cls.request_class(), body, allowed)
        grants = grants or VideoGrants()
        room = _decided("room_name", grants.room, request.room_name) or f"room-{secrets.token_hex(8)}"
        holder = _decided(_IDENTITY, identity, request.participant_identity)
        token = AccessToken(
            key,
            secret,
            identity=holder or f"user-{secrets.token_hex(8)}",
            name=request.participant_name,
            metadata=request.participant_metadata,
            attributes=dict(request.participant_attributes) or None,
            video=dataclasses.replace(grants, room_join=True, room=room),
            room_config=request.room_config if request.HasField(_ROOM_CONFIG) else None,
            ttl=ttl,
        )
        return {"server_url": server_url, "participant_token": token.to_jwt()}


def _server_url(url: str | Secret | None) -> str:
    given = url if url is not None else conceal(os.environ.get(_ENV_URL))
    if not revealed(given):
        raise ValueError(f"no URL: pass url=…, or set {_ENV_URL}")
    scheme, separator, rest = normalize_url(given).partition("://")
    return f"{_WEBSOCKET[scheme]}{separator}{rest}"


def _allowed(request_class: type[Message], allow: Iterable[str]) -> frozenset[str]:
    """Return the names of the fields that a client may set; those of the room's configuration one by one."""
    if isinstance(allow, str):
        raise TypeError("allow must be a list of names of fields, not a str")
    descriptor: Any = request_class.DESCRIPTOR
    config = descriptor.fields_by_name[_ROOM_CONFIG].message_type
    in_config = [f"{_ROOM_CONFIG}.{field.name}" for field in config.fields]
    known = [field.name for field in descriptor.fields] + in_config
    names = frozenset(allow)
    if unknown := sorted(str(name) for name in names if name not in known):
        raise ValueError(f"allow: a request for a token has no {unknown[0]!r}{suggestion(unknown[0], known)}")
    return names.union(in_config) if _ROOM_CONFIG in names else names


def _request(request_class: type[Message], body: object, allowed: Collection[str]) -> Message:
    """Return the request in a body.

    Raises:
        TokenRequestError: It is not a request, or it sets a field that is not allowed.
        TypeError: The body has the wrong type.
    """
    request, problem = _parsed(request_class, body)
    if request is None:
        raise TokenRequestError(problem)
    if refused := [name for name in _set_fields(request) if name not in allowed]:
        raise TokenRequestError(f"{refused[0]} may not be set by a client here", 403)
    config = room_config_json(getattr(request, _ROOM_CONFIG), None)
    if (path := next(sensitive_paths(config.get("egress"), "egress"), None)) is not None:
        raise TokenRequestError(f"{_ROOM_CONFIG} may not hold credentials, and has some at {path}", 403)
    return request


def _parsed(request_class: type[Message], body: object) -> tuple[Message | None, str]:
    """Return the request and no problem, or no request and the problem."""
    if body is None or body in (b"", ""):
        return request_class(), ""
    if not isinstance(body, bytes | bytearray | str | Mapping):
        hint = ": await it" if inspect.isawaitable(body) else ""
        raise TypeError(f"the body must be bytes, str or a mapping, not {type(body).__name__}{hint}")
    if not isinstance(body, Mapping) and len(body) > MAX_BYTES:
        raise TokenRequestError(f"the body is larger than {MAX_BYTES} bytes", 413)
    try:
        return from_dict(request_class, body) if isinstance(body, Mapping) else from_json(request_class, body), ""
    except ValueError as error:
        return None, str(error)


def _set_fields(request: Message) -> Iterator[str]:
    """Yield the fields that a request sets; those of the room's configuration one by one, each after a dot."""
    for field, value in request.ListFields():
        if field.name == _ROOM_CONFIG:
            yield from (f"{_ROOM_CONFIG}.{inner.name}" for inner, _ in value.ListFields())
        elif value:
            yield field.name


def _decided(name: str, fixed: str | None, wanted: str) -> str | None:
    """Return the server's value if it has one, otherwise the client's."""
    if fixed and wanted and wanted != fixed:
        raise TokenRequestError(f"{name} may not be {wanted!r} here", 403)
    return fixed or wanted or None
