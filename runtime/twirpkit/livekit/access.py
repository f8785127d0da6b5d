"""Access tokens: who somebody is and what they may do, signed with an API key (LiveKit's "grants").

Every field of every class here means "unset" by None, and what is unset is not in the token. That matters for the
``can_*`` permissions: unset they are LiveKit's defaults, which is not the same as False.
"""

from __future__ import annotations

import functools
import json
import math
import os
import re
import time
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn, TypeVar, cast

from google.protobuf.message import Message

from twirpkit.headers import Secret, check_value
from twirpkit.livekit.tokens import _hs256

__all__ = [
    "AccessToken",
    "AgentEndpointGrants",
    "AgentGrants",
    "AgentThreadGrants",
    "Grants",
    "InferenceGrants",
    "ObservabilityGrants",
    "Participant",
    "SIPGrants",
    "VideoGrants",
]

G = TypeVar("G", bound="Grants")

LIFETIME: Final = timedelta(hours=6)
"""How long a token holds where nothing else is said; the same in LiveKit's own SDKs."""
LATEST: Final = 253_402_300_799
"""The last second of the year 9999, in Unix time: what a datetime can hold."""

_ENV_KEY: Final = "LIVEKIT_API_KEY"
_ENV_SECRET: Final = "LIVEKIT_API_SECRET"  # noqa: S105  # the variable's name

_CLAIM_NAMES: Final = {"identity": "sub"}
"""Claims whose name is not the field's own in camelCase."""

_SECRET_KEYS: Final = frozenset(
    ("secret", "sessionToken", "assumeRoleExternalId", "credentials", "accountKey", "password")
)
"""What a room configuration's storage settings hold that a participant must not see. An S3 access key alone, without
its secret, may be there: LiveKit's server lets it pass too."""
_STREAM_KEYS: Final = frozenset(("stream", "streamOutputs", "urls"))
"""Where it holds addresses to stream to, which carry stream keys."""
_SENSITIVE_KEYS: Final = _SECRET_KEYS | _STREAM_KEYS
_FREE_MAPS: Final = frozenset(("attributes", "metadata", "tags"))
"""Its maps, whose keys belong to the user."""


