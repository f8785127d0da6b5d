"""Grants and participants: the contents of a token, as Python values and as JSON claims.

In every class, None means unset, and an unset field is not in the token. For the ``can_*`` permissions unset is not the
same as False: it means LiveKit's default.
"""

from __future__ import annotations

import functools
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeVar, cast

from twirpkit._suggestion import Suggesting, suggestion
from twirpkit.livekit.frozen_json import freeze

__all__ = [
    "AgentEndpointGrants",
    "AgentGrants",
    "AgentThreadGrants",
    "Grants",
    "InferenceGrants",
    "ObservabilityGrants",
    "Participant",
    "SIPGrants",
    "VideoGrants",
    "camel",
    "check",
    "checked_text",
    "claims_of",
    "from_claims",
    "put",
]

G = TypeVar("G", bound="Grants")

SOURCES: Final[Mapping[int, str]] = {1: "camera", 2: "microphone", 3: "screen_share", 4: "screen_share_audio"}
"""Names of ``livekit.TrackSource`` in tokens, by number. The unknown source is not one that can be allowed."""
KINDS: Final[Mapping[int, str]] = {
    0: "standard",
    1: "ingress",
    2: "egress",
    3: "sip",
    4: "agent",
    7: "connector",
    8: "bridge",
}
"""Names of ``livekit.ParticipantInfo.Kind`` in tokens, by number."""
KIND_DETAILS: Final[Mapping[int, str]] = {
    0: "cloud_agent",
    1: "forwarded",
    2: "connector_whatsapp",
    3: "connector_twilio",
    4: "bridge_rtsp",
    5: "simulation",
}
"""Names of ``livekit.ParticipantInfo.KindDetail`` in tokens, by number."""

_CLAIM_NAMES: Final = {"identity": "sub"}
"""Claims whose name is not the field's own in camelCase."""
_ENUMS: Final[Mapping[str, Mapping[int, str]]] = {
    "can_publish_sources": SOURCES,
    "kind": KINDS,
    "kind_details": KIND_DETAILS,
}
"""Fields with a closed list of names. A server takes an unknown name for a default, so a typo must not get there."""


class Grants(Suggesting):
    """Base of the grant classes. Values are checked against the annotations, and are immutable.

    Raises:
        TypeError: A value has the wrong type; the text names the field.
        ValueError: A name is not in the closed list of its field, or a text is not valid Unicode.
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        check(self, type(self))

    def __repr__(self) -> str:
        # A traceback with local variables may show a value of which some fields are not set yet.
        values = {each.name: getattr(self, each.name, None) for each in fields(cast(Any, self)) if each.repr}
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
    """Name of the room to which `room_admin` and `room_join` apply."""
    destination_room: str | None = None
    """The room to which a participant may be forwarded or moved."""
    can_publish: bool | None = None
    """Publish tracks. Unset: yes."""
    can_subscribe: bool | None = None
    """Subscribe to tracks. Unset: yes."""
    can_publish_data: bool | None = None
    """Send data messages. Unset: as `can_publish`."""
    can_publish_sources: Sequence[str | int] | None = None
    """The only sources that may be published: ``camera``, ``microphone``, ``screen_share``, ``screen_share_audio``, or
    members of ``TrackSource``. Kept as a tuple of names. Unset: all."""
    can_update_own_metadata: bool | None = None
    """Change one's own name, metadata and attributes. Unset: no."""
    ingress_admin: bool | None = None
    """Manage every ingress."""
    hidden: bool | None = None
    """Not visible to other participants."""
    recorder: bool | None = None
    """Counts as a recorder of the room. Deprecated by LiveKit."""
    agent: bool | None = None
    """Register as a worker of the agents framework."""
    can_subscribe_metrics: bool | None = None
    """Subscribe to metrics. Unset: no."""
    can_manage_agent_session: bool | None = None
    """Manage an agent's session remotely. Unset: no."""


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
    """Only this agent. Unset: all agents."""
    deployment: str | None = None
    """Only this deployment. Unset: all deployments."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AgentThreadGrants(Grants):
    """Threads of agents: the claim ``agentThread``."""

    all: bool | None = None
    """All threads and scopes. The other flags say what is allowed there."""
    scope: str | None = None
    """Scope in which threads may be listed and created."""
    thread_ids: Sequence[str] | None = None
    """Ids of the threads that may be read, written and deleted."""
    list: bool | None = None
    """List threads."""
    create: bool | None = None
    """Create threads."""
    write: bool | None = None
    """Write to threads."""
    read: bool | None = None
    """Read threads."""
    delete: bool | None = None
    """Delete threads."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class InferenceGrants(Grants):
    """LiveKit's inference: the claim ``inference``."""

    perform: bool | None = None
    """Use all models."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ObservabilityGrants(Grants):
    """Observability data: the claim ``observability``."""

    write: bool | None = None
    """Send observability data."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Participant(Grants):
    """The holder of a token: the common part of `AccessToken` and `Claims`."""

    identity: str | None = None
    """Unique identity in a room: the claim ``sub``."""
    name: str | None = None
    """Display name."""
    kind: str | int | None = None
    """``standard``, ``agent``, ``sip``, ``egress``, ``ingress``, ``connector`` or ``bridge``, or a member of
    ``ParticipantInfo.Kind``. Kept as a name. Unset: standard."""
    kind_details: Sequence[str | int] | None = None
    """Details of the kind, such as ``cloud_agent``, or members of ``ParticipantInfo.KindDetail``. Kept as a tuple of
    names."""
    metadata: str | None = field(default=None, repr=False)
    """Your own text, visible to all participants of the room."""
    attributes: Mapping[str, str] | None = field(default=None, repr=False)
    """Your own texts by name, visible to all participants of the room."""
    video: VideoGrants | None = None
    sip: SIPGrants | None = None
    agent: AgentGrants | None = None
    agent_endpoint: AgentEndpointGrants | None = None
    agent_thread: AgentThreadGrants | None = None
    inference: InferenceGrants | None = None
    observability: ObservabilityGrants | None = None
    room_preset: str | None = None
    """Name of a room preset (LiveKit Cloud), applied if joining creates the room."""
    sha256: str | None = None
    """Base64 of the SHA-256 of a webhook's body, in the token that signs the webhook."""


