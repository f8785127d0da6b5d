"""``livekit.Ingress`` of a fake server."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, urlsplit

from twirpkit.errors import InternalError, InvalidArgumentError, NotFoundError
from twirpkit.livekit.testing.fake_rooms import FakeRooms
from twirpkit.livekit.testing.fake_state import WRAPPED, FakeState
from twirpkit.server.request_context import RequestContext

__all__ = ["IngressHandler"]

WORKER_SEARCH: Final = 3.0
"""Seconds that the server looks for a worker."""
_COPIED: Final = ("name", "room_name", "participant_identity", "participant_name", "participant_metadata")
_AUDIO_SOURCES: Final = ("UNKNOWN", "MICROPHONE", "SCREEN_SHARE_AUDIO")
_VIDEO_SOURCES: Final = ("UNKNOWN", "CAMERA", "SCREEN_SHARE")
_BYPASS: Final = "invalid transcoding bypass configuration"


class IngressHandler:
    """Handler of ``livekit.Ingress``."""

    _blocking = False

    def __init__(self, state: FakeState, rooms: FakeRooms) -> None:
        self._state = state
        self._rooms = rooms
        self._infos: dict[str, Any] = {}

    def check_create_ingress(self, request: Any) -> None:
        """Refuse a kind of input that does not exist."""
        if request.input_type not in self._state.messages.IngressInput.values():
            raise _invalid("invalid ingress type")

    def create_ingress(self, request: Any, context: RequestContext, /) -> Any:
        """Make an ingress; one that pulls from a URL starts at once."""
        self._state.need_redis("ingress")
        messages = self._state.messages
        kind = messages.IngressInput.Name(request.input_type)
        info = messages.IngressInfo(
            ingress_id=self._state.new_id("IN"),
            input_type=request.input_type,
            state={},
            **{name: getattr(request, name) for name in _COPIED},
        )
        for name in ("audio", "video", "enabled", "enable_transcoding"):
            _copy(request, info, name)
        if not info.HasField("enable_transcoding"):
            info.enable_transcoding = kind != "WHIP_INPUT"
        info.bypass_transcoding = not info.enable_transcoding
        if kind == "URL_INPUT":
            self._prepare_url(info, request.url)
        else:
            settings = self._state.settings
            info.url = settings.whip_url if kind == "WHIP_INPUT" else settings.rtmp_url
            info.stream_key = self._state.new_secret(12)
            info.reusable = True
        self._check(info)
        if kind == "URL_INPUT":
            self._state.need_worker(WORKER_SEARCH)
        self._infos[info.ingress_id] = info
        return info

    def update_ingress(self, request: Any, context: RequestContext, /) -> Any:
        """Change what the request sets."""
        self._need_redis_to_change()
        old = self._find(request.ingress_id)
        if not old.reusable:
            raise _invalid("ingress is not reusable and cannot be modified")
        info = self._state.messages.IngressInfo()
        info.CopyFrom(old)
        for name in _COPIED:
            if getattr(request, name):
                setattr(info, name, getattr(request, name))
        for name in ("audio", "video", "enabled", "enable_transcoding"):
            _copy(request, info, name)
        info.bypass_transcoding = not info.enable_transcoding
        self._check(info)
        old.CopyFrom(info)
        return old

    def list_ingress(self, request: Any, context: RequestContext, /) -> Any:
        """Return every ingress, those of a room, or the one that is asked for."""
        self._state.need_redis("ingress")
        found = [self._find(request.ingress_id)] if request.ingress_id else list(self._infos.values())
        if request.room_name:
            found = [each for each in found if each.room_name == request.room_name]
        return self._state.messages.ListIngressResponse(items=found)

    def delete_ingress(self, request: Any, context: RequestContext, /) -> Any:
        """Remove an ingress, and return it."""
        self._need_redis_to_change()
        info = self._find(request.ingress_id)
        del self._infos[info.ingress_id]
        return info

    def publish(self, ingress_id: str) -> None:
        """Let media arrive, for a test: the participant joins, and ``ingress_started`` is emitted.

        Raises:
            ValueError: There is no such ingress, or it names no room.
        """
        info = self._known(ingress_id)
        if not info.room_name:
            raise ValueError(f"the ingress {ingress_id!r} has no room_name")
        fields = {
            "identity": info.participant_identity,
            "name": info.participant_name,
            "metadata": info.participant_metadata,
            "kind": "INGRESS",
        }
        participant = self._rooms.join(info.room_name, None, fields)
        track = participant.publish(info.video.name or "video", source="camera")
        room = self._rooms.create(info.room_name)
        state = self._state.messages.IngressState(
            status="ENDPOINT_PUBLISHING",
            room_id=room.info.sid,
            started_at=self._state.clock.nanoseconds,
            updated_at=self._state.clock.nanoseconds,
            tracks=[track],
        )
        info.state.CopyFrom(state)
        self._state.emit("ingress_started", ingress_info=info)

    def stop(self, ingress_id: str) -> None:
        """Let media end, for a test: the participant leaves, and ``ingress_ended`` is emitted.

        Raises:
            ValueError: There is no such ingress.
        """
        info = self._known(ingress_id)
        participant = self._rooms.participant(info.room_name, info.participant_identity)
        if participant is not None:
            participant.disconnect("CLIENT_INITIATED")
        state = self._state.messages.IngressState(
            started_at=info.state.started_at, ended_at=self._state.clock.nanoseconds
        )
        info.state.CopyFrom(state)
        self._state.emit("ingress_ended", ingress_info=info)

    def _need_redis_to_change(self) -> None:
        if not self._state.settings.redis:
            raise InternalError("Internal service panic")  # as livekit-server does

    def _prepare_url(self, info: Any, url: str) -> None:
        if not url:
            raise _invalid("invalid ingress: missing URL parameter")
        scheme = urlsplit(url).scheme
        if scheme not in ("http", "https", "srt"):
            raise _invalid(f"invalid ingress: invalid url scheme {scheme}")
        info.url = quote(url, safe="/:?&=%#@+,;~!$'()*[]")
        started = self._state.messages.IngressState(
            status="ENDPOINT_BUFFERING", started_at=self._state.clock.nanoseconds
        )
        info.state.CopyFrom(started)

    def _check(self, info: Any) -> None:
        messages = self._state.messages
        kind = messages.IngressInput.Name(info.input_type)
        if not info.participant_identity:
            raise _invalid("invalid ingress: no participant identity")
        if kind == "URL_INPUT" and not info.room_name:
            raise _invalid("invalid ingress: no room name")
        if not info.enable_transcoding:
            if kind != "WHIP_INPUT":
                raise _invalid(f"{_BYPASS}: bypassing transcoding impossible with selected input type")
            for name in ("audio", "video"):
                if getattr(info, name).WhichOneof("encoding_options"):
                    raise _invalid(f"{_BYPASS}: {name} encoding options must be empty if transcoding is disabled")
        for name, sources in (("audio", _AUDIO_SOURCES), ("video", _VIDEO_SOURCES)):
            if messages.TrackSource.Name(getattr(info, name).source) not in sources:
                raise _invalid(f"invalid {name} parameters: invalid track source")
        if any(not layer.width or not layer.height for layer in info.video.options.layers):
            raise _invalid("invalid video parameters: invalid output media dimensions")

    def _find(self, ingress_id: str) -> Any:
        info = self._infos.get(ingress_id)
        if info is None:
            raise NotFoundError(f"{WRAPPED}ingress does not exist")
        return info

    def _known(self, ingress_id: str) -> Any:
        if ingress_id not in self._infos:
            raise ValueError(f"there is no ingress {ingress_id!r}")
        return self._infos[ingress_id]


def _invalid(text: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{WRAPPED}{text}")


def _copy(source: Any, target: Any, name: str) -> None:
    """Copy a field that is set; a message is replaced."""
    if not source.HasField(name):
        return
    value = getattr(source, name)
    if isinstance(value, bool):
        setattr(target, name, value)
    else:
        getattr(target, name).CopyFrom(value)
