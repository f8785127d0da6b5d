"""Workflows that users of LiveKit would write by hand: search, wait, change a part, do once.

Each takes the facts of the RPCs that it calls, because this package has no messages. The generated services have a
method for each, in both clients.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from google.protobuf.message import Message

from twirpkit._schema.fields import fields_by_key
from twirpkit._schema.request_messages import request_message
from twirpkit.errors import (
    Code,
    DeadlineExceededError,
    FailedPreconditionError,
    NotFoundError,
    TwirpError,
    UnavailableError,
)
from twirpkit.pagination import PageCursor
from twirpkit.rpc import Method
from twirpkit.workflows import Call, Pause, Workflow

__all__ = ["change_permissions", "dispatch_once", "find_trunk", "wait_until_active", "wait_until_ended"]

FIRST_PAUSE: Final = 0.25
"""Seconds between the first two looks at a state."""
GROWTH: Final = 1.5
"""Factor by which each pause is longer than the one before."""
LONGEST_PAUSE: Final = 2.0
"""Seconds between two looks at most."""

_ANY_NUMBER: Final = "*"
_PUNCTUATION: Final = re.compile(r"[\s().\-/]")
_NOBODY: Final = "no response from servers"
"""LiveKit's words where no server has the room or the participant."""
_ENDED: Final = frozenset(("EGRESS_COMPLETE", "EGRESS_FAILED", "EGRESS_ABORTED", "EGRESS_LIMIT_REACHED"))

AnyMethod: TypeAlias = Method[Any, Any]


def find_trunk(list_trunks: AnyMethod, number: str) -> Workflow[Any]:
    """Return the trunk with a phone number, else one that is for any number, else None.

    Args:
        list_trunks: The RPC that lists trunks, page by page.
        number: The number. Blanks, punctuation and a plus at the front do not count.

    Raises:
        TypeError, ValueError: The number is not a text, or empty.
        TwirpError: A call failed.
    """
    if not isinstance(number, str):
        raise TypeError(f"number must be a str, not {type(number).__name__}")
    wanted = _digits(number)
    if not wanted:
        raise ValueError(f"number {number!r} has no digits")
    for_any = None
    # Not by the request's filter, which compares the text.
    pages = PageCursor(list_trunks, None, {})
    while pages.has_next:
        for trunk in pages.items_of((yield Call(list_trunks, pages.request))):
            if any(_digits(each) == wanted for each in trunk.numbers):
                return trunk
            if for_any is None and (not trunk.numbers or _ANY_NUMBER in trunk.numbers):
                for_any = trunk
        pages.advance()
    return for_any


def dispatch_once(
    list_dispatches: AnyMethod,
    create: AnyMethod,
    delete: AnyMethod,
    room: str,
    agent_name: str,
    fields: Mapping[str, Any],
) -> Workflow[Any]:
    """Return the dispatch of an agent in a room, and make it if there is none.

    Two callers at the same moment can both make one. Each looks again, and takes its own back if it is not the oldest.

    Args:
        list_dispatches: The RPC that lists the dispatches of a room.
        create: The RPC that makes one.
        delete: The RPC that takes one back.
        room: The room.
        agent_name: The agent.
        fields: Further fields of a new dispatch.

    Raises:
        ValueError: The room or the name is empty.
        TwirpError: A call failed.
    """
    for name, value in (("room", room), ("agent_name", agent_name)):
        if not value:
            raise ValueError(f"{name} is empty")
    found = yield from _oldest_dispatch(list_dispatches, room, agent_name)
    if found is not None:
        return found
    try:
        made = yield Call(create, {**fields, "room": room, "agent_name": agent_name})
    except TwirpError as error:
        found = (yield from _oldest_dispatch(list_dispatches, room, agent_name)) if error.sent == "maybe" else None
        if found is None:
            raise
        return found
    oldest = yield from _oldest_dispatch(list_dispatches, room, agent_name)
    if oldest is None or oldest.id == made.id:
        return made
    with contextlib.suppress(NotFoundError):  # somebody else took it back
        yield Call(delete, {"dispatch_id": made.id, "room": room})
    return oldest