def check(grants: Grants, cls: type[Grants]) -> None:
    """Check the fields of `cls`, and replace their values by immutable ones."""
    for name, kind in _kinds(cls).items():
        value = getattr(grants, name)
        if value is not None:
            names = _ENUMS.get(name)
            text = checked_text if names is None else functools.partial(_enum_name, names)
            put(grants, **{name: _checked(kind, value, f"{type(grants).__name__}: {name}", text)})


def claims_of(grants: Grants) -> dict[str, Any]:
    """Return the claims for `grants`, without those that are unset or an empty text."""
    return dict(_claims(grants, Participant if isinstance(grants, Participant) else type(grants)))


def from_claims(cls: type[G], claims: Mapping[str, Any], **more: Any) -> G:
    """Return grants from their claims. Claims that `cls` does not know are ignored; ``null`` means unset.

    A name that is not in the closed list of its field is kept: a newer server may have made the token.

    Args:
        cls: A grant class, or one that extends `Participant`.
        claims: The claims, as decoded JSON.
        more: Further fields of `cls`.

    Raises:
        TypeError: A claim has the wrong type; the text names its field.
        ValueError: A text is not valid Unicode.
    """
    kinds = _kinds(Participant if issubclass(cls, Participant) else cls)
    values = {name: _from_claim(kind, claims.get(_claim_name(name))) for name, kind in kinds.items()}
    made = cls(**{**values, **dict.fromkeys(_ENUMS.keys() & kinds)}, **more)
    for name in _ENUMS.keys() & kinds:
        if values[name] is not None:
            put(made, **{name: _checked(kinds[name], values[name], f"{cls.__name__}: {name}", checked_text)})
    return made


def _from_claim(kind: Any, value: Any) -> Any:
    grants = isinstance(kind, type) and issubclass(kind, Grants) and isinstance(value, Mapping)
    return from_claims(kind, value) if grants else value


def _claims(grants: Grants, cls: type[Grants]) -> Iterator[tuple[str, Any]]:
    for name in _kinds(cls):
        value = getattr(grants, name)
        if isinstance(value, Grants):
            yield _claim_name(name), claims_of(value)
        elif value is not None and value != "":
            yield _claim_name(name), value


def _field_kinds(cls: type[Any]) -> dict[str, Any]:
    """Return the type of each field of a grant class, without the None."""
    hints = typing.get_type_hints(cls)
    kept_as: dict[Any, Any] = {Sequence[str | int] | None: Sequence[str], str | int | None: str}
    return {each.name: kept_as.get(hints[each.name]) or typing.get_args(hints[each.name])[0] for each in fields(cls)}


_kinds: Final = cast("Callable[[type[Grants]], dict[str, Any]]", functools.cache(_field_kinds))


def _checked(kind: Any, value: Any, where: str, text: Callable[[Any, str], str]) -> Any:
    if kind is str:
        return text(value, where)
    if kind == Sequence[str]:
        if isinstance(value, str | bytes) or not isinstance(value, Iterable) or isinstance(value, Mapping):
            raise TypeError(f"{where} must be a list of str, not {type(value).__name__}")
        return tuple(text(each, f"an element of {where}") for each in value)
    if kind == Mapping[str, str]:
        if not isinstance(value, Mapping):
            raise TypeError(f"{where} must be a mapping of str, not {type(value).__name__}")
        return freeze(
            {
                checked_text(key, f"a key of {where}"): checked_text(each, f"a value of {where}")
                for key, each in value.items()
            }
        )
    if not isinstance(value, kind):
        raise TypeError(f"{where} must be {kind.__name__}, not {type(value).__name__}")
    return value


def _enum_name(names: Mapping[int, str], value: object, where: str) -> str:
    """Return the name of an enum's member, given by its name or number."""
    name = names.get(value) if isinstance(value, int) and not isinstance(value, bool) else checked_text(value, where)
    if name is not None and name in names.values():
        return name
    field_name = where.removeprefix("an element of ")
    raise ValueError(f"{field_name} has no {value!r}{suggestion(str(value).lower(), names.values())}")


def checked_text(value: object, where: str) -> str:
    """Return a text that a token can hold.

    Raises:
        TypeError: It is not a str.
        ValueError: It is not valid Unicode.
    """
    if not isinstance(value, str):
        raise TypeError(f"{where} must be a str, not {type(value).__name__}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{where} is not valid Unicode: it holds half of a surrogate pair")
    return value


def put(grants: Grants, **values: Any) -> None:
    """Set fields of an immutable value while it is constructed."""
    for name, value in values.items():
        object.__setattr__(grants, name, value)


def _claim_name(name: str) -> str:
    return _CLAIM_NAMES.get(name) or camel(name)


def camel(name: str) -> str:
    """Return the name of a field in protobuf's JSON."""
    return re.sub("_([a-z0-9])", lambda match: match[1].upper(), name)