class Grants:
    """What the grant classes share: their values are checked by their annotations, and do not change.

    Raises:
        TypeError: A value has the wrong type; the text names the field.
        ValueError: A text is no valid Unicode.
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        check(self, type(self))

    def __repr__(self) -> str:
        values = {each.name: getattr(self, each.name) for each in fields(cast(Any, self)) if each.repr}
        shown = ", ".join(f"{name}={value!r}" for name, value in values.items() if value is not None)
        return f"{type(self).__name__}({shown})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class VideoGrants(Grants):
    """Rooms: the claim ``video``."""

    room_create: bool | None = None
    """Create and delete rooms."""
    room_list: bool | None = None
    """List rooms."""
    room_record: bool | None = None
    """Start and stop recordings (egress)."""
    room_admin: bool | None = None
    """Manage `room` and those in it."""
    room_join: bool | None = None
    """Join `room`."""
    room: str | None = None
    """The name of the room that `room_admin` and `room_join` are about."""
    destination_room: str | None = None
    """The room to which a participant may be forwarded or moved."""
    can_publish: bool | None = None
    """Publish tracks. Unset: yes."""
    can_subscribe: bool | None = None
    """Subscribe to tracks. Unset: yes."""
    can_publish_data: bool | None = None
    """Send data messages. Unset: as `can_publish`."""
    can_publish_sources: Sequence[str] | None = None
    """The only sources that may be published: ``camera``, ``microphone``, ``screen_share``, ``screen_share_audio``,
    in lower case. Unset: all."""
    can_update_own_metadata: bool | None = None
    """Change one's own name, metadata and attributes. Unset: no."""
    ingress_admin: bool | None = None
    """Manage every ingress."""
    hidden: bool | None = None
    """Not visible to the others in the room."""
    recorder: bool | None = None
    """Counts as a recorder of the room. LiveKit calls it deprecated."""
    agent: bool | None = None
    """Register as a worker of the agents framework."""
    can_subscribe_metrics: bool | None = None
    """Subscribe to metrics. Unset: no."""
    can_manage_agent_session: bool | None = None
    """Manage an agent's session from afar. Unset: no."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SIPGrants(Grants):
    """Telephony: the claim ``sip``."""

    admin: bool | None = None
    """Manage trunks and dispatch rules."""
    call: bool | None = None
    """Make and transfer calls."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AgentGrants(Grants):
    """Cloud agents: the claim ``agent``."""

    admin: bool | None = None
    """Create, update and delete agents."""
    simulation_admin: bool | None = None
    """Manage simulations and their scenarios."""
    database_admin: bool | None = None
    """Use the agents' databases."""
    dispatch_admin: bool | None = None
    """Manage the queue of dispatches."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AgentEndpointGrants(Grants):
    """An agent's own HTTP endpoints: the claim ``agentEndpoint``."""

    call: bool | None = None
    """Call endpoints that are not public."""
    agent_name: str | None = None
    """This agent only. Unset: every one."""
    deployment: str | None = None
    """This deployment only. Unset: every one."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AgentThreadGrants(Grants):
    """Threads of agents: the claim ``agentThread``."""

    all: bool | None = None
    """Every thread and scope. What may be done there, the other flags say."""
    scope: str | None = None
    """Where threads may be listed and created."""
    thread_ids: Sequence[str] | None = None
    """The threads that may be read, written and deleted."""
    list: bool | None = None
    create: bool | None = None
    write: bool | None = None
    read: bool | None = None
    delete: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class InferenceGrants(Grants):
    """LiveKit's inference: the claim ``inference``."""

    perform: bool | None = None
    """Use every model."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ObservabilityGrants(Grants):
    """Observability data: the claim ``observability``."""

    write: bool | None = None
    """Send it."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Participant(Grants):
    """What a token says of its holder; the part that `AccessToken` and `Claims` have in common."""

    identity: str | None = None
    """Who it is, unique in a room: the claim ``sub``."""
    name: str | None = None
    """The name to show."""
    kind: str | None = None
    """``standard``, ``agent``, ``sip``, ``egress``, ``ingress``, ``connector`` or ``bridge``. Unset: standard."""
    kind_details: Sequence[str] | None = None
    """More about the kind, such as ``cloud_agent``."""
    metadata: str | None = field(default=None, repr=False)
    """Text of your own, seen by everybody in the room."""
    attributes: Mapping[str, str] | None = field(default=None, repr=False)
    """Texts of your own by name, seen by everybody in the room."""
    video: VideoGrants | None = None
    sip: SIPGrants | None = None
    agent: AgentGrants | None = None
    agent_endpoint: AgentEndpointGrants | None = None
    agent_thread: AgentThreadGrants | None = None
    inference: InferenceGrants | None = None
    observability: ObservabilityGrants | None = None
    room_preset: str | None = None
    """The name of a room preset (LiveKit Cloud), for a room that is made by joining."""
    sha256: str | None = None
    """Base64 of a body's SHA-256: what makes a token a webhook's signature."""


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
        _set(self, api_key=key, api_secret=secret, room_config=_room_config(self.room_config))
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
            path = next(_sensitive(egress, "egress"), None)
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
        return jws().encode(body, cast(Secret, self.api_secret).reveal(), algorithm="HS256", headers={"typ": "JWT"})

    def __reduce__(self) -> NoReturn:
        raise TypeError("an AccessToken holds a secret and is not pickled or copied; hand over what to_jwt() gives")


jws: Final = functools.cache(_hs256)
"""PyJWT for HS256, imported at the first call."""


def credentials(api_key: str | Secret | None, api_secret: str | Secret | None) -> tuple[Secret, Secret]:
    """The key and the secret: as they were passed, or both from the environment if neither was.

    Raises:
        ValueError: One is missing, or refused (rule E3).
        TypeError: One is no string.
    """
    if api_key is None and api_secret is None:
        # An empty variable counts as none: that is how a compose file leaves one out.
        api_key, api_secret = os.environ.get(_ENV_KEY) or None, os.environ.get(_ENV_SECRET) or None
    if api_key is None or api_secret is None:
        missing = "API secret" if api_key is not None else "API key" if api_secret is not None else "credentials"
        raise ValueError(f"no {missing}: pass api_key=… with api_secret=…, or set {_ENV_KEY} and {_ENV_SECRET}")
    return checked_secret("the API key", api_key), checked_secret("the API secret", api_secret)


def checked_secret(what: str, value: str | Secret) -> Secret:
    """A key or a secret that may be one (rule E3)."""
    return value if isinstance(value, Secret) else Secret(check_value(what, value))


def unix_time(at: datetime | None) -> float:
    """Seconds since 1970 of an aware datetime, or of now.

    Raises:
        TypeError: It is no datetime.
        ValueError: It has no time zone.
    """
    if at is None:
        return time.time()
    if not isinstance(at, datetime):
        raise TypeError(f"at must be a datetime, not {type(at).__name__}")
    if at.utcoffset() is None:
        raise ValueError("at has no time zone: give it one, for example datetime.timezone.utc")
    return at.timestamp()


def check(grants: Grants, cls: type[Grants]) -> None:
    """Check what the fields of `cls` hold, and put values that do not change in their place."""
    for name, kind in _kinds(cls).items():
        value = getattr(grants, name)
        if value is not None:
            _set(grants, **{name: _checked(kind, value, f"{type(grants).__name__}: {name}")})


