"""A recorded success, cut at every byte: an error each time, in both clients (rule A11)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from recordings import BY_ID

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI, TwirpError
from twirpkit.conformance import ReplayServer

pytestmark = pytest.mark.slow  # thousands of cuts

FULL, EMPTY = "room/list_rooms/by_names", "room/list_rooms/none"
AUTH = "Bearer t"


def with_length(name: str) -> bytes:
    response = BY_ID[name].response
    assert response is not None
    assert response.status == 200
    return response.raw


def in_chunks(name: str) -> bytes:
    """The same answer, its body in chunks of at most 100 bytes."""
    head, _, body = with_length(name).partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length:")]
    parts = [body[start : start + 100] for start in range(0, len(body), 100)]
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""]]
    return b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"", b""]) + b"".join(chunks)


RAW = {
    "full, with a length": with_length(FULL),
    "full, in chunks": in_chunks(FULL),
    "empty, with a length": with_length(EMPTY),
    "empty, in chunks": in_chunks(EMPTY),
}


def cuts(raw: bytes, server: ReplayServer) -> Iterator[int]:
    """Serve one cut after the other, and only then what is whole."""
    for position in range(len(raw) + 1):
        server.respond_with(raw[:position])
        yield position
        assert len(server.take()) == 1


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
def test_sync(raw: bytes) -> None:
    succeeded = []
    with ReplayServer() as server, LiveKitAPI(server.url, auth=AUTH, timeout=5, retry=False) as api:
        for position in cuts(raw, server):
            try:
                api.room.list_rooms()
            except TwirpError:
                continue
            succeeded.append(position)
    assert succeeded == [len(raw)]


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
def test_async(raw: bytes) -> None:
    async def play() -> list[int]:
        succeeded = []
        async with AsyncLiveKitAPI(server.url, auth=AUTH, timeout=5, retry=False) as api:
            for position in cuts(raw, server):
                try:
                    await api.room.list_rooms()
                except TwirpError:
                    continue
                succeeded.append(position)
        return succeeded

    with ReplayServer() as server:
        assert asyncio.run(play()) == [len(raw)]
