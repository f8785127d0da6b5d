"""Participants that really join: LiveKit's own client library, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from livekit import rtc
from livekit_server import Target

from twirpkit._protocol.url import normalize_url
from twirpkit.livekit import AccessToken, VideoGrants

__all__ = ["SOON", "Participant", "Participants"]

T = TypeVar("T")

SOON: Final = 20.0
"""Seconds within which what a call did must be seen by those whom it concerns."""
RATE: Final = 48_000
EVENTS: Final = (
    "data_received",
    "disconnected",
    "participant_attributes_changed",
    "participant_connected",
    "participant_metadata_changed",
    "participant_name_changed",
    "room_metadata_changed",
    "track_muted",
)


class Participants:
    """The loop on which participants live. Its methods wait, whatever thread calls them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="participants", daemon=True)
        self._thread.start()
        self._joined: list[Participant] = []

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What a coroutine returns; TimeoutError if that takes too long."""
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(coroutine, SOON), self._loop).result()

    def join(self, target: Target, room: str, identity: str) -> Participant:
        """Somebody joins a room, with a token that allows that and no more."""
        token = AccessToken(
            api_key=target.key,
            api_secret=target.secret,
            identity=identity,
            video=VideoGrants(room_join=True, room=room),
        )
        address = normalize_url(target.url).replace("http", "ws", 1)
        self._joined.append(Participant(self, self.run(_connected(address, token.to_jwt()))))
        return self._joined[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for participant in self._joined:
                participant.leave()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


class Participant:
    """Somebody in a room, and what they have noticed and not yet been asked about."""

    def __init__(
        self, participants: Participants, joined: tuple[rtc.Room, list[tuple[str, tuple[Any, ...]]], Any]
    ) -> None:
        self._people = participants
        self._room, self._noticed, self._news = joined
        self._silence: asyncio.Task[None] | None = None

    @property
    def identity(self) -> str:
        identity: str = self._room.local_participant.identity
        return identity

    @property
    def sid(self) -> str:
        sid: str = self._room.local_participant.sid
        return sid

    def notices(self, event: str, matches: Callable[..., bool] = lambda *about: True) -> tuple[Any, ...]:
        """Wait for an event, and forget it: what it is about. Events of one kind come in order."""
        end = time.monotonic() + SOON
        with self._news:
            while True:
                for each in self._noticed:
                    if each[0] == event and matches(*each[1]):
                        self._noticed.remove(each)
                        return each[1]
                if not self._news.wait(end - time.monotonic()):
                    raise AssertionError(f"{self.identity} did not notice {event}, only {self._noticed}")

    def hears(self, something: bool) -> None:
        """Wait until audio arrives, or until none does: silence is something, it is sent in packets."""
        self._people.run(self._hears(something))

    def publishes_silence(self) -> str:
        """Publish an audio track in which nothing is heard: its sid."""
        return self._people.run(self._publish())

    def answers(self, method: str, handler: Callable[[rtc.RpcInvocationData], str]) -> None:
        """Answer calls of an RPC method from now on."""

        async def register() -> None:
            self._room.local_participant.register_rpc_method(method, handler)

        self._people.run(register())

    def leave(self) -> None:
        """Leave the room. Twice is fine, and so is after being put out."""
        self._people.run(self._leave())

    async def _hears(self, something: bool) -> None:
        while await self._receives() is not something:
            await asyncio.sleep(0.05)

    async def _receives(self) -> bool:
        stats = await self._room.get_rtc_stats()
        both = [*stats.publisher_stats, *stats.subscriber_stats]  # a connection may be for both
        incoming = [each for each in both if each.WhichOneof("stats") == "inbound_rtp"]
        return any(each.inbound_rtp.received.packets_received for each in incoming)

    async def _publish(self) -> str:
        source = rtc.AudioSource(RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("mic", source)
        self._silence = asyncio.create_task(_play_silence(source))
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await self._room.local_participant.publish_track(track, options)
        sid: str = publication.sid
        return sid

    async def _leave(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            await asyncio.gather(self._silence, return_exceptions=True)
        await self._room.disconnect()


async def _connected(address: str, token: str) -> tuple[rtc.Room, list[tuple[str, tuple[Any, ...]]], Any]:
    room = rtc.Room()
    noticed: list[tuple[str, tuple[Any, ...]]] = []
    news = threading.Condition()

    def notice(event: str, *about: Any) -> None:
        with news:
            noticed.append((event, about))
            news.notify_all()

    for event in EVENTS:
        room.on(event, partial(notice, event))  # before connecting: nothing is missed
    await room.connect(address, token)
    return room, noticed, news


async def _play_silence(source: rtc.AudioSource) -> None:
    try:
        while True:  # the source's queue paces it
            await source.capture_frame(rtc.AudioFrame.create(RATE, 1, RATE // 100))
    finally:
        await source.aclose()