def wait_until_active(get_participant: AnyMethod, room: str, identity: str) -> Workflow[Any]:
    """Return a participant as soon as it is connected, so that media can flow.

    Args:
        get_participant: The RPC that returns a participant.
        room: The room.
        identity: The participant, who need not be there yet.

    Raises:
        DeadlineExceededError: The time is up; the text says in which state the participant was.
        TwirpError: A call failed.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            participant = yield Call(get_participant, {"room": room, "identity": identity})
        except (NotFoundError, UnavailableError) as error:
            if not _means_nobody(error):
                raise
            state = "not in the room"
        else:
            if participant.state == participant.ACTIVE:
                return participant
            state = participant.State.Name(participant.state)
        if not (yield Pause(pause)):
            text = f"the participant {identity!r} of the room {room!r} did not become active in time: it is {state}"
            raise _too_late(get_participant, text)
        pause = min(pause * GROWTH, LONGEST_PAUSE)


def wait_until_ended(list_egress: AnyMethod, egress_id: str) -> Workflow[Any]:
    """Return an egress as soon as it has ended, well or not: its ``status`` and ``error`` say how.

    Args:
        list_egress: The RPC that lists egresses.
        egress_id: The egress.

    Raises:
        DeadlineExceededError: The time is up; the text says in which state the egress was.
        NotFoundError: The server does not know the egress.
        TwirpError: A call failed.
    """
    if not egress_id:
        raise ValueError("egress_id is empty")
    pause = FIRST_PAUSE
    while True:
        items = (yield Call(list_egress, {"egress_id": egress_id})).items
        if not items:
            raise NotFoundError(
                Code.NOT_FOUND, f"no egress {egress_id!r}", status=200, sent="yes", rpc=list_egress.path
            )
        status = _enum_name(items[0], "status")
        if status in _ENDED:
            return items[0]
        if not (yield Pause(pause)):
            raise _too_late(list_egress, f"the egress {egress_id!r} did not end in time: it is {status}")
        pause = min(pause * GROWTH, LONGEST_PAUSE)


def change_permissions(
    get_participant: AnyMethod, update: AnyMethod, room: str, identity: str, changes: Mapping[str, Any]
) -> Workflow[Any]:
    """Change some permissions of a participant, keep the rest, and return the participant.

    The server replaces permissions as a whole, so they are read first. Another change between the two calls is lost.

    Args:
        get_participant: The RPC that returns a participant.
        update: The RPC that changes one.
        room: The room.
        identity: The participant.
        changes: Fields of its permissions. None: unchanged.

    Raises:
        TypeError, ValueError: A field is unknown or refused, or none is given.
        TwirpError: A call failed.
    """
    permission_class = get_participant.response().permission.__class__
    changed = {name: value for name, value in changes.items() if value is not None}
    single = {name: request_message(permission_class, {name: value}, {}) for name, value in changed.items()}
    if not single:
        raise ValueError(f"give a permission to change: {', '.join(permission_class.DESCRIPTOR.fields_by_name)}")
    participant = yield Call(get_participant, {"room": room, "identity": identity})
    if not participant.HasField("permission"):  # then what is kept is not known
        text = f"the server does not tell the permissions of {identity!r}: set all of them with update_participant"
        raise FailedPreconditionError(Code.FAILED_PRECONDITION, text, status=200, sent="yes", rpc=get_participant.path)
    permission = participant.permission
    for name, message in single.items():
        permission.ClearField(fields_by_key(permission_class)[name].name)
        permission.MergeFrom(message)
    return (yield Call(update, {"room": room, "identity": identity, "permission": permission}))


def _oldest_dispatch(list_dispatches: AnyMethod, room: str, agent_name: str) -> Workflow[Any]:
    """Return the oldest dispatch of an agent in a room that was not deleted, None if there is none."""
    try:
        response = yield Call(list_dispatches, {"room": room})
    except (NotFoundError, UnavailableError) as error:
        if not _means_nobody(error):
            raise
        return None
    found = [each for each in response.agent_dispatches if each.agent_name == agent_name and not each.state.deleted_at]
    return min(found, key=lambda each: (each.state.created_at, each.id), default=None)


def _means_nobody(error: TwirpError) -> bool:
    """Return True for an error that says that the room or the participant is not there (yet)."""
    return isinstance(error, NotFoundError) or _NOBODY in error.message


def _too_late(method: AnyMethod, text: str) -> DeadlineExceededError:
    return DeadlineExceededError(Code.DEADLINE_EXCEEDED, text, sent="yes", rpc=method.path, retryable=True)


def _digits(number: str) -> str:
    """Return a phone number without punctuation; a text that is not one, such as a name, stays as it is."""
    bare = _PUNCTUATION.sub("", number).removeprefix("+")
    return bare if bare.isdecimal() else number.strip()


def _enum_name(message: Message, field: str) -> str:
    """Return the name of an enum field's value, or its number if the schema does not know it."""
    number = getattr(message, field)
    enum: Any = message.DESCRIPTOR.fields_by_name[field].enum_type
    value = enum.values_by_number.get(number)
    return str(number) if value is None else value.name
