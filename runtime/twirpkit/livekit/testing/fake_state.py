"""The state that all parts of a fake server share: clock, ids, messages, and the events that it emits."""

from __future__ import annotations

import contextlib
import functools
import importlib
import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from twirpkit._config.package_info import PackageInfo
from twirpkit.errors import InternalError, NotFoundError, UnavailableError
from twirpkit.livekit.testing.fake_clock import FakeClock
from twirpkit.livekit.testing.fake_settings import FakeSettings

__all__ = ["WRAPPED", "FakeState", "MessageClasses", "Unanswered", "copied", "no_response", "no_such_room"]

WRAPPED = "twirp error unknown: "
"""The beginning of the texts of errors that livekit-server's own functions return."""


class Unanswered(UnavailableError):
    """The error of a request that livekit-server passes on and nobody answers.

    Args:
        seconds: How long the server waits before it gives up. A caller that waits less sees that its time is over.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{WRAPPED}no response from servers")
        self.seconds = seconds


def no_response(seconds: float = 3.0) -> Unanswered:
    """Return the error of a call that nobody answers: the room, participant or worker is not there."""
    return Unanswered(seconds)


def no_such_room() -> NotFoundError:
    """Return the error of a call about a room that does not exist."""
    return NotFoundError(f"{WRAPPED}requested room does not exist")


class MessageClasses:
    """The messages and enums of a generated package, as attributes: ``messages.Room``.

    The fake is written once for every package that has LiveKit's schema, so it knows the classes by name.
    """

    def __init__(self, package: str) -> None:
        self._package = importlib.import_module(package)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._package, name)
        setattr(self, name, found)
        return found


class FakeState:
    """The shared state of a fake server.

    Args:
        package: The facts of the generated package.
        settings: The configuration.
        start: The first time of the clock.
    """

    def __init__(self, package: PackageInfo, settings: FakeSettings, start: datetime) -> None:
        self.package = package
        self.settings = settings
        self.clock = FakeClock(start)
        self.messages = MessageClasses(package.name)
        self.events: list[Any] = []
        """All events, in their order."""
        self.receivers: list[Callable[[Any], object]] = []
        """Functions that are called with each event, when the change that it comes from is done."""
        self._lock = threading.RLock()
        self._depth = 0
        self._undelivered: deque[Any] = deque()
        self._ids = itertools.count(1)

    def new_id(self, prefix: str) -> str:
        """Return an id that was not used before: the prefix, and a number in place of random letters."""
        return f"{prefix}_{next(self._ids):012d}"

    def new_secret(self, length: int) -> str:
        """Return a text in place of random letters."""
        return f"fake{next(self._ids):0{length - 4}d}"

    @functools.cached_property
    def event_class(self) -> Any:
        """The class of webhook events of the generated package."""
        return importlib.import_module(self.package.name).WebhookEvent

    def emit(self, kind: str, **fields: Any) -> None:
        """Emit an event, whose messages are copied."""
        copies = {name: copied(message) for name, message in fields.items()}
        self.add_event(self.event_class(event=kind, id=self.new_id("EV"), created_at=self.clock.now(), **copies))

    def add_event(self, event: Any) -> None:
        """Keep an event, and deliver it when the change is done."""
        self.events.append(event)
        self._undelivered.append(event)

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Change the state: nobody else does meanwhile, and events are delivered afterwards.

        A clock that runs catches up first. A receiver of events may call the server, also from another thread, so the
        lock is not held then.
        """
        outermost = False
        try:
            with self._lock:
                self._depth += 1
                try:
                    if self._depth == 1:
                        self.clock.catch_up()
                    yield
                finally:
                    self._depth -= 1
                    outermost = self._depth == 0
        finally:
            if outermost:
                self._deliver()

    def _deliver(self) -> None:
        while True:
            try:
                event = self._undelivered.popleft()
            except IndexError:  # another thread delivers the last one
                return
            for receiver in self.receivers:
                receiver(event)

    def default_permission(self) -> dict[str, bool]:
        """Return the permission of a participant whose token does not restrict it."""
        return {"can_publish": True, "can_subscribe": True, "can_publish_data": True}

    def need_redis(self, what: str) -> None:
        """Raise the error of a server without Redis, if this is one."""
        if not self.settings.redis:
            raise InternalError(f"{WRAPPED}{what} not connected (redis required)")

    def need_worker(self, seconds: float) -> None:
        """Raise the error of a server without workers, if this is one, which comes after so many seconds."""
        if not self.settings.workers:
            raise no_response(seconds)


def copied(message: Any) -> Any:
    """Return a copy of a message."""
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
