"""``livekit.Egress`` of a fake server: recordings that go through their states as the clock advances."""

from __future__ import annotations

from typing import Any, Final

from twirpkit.errors import FailedPreconditionError, NotFoundError
from twirpkit.livekit.testing.fake_rooms import FakeRoom, FakeRooms
from twirpkit.livekit.testing.fake_state import WRAPPED, FakeState, no_such_room
from twirpkit.server.request_context import RequestContext

__all__ = ["EgressHandler"]

WORKER_SEARCH: Final = 21.0
"""Seconds that the server looks for a worker."""
STEP: Final = 1.0
"""Seconds from the start of a recording until it runs, and from its stop until it is complete."""
_RUNNING: Final = ("EGRESS_STARTING", "EGRESS_ACTIVE", "EGRESS_ENDING")


class EgressHandler:
    """Handler of ``livekit.Egress``."""

    _blocking = False

    def __init__(self, state: FakeState, rooms: FakeRooms) -> None:
        self._state = state
        self._rooms = rooms
        self._records: dict[str, Any] = {}
        rooms.on_created.append(self._start_with_room)
        rooms.on_finished.append(self._stop_with_room)

    def start_room_composite_egress(self, request: Any, context: RequestContext, /) -> Any:
        """Record a room."""
        return self._start("room_composite", request, request.room_name)

    def start_web_egress(self, request: Any, context: RequestContext, /) -> Any:
        """Record a page."""
        return self._start("web", request, None)

    def start_participant_egress(self, request: Any, context: RequestContext, /) -> Any:
        """Record a participant."""
        return self._start("participant", request, request.room_name)

    def start_track_composite_egress(self, request: Any, context: RequestContext, /) -> Any:
        """Record an audio and a video track."""
        return self._start("track_composite", request, request.room_name)

    def start_track_egress(self, request: Any, context: RequestContext, /) -> Any:
        """Record a track."""
        return self._start("track", request, request.room_name)

    def start_egress(self, request: Any, context: RequestContext, /) -> Any:
        """Record what the request's source names."""
        return self._start("egress", request, None if request.HasField("web") else request.room_name)

    def update_layout(self, request: Any, context: RequestContext, /) -> Any:
        """Change the layout of a recording that runs; the response does not show it."""
        info = self._find(request.egress_id)
        if self._status(info) not in _RUNNING:
            raise NotFoundError(f"{WRAPPED}participant does not exist")
        return info

    def update_stream(self, request: Any, context: RequestContext, /) -> Any:
        """Add and remove streams of a recording that runs."""
        info = self._find(request.egress_id)
        self._need_running(info, "updated")
        messages, now = self._state.messages, self._state.clock.nanoseconds
        for url in request.remove_output_urls:
            stream = next((each for each in info.stream_results if each.url == url), None)
            if stream is None:
                raise NotFoundError(f"{WRAPPED}stream not found")
            stream.MergeFrom(messages.StreamInfo(status="FINISHED", ended_at=now))
        for url in request.add_output_urls:
            info.stream_results.add().CopyFrom(messages.StreamInfo(url=url, started_at=now))
        info.updated_at = now
        return info

    def list_egress(self, request: Any, context: RequestContext, /) -> Any:
        """Return recordings: all, those of a room, those that run, or the one that is asked for."""
        self._state.need_redis("egress")
        found = [self._find(request.egress_id)] if request.egress_id else list(self._records.values())
        if request.room_name:
            found = [each for each in found if each.room_name == request.room_name]
        if request.active:
            found = [each for each in found if self._status(each) in _RUNNING]
        return self._state.messages.ListEgressResponse(items=found)

    def stop_egress(self, request: Any, context: RequestContext, /) -> Any:
        """End a recording that runs."""
        info = self._find(request.egress_id)
        self._need_running(info, "stopped")
        self._stop(info)
        return info

    def end(self, egress_id: str, error: str = "") -> None:
        """End a recording now, for a test: complete, or failed with an error.

        Raises:
            ValueError: There is no such recording.
        """
        if egress_id not in self._records:
            raise ValueError(f"there is no egress {egress_id!r}")
        self._end(self._records[egress_id], error)

    def _start(self, source: str, request: Any, room_name: str | None) -> Any:
        room = None if room_name is None else self._rooms.get(room_name)
        if room_name is not None and room is None:
            raise no_such_room()
        self._state.need_worker(WORKER_SEARCH)
        messages = self._state.messages
        info = messages.EgressInfo(egress_id=self._state.new_id("EG"), **{source: request})
        if room is not None:
            of_room = messages.EgressInfo(
                room_id=room.info.sid, room_name=room.info.name, source_type="EGRESS_SOURCE_TYPE_SDK"
            )
            info.MergeFrom(of_room)
        self._records[info.egress_id] = info
        self._state.emit("egress_started", egress_info=info)
        self._state.clock.after(STEP, lambda: self._activate(info))
        return info

    def _activate(self, info: Any) -> None:
        if self._status(info) == "EGRESS_STARTING":
            self._set_status(info, "EGRESS_ACTIVE")
            info.started_at = info.updated_at = self._state.clock.nanoseconds
            for url in _stream_urls(info):
                info.stream_results.add().CopyFrom(
                    self._state.messages.StreamInfo(url=url, started_at=self._state.clock.nanoseconds)
                )
            self._mark_room(info)
            self._state.emit("egress_updated", egress_info=info)

    def _stop(self, info: Any) -> None:
        self._set_status(info, "EGRESS_ENDING")
        info.updated_at = self._state.clock.nanoseconds
        self._state.emit("egress_updated", egress_info=info)
        self._state.clock.after(STEP, lambda: self._end(info, ""))

    def _end(self, info: Any, error: str) -> None:
        if self._status(info) not in _RUNNING:
            return
        started = info.started_at
        status = "EGRESS_FAILED" if error else "EGRESS_COMPLETE" if started else "EGRESS_ABORTED"
        self._set_status(info, status)
        info.error = error
        info.ended_at = info.updated_at = self._state.clock.nanoseconds
        if status == "EGRESS_COMPLETE":
            for name in _file_names(info):
                info.file_results.add().CopyFrom(
                    self._state.messages.FileInfo(
                        filename=name, started_at=started, ended_at=info.ended_at, duration=info.ended_at - started
                    )
                )
        self._mark_room(info)
        self._state.emit("egress_ended", egress_info=info)

    def _start_with_room(self, room: FakeRoom, config: Any) -> None:
        egress = getattr(config, "egress", None)
        if egress is not None and egress.HasField("room") and self._state.settings.workers:
            request = type(egress.room)()
            request.CopyFrom(egress.room)
            request.room_name = room.info.name
            self._start("room_composite", request, room.info.name)

    def _stop_with_room(self, room: FakeRoom) -> None:
        for info in self._records.values():
            if info.room_id == room.info.sid and self._status(info) in _RUNNING[:2]:
                self._stop(info)

    def _mark_room(self, info: Any) -> None:
        room = self._rooms.get(info.room_name)
        if room is not None:
            room.recorded = any(
                each.room_id == room.info.sid and self._status(each) == "EGRESS_ACTIVE"
                for each in self._records.values()
            )
            room.recount()

    def _find(self, egress_id: str) -> Any:
        self._state.need_redis("egress")
        info = self._records.get(egress_id)
        if info is None:
            raise NotFoundError(f"{WRAPPED}egress does not exist")
        return info

    def _need_running(self, info: Any, what: str) -> None:
        status = self._status(info)
        if status not in _RUNNING:
            raise FailedPreconditionError(f"egress with status {status} cannot be {what}")

    def _status(self, info: Any) -> str:
        return str(self._state.messages.EgressStatus.Name(info.status))

    def _set_status(self, info: Any, status: str) -> None:
        info.status = self._state.messages.EgressStatus.Value(status)


def _request(info: Any) -> Any:
    return getattr(info, info.WhichOneof("request"))


def _stream_urls(info: Any) -> list[str]:
    request = _request(info)
    outputs = [*getattr(request, "stream_outputs", ())]
    outputs += [each.stream for each in getattr(request, "outputs", ()) if each.HasField("stream")]
    return [url for output in outputs for url in output.urls]


def _file_names(info: Any) -> list[str]:
    request = _request(info)
    files = [*getattr(request, "file_outputs", ())]
    files += [each.file for each in getattr(request, "outputs", ()) if each.HasField("file")]
    if info.WhichOneof("request") == "track" and request.HasField("file"):
        files.append(request.file)
    return [each.filepath for each in files]
