"""What a token says of its holder: LiveKit's grants, as values, and as the claims of a token.

Every field of every class here means "unset" by None, and what is unset is not in the token. That matters for the
``can_*`` permissions: unset they are LiveKit's defaults, which is not the same as False.
"""

from __future__ import annotations

import functools
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeVar, cast

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

_CLAIM_NAMES: Final = {"identity": "sub"}
"""Claims whose name is not the field's own in camelCase."""


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


def check(grants: Grants, cls: type[Grants]) -> None:
    """Check what the fields of `cls` hold, and put values that do not change in their place."""
    for name, kind in _kinds(cls).items():
        value = getattr(grants, name)
        if value is not None:
            put(grants, **{name: _checked(kind, value, f"{type(grants).__name__}: {name}")})


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
        return checked_text(value, where)
    if kind == Sequence[str]:
        if isinstance(value, str | bytes) or not isinstance(value, Iterable) or isinstance(value, Mapping):
            raise TypeError(f"{where} must be a list of str, not {type(value).__name__}")
        return tuple(checked_text(each, f"an element of {where}") for each in value)
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


def checked_text(value: object, where: str) -> str:
    """A text that a token can hold. Raises TypeError, or ValueError for one that is no valid Unicode."""
    if not isinstance(value, str):
        raise TypeError(f"{where} must be a str, not {type(value).__name__}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{where} is no valid Unicode: it holds half of a surrogate pair")
    return value


def put(grants: Grants, **values: Any) -> None:
    """Set fields of a value that does not change, while it is made."""
    for name, value in values.items():
        object.__setattr__(grants, name, value)


def _claim_name(name: str) -> str:
    return _CLAIM_NAMES.get(name) or camel(name)


def camel(name: str) -> str:
    """The name of a field in protobuf's JSON."""
    return re.sub("_([a-z0-9])", lambda match: match[1].upper(), name)
