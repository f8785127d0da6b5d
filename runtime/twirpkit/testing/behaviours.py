"""Behaviours of a server as data: the steps of handling one request, and common sequences of them."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from twirpkit.testing.scripted_responses import ScriptedResponse, http

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
    "hang",
    "keep_alive_race",
    "respond",
    "respond_early",
    "steps_of",
    "tunnel",
]


@dataclass(frozen=True, slots=True)
class Read:
    """A step that reads the rest of the request, if it was not read yet."""


@dataclass(frozen=True, slots=True)
class Execute:
    """A step that counts the request as executed in the ledger, after reading the rest of it."""


@dataclass(frozen=True, slots=True)
class Send:
    """A step that writes a response or a part of it."""

    response: ScriptedResponse
    start: int = 0
    """Index in `ScriptedResponse.raw` of the first byte to write."""
    stop: int | None = None
    """Index after the last byte to write; None writes everything, with the response's `stream`."""
    every: float = 0.0
    """Seconds between two bytes; 0 writes all at once."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A step that waits for that many seconds, or until the event is set."""

    until: float | threading.Event


@dataclass(frozen=True, slots=True)
class Hang:
    """A step that waits until the client closes the connection.

    While the request is unread, the end of the connection cannot be noticed: it then waits until the server stops.
    """


@dataclass(frozen=True, slots=True)
class Signal:
    """A step that sets the event, to tell a test that the steps before it are done."""

    event: threading.Event


@dataclass(frozen=True, slots=True)
class Keep:
    """A last step that keeps the connection open, whatever was written."""


@dataclass(frozen=True, slots=True)
class Close:
    """A step that closes the connection (FIN): the client reads everything that was written."""


@dataclass(frozen=True, slots=True)
class Reset:
    """A step that resets the connection (RST): the client may lose bytes that were written."""


@dataclass(frozen=True, slots=True)
class CloseOnNext:
    """A step that keeps the connection open, and closes it as soon as the next request arrives, unread."""


@dataclass(frozen=True, slots=True)
class StartTls:
    """A step that starts TLS on the connection, with the server's context. Later requests come through it."""

    context: ssl.SSLContext


Step: TypeAlias = Read | Execute | Send | Wait | Signal | Keep | Hang | Close | Reset | CloseOnNext | StartTls
Behaviour: TypeAlias = ScriptedResponse | Sequence[Step]
"""The handling of one request. A `ScriptedResponse` alone means `respond` with it.

If the last step neither ends the connection nor is `Keep`, the connection stays open after a complete response that
defines its own end, and is closed otherwise.
"""


def steps_of(behaviour: Behaviour) -> tuple[Step, ...]:
    """Return the steps of a behaviour."""
    return respond(behaviour) if isinstance(behaviour, ScriptedResponse) else tuple(behaviour)


def respond(response: ScriptedResponse, *, executed: bool | None = None) -> tuple[Step, ...]:
    """Send the complete response.

    Args:
        response: The response.
        executed: True counts the request as executed. By default it is if the status is 200.
    """
    return (*_reading(response.status == 200 if executed is None else executed), Send(response))


def cut(response: ScriptedResponse, at: int, *, reset: bool = False, executed: bool = True) -> tuple[Step, ...]:
    """Send the first bytes of a response, then end the connection.

    Args:
        response: The response.
        at: The number of bytes to send.
        reset: True resets the connection, False closes it.
        executed: True counts the request as executed.
    """
    return (*_reading(executed), Send(response, stop=at), Reset() if reset else Close())


def break_off(*, reset: bool = True, executed: bool = False) -> tuple[Step, ...]:
    """End the connection without a response.

    Args:
        reset: True resets the connection, False closes it.
        executed: True counts the request as executed.
    """
    return (*_reading(executed), Reset() if reset else Close())


def hang(
    response: ScriptedResponse | None = None, at: int = 0, *, read: bool = True, executed: bool = True
) -> tuple[Step, ...]:
    """Send the first bytes of a response, then nothing more.

    Args:
        response: The response; None sends nothing.
        at: The number of bytes to send; `ScriptedResponse.head_length` hangs between header and body.
        read: False hangs before the request's body is read, and so before it is executed.
        executed: True counts the request as executed.
    """
    reading = _reading(executed) if read else ()
    return (*reading, *([] if response is None else [Send(response, stop=at)]), Hang())


def drip(response: ScriptedResponse, every: float, *, start: int = 0, executed: bool = True) -> tuple[Step, ...]:
    """Send a response one byte at a time.

    Args:
        response: The response.
        every: Seconds between two bytes.
        start: The number of bytes to send at once before that; `ScriptedResponse.head_length` drips only the body.
        executed: True counts the request as executed.
    """
    return (*_reading(executed), Send(response, stop=start), Send(response, start=start, every=every))


def delay(wait: float | threading.Event, behaviour: Behaviour) -> tuple[Step, ...]:
    """Read the request and wait, then perform a behaviour.

    Args:
        wait: Seconds to wait, or the event to wait for.
        behaviour: The behaviour after that.
    """
    return (Read(), Wait(wait), *steps_of(behaviour))


def respond_early(response: ScriptedResponse) -> tuple[Step, ...]:
    """Send the complete response before the request's body is read, then close the connection."""
    return (Send(response), Close())


def keep_alive_race(response: ScriptedResponse) -> tuple[Step, ...]:
    """Send the complete response and keep the connection, but close it when the next request arrives on it."""
    return (*respond(response), CloseOnNext())


def tunnel(context: ssl.SSLContext | None = None) -> tuple[Step, ...]:
    """Respond to CONNECT as a proxy does. The same server then handles the requests in the tunnel.

    Args:
        context: The server's TLS context in the tunnel; None for no TLS.
    """
    established = Send(http(200, framed=False))
    return (established,) if context is None else (established, StartTls(context))


def _reading(executed: bool) -> tuple[Step, ...]:
    return (Read(), Execute()) if executed else (Read(),)
