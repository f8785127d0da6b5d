"""What a server does with a request, as data: steps, and the usual sequences of them."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from twirpkit.testing.scripted_responses import Answer, http

__all__ = [
    "Behaviour",
    "Close",
    "CloseOnNext",
    "Execute",
    "Hang",
    "Keep",
    "Read",
    "Reset",
    "Send",
    "Signal",
    "StartTls",
    "Step",
    "Wait",
    "break_off",
    "cut",
    "delay",
    "drip",
    "early",
    "give",
    "hang",
    "keep_alive_race",
    "steps_of",
    "tunnel",
]


@dataclass(frozen=True, slots=True)
class Read:
    """Read the rest of the request, if that was not done."""


@dataclass(frozen=True, slots=True)
class Execute:
    """The effect takes place: the ledger notes it. Reads the rest of the request first."""


@dataclass(frozen=True, slots=True)
class Send:
    """Write an answer, or a part of it."""

    answer: Answer
    start: int = 0
    """The first byte to write, counted in `Answer.raw`."""
    stop: int | None = None
    """The first byte not to write; None writes all, what the answer pours included."""
    every: float = 0.0
    """Seconds between two bytes; 0 writes at once."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing until the event is set, or for that many seconds."""

    until: float | threading.Event


@dataclass(frozen=True, slots=True)
class Hang:
    """Do nothing until the client goes away. While the request is unread that cannot be seen: until the server ends."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Set the event: all steps before this one are done."""

    event: threading.Event


@dataclass(frozen=True, slots=True)
class Keep:
    """Read the next request, whatever was written: it is the client that must not use the connection again."""


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection in order (FIN): the client reads all that was written, then its end."""


@dataclass(frozen=True, slots=True)
class Reset:
    """End the connection at once (RST): the client may lose what was written."""


@dataclass(frozen=True, slots=True)
class CloseOnNext:
    """Keep the connection, and end it at the very moment at which the next request arrives on it, unread."""


@dataclass(frozen=True, slots=True)
class StartTls:
    """Speak TLS from here on, as the server of this context; requests that follow come inside of it."""

    context: ssl.SSLContext


Step: TypeAlias = Read | Execute | Send | Wait | Signal | Keep | Hang | Close | Reset | CloseOnNext | StartTls
Behaviour: TypeAlias = Answer | Sequence[Step]
"""What happens to one request. An `Answer` alone is `give` of it.

If the last step neither ends the connection nor is `Keep`, the connection goes on after a whole answer that says where
it ends, and is closed otherwise.
"""


def steps_of(behaviour: Behaviour) -> tuple[Step, ...]:
    """The steps of a behaviour."""
    return give(behaviour) if isinstance(behaviour, Answer) else tuple(behaviour)


def give(answer: Answer, *, executed: bool | None = None) -> tuple[Step, ...]:
    """The whole answer.

    Args:
        answer: What to write.
        executed: Whether the effect took place. Default: if its status is 200.
    """
    return (*_before(answer.status == 200 if executed is None else executed), Send(answer))


def cut(answer: Answer, at: int, *, reset: bool = False, executed: bool = True) -> tuple[Step, ...]:
    """The first `at` bytes of an answer, and then the end of the connection: in order, or by a reset."""
    return (*_before(executed), Send(answer, stop=at), Reset() if reset else Close())


def break_off(*, reset: bool = True, executed: bool = False) -> tuple[Step, ...]:
    """No byte of an answer, and the end of the connection: by a reset, or in order."""
    return (*_before(executed), Reset() if reset else Close())


def hang(answer: Answer | None = None, at: int = 0, *, read: bool = True, executed: bool = True) -> tuple[Step, ...]:
    """The first `at` bytes of an answer, and then nothing more.

    Args:
        answer: None: not one byte.
        at: `Answer.head_length` hangs between header and body.
        read: False hangs before the request's body is read, and before it is executed.
        executed: Whether the effect took place.
    """
    before = _before(executed) if read else ()
    return (*before, *([] if answer is None else [Send(answer, stop=at)]), Hang())


def drip(answer: Answer, every: float, *, start: int = 0, executed: bool = True) -> tuple[Step, ...]:
    """An answer one byte at a time.

    Args:
        answer: What to write.
        every: Seconds between two bytes.
        start: The first byte that drips; those before it come at once. `Answer.head_length` drips the body alone.
        executed: Whether the effect took place.
    """
    return (*_before(executed), Send(answer, stop=start), Send(answer, start=start, every=every))


def delay(wait: float | threading.Event, behaviour: Behaviour) -> tuple[Step, ...]:
    """A behaviour that begins later: after seconds, or once the event is set. The request is read before."""
    return (Read(), Wait(wait), *steps_of(behaviour))


def early(answer: Answer) -> tuple[Step, ...]:
    """The whole answer before the request's body is read, and the end of the connection."""
    return (Send(answer), Close())


def keep_alive_race(answer: Answer) -> tuple[Step, ...]:
    """The whole answer, and a connection that seems to be kept: the next request on it meets its end, unread."""
    return (*give(answer), CloseOnNext())


def tunnel(context: ssl.SSLContext | None = None) -> tuple[Step, ...]:
    """A proxy's answer to CONNECT. What follows in the tunnel this server answers itself.

    Args:
        context: Speak TLS in the tunnel.
    """
    established = Send(http(200, framed=False))
    return (established,) if context is None else (established, StartTls(context))


def _before(executed: bool) -> tuple[Step, ...]:
    return (Read(), Execute()) if executed else (Read(),)