def claims_of(grants: Grants) -> dict[str, Any]:
    """The claims that say what `grants` says, without those that are unset or an empty text."""
    return dict(_claims(grants, Participant if isinstance(grants, Participant) else type(grants)))


def from_claims(cls: type[G], claims: Mapping[str, Any], **more: Any) -> G:
    """Grants from their claims. Claims that `cls` does not know are ignored; ``null`` is unset.

    Args:
        cls: A grant class, or one that extends `Participant`.
        claims: The claims, as JSON has them.
        more: Further fields of `cls`.

    Raises:
        TypeError: A claim has the wrong type; the text names its field.
        ValueError: A text is no valid Unicode.
    """
    values = dict(more)
    for name, kind in _kinds(Participant if issubclass(cls, Participant) else cls).items():
        value = claims.get(_claim_name(name))
        if isinstance(kind, type) and issubclass(kind, Grants) and isinstance(value, Mapping):
            value = from_claims(kind, value)
        values[name] = value
    return cls(**values)


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("this dict is read-only: change a copy, dict(…)")


class FrozenDict(dict[str, Any]):
    """A dict that does not change; ``dict(it)`` is a copy that does. It pickles, and it is JSON."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def freeze(value: Any) -> Any:
    """A copy of JSON data that does not change: mappings become `FrozenDict`, lists become tuples."""
    if isinstance(value, FrozenDict):
        return value
    if isinstance(value, Mapping):
        return FrozenDict((key, freeze(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return tuple(freeze(each) for each in value)
    return value


def _claims(grants: Grants, cls: type[Grants]) -> Iterator[tuple[str, Any]]:
    for name in _kinds(cls):
        value = getattr(grants, name)
        if isinstance(value, Grants):
            yield _claim_name(name), claims_of(value)
        elif value is not None and value != "":
            yield _claim_name(name), value


def _field_kinds(cls: type[Any]) -> dict[str, Any]:
    """The type of each field of a grant class, without the None."""
    hints = typing.get_type_hints(cls)
    return {each.name: typing.get_args(hints[each.name])[0] for each in fields(cls)}


_kinds: Final = cast("Callable[[type[Grants]], dict[str, Any]]", functools.cache(_field_kinds))


def _checked(kind: Any, value: Any, where: str) -> Any:
    if kind is str:
        return _text(value, where)
    if kind == Sequence[str]:
        if isinstance(value, str | bytes) or not isinstance(value, Iterable) or isinstance(value, Mapping):
            raise TypeError(f"{where} must be a list of str, not {type(value).__name__}")
        return tuple(_text(each, f"an element of {where}") for each in value)
    if kind == Mapping[str, str]:
        if not isinstance(value, Mapping):
            raise TypeError(f"{where} must be a mapping of str, not {type(value).__name__}")
        return freeze(
            {_text(key, f"a key of {where}"): _text(each, f"a value of {where}") for key, each in value.items()}
        )
    if not isinstance(value, kind):
        raise TypeError(f"{where} must be {kind.__name__}, not {type(value).__name__}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{where} must be a str, not {type(value).__name__}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{where} is no valid Unicode: it holds half of a surrogate pair")
    return value


def _set(grants: Grants, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(grants, name, value)


def _claim_name(name: str) -> str:
    return _CLAIM_NAMES.get(name) or _camel(name)


def _camel(name: str) -> str:
    return re.sub("_([a-z0-9])", lambda match: match[1].upper(), name)


def _room_config(value: object) -> Any:
    if value is None:
        return None
    if not isinstance(value, Message | Mapping):
        raise TypeError(f"AccessToken: room_config must be a message or a mapping, not {type(value).__name__}")
    return freeze(_json(value, "AccessToken: room_config"))


def _json(value: Any, where: str, *, free: bool = False) -> Any:
    """Protobuf's JSON of what a user wrote. The keys of a free map stay as they are."""
    if isinstance(value, Message):
        from google.protobuf.json_format import MessageToDict

        return MessageToDict(value)
    if isinstance(value, Mapping):
        pairs = {_text(key, f"a key of {where}"): each for key, each in value.items() if each is not None}
        names = {key: key if free else _camel(key) for key in pairs}
        return {names[key]: _json(each, f"{where}.{key}", free=names[key] in _FREE_MAPS) for key, each in pairs.items()}
    if isinstance(value, list | tuple):
        return [_json(each, f"an element of {where}") for each in value]
    if isinstance(value, str):
        return _text(value, where)
    if not isinstance(value, bool | int | float):
        raise TypeError(f"{where}: no room configuration holds a {type(value).__name__}")
    return value


def _sensitive(value: Any, path: str) -> Iterator[str]:
    """Where JSON data under ``egress`` holds credentials."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key in _SENSITIVE_KEYS and each:
                yield f"{path}.{key}"
            elif key not in _FREE_MAPS:
                yield from _sensitive(each, f"{path}.{key}")
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from _sensitive(each, f"{path}[{index}]")
