"""The two calls that are measured: their requests, their responses, and the request header block of our client."""

from __future__ import annotations

import socket
import threading

from livekit_twirp import Codec, CreateRoomRequest, ListRoomsResponse, LiveKitAPI, Room

KEY, SECRET = "devkey", "a secret that is long enough for HS256"
ROOM = "standup"
CODECS = ("audio/opus", "audio/red", "video/VP8", "video/H264", "video/VP9", "video/AV1", "video/H265", "video/rtx")
LARGE_SIZE = 3_400_000
SMALL_PATH = "/twirp/livekit.RoomService/CreateRoom"
LARGE_PATH = "/twirp/livekit.RoomService/ListRooms"


def room(number: int, name: str) -> Room:
    """Return a room as LiveKit's server describes one."""
    return Room(
        sid=f"RM_{number:012}",
        name=name,
        empty_timeout=300,
        departure_timeout=20,
        creation_time=1_700_000_000,
        creation_time_ms=1_700_000_000_000,
        turn_password="p" * 43,
        enabled_codecs=[Codec(mime=mime) for mime in CODECS],
    )


def small_request() -> bytes:
    """Return the request body of the call with a small response."""
    return CreateRoomRequest(name=ROOM).SerializeToString()


def small() -> bytes:
    """Return the small response body: one room, about 250 bytes."""
    return room(1, ROOM).SerializeToString()


def large() -> bytes:
    """Return the large response body: a list of rooms, 3.4 MB."""
    each = len(ListRoomsResponse(rooms=[room(1, "room-00001")]).SerializeToString())
    rooms = [room(number, f"room-{number:05}") for number in range(LARGE_SIZE // each)]
    return ListRoomsResponse(rooms=rooms).SerializeToString()


def our_headers() -> dict[str, str]:
    """Return the headers that our client sends, so that the bare libraries send the same bytes.

    Without those that an HTTP library writes by itself.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        received: list[bytes] = []
        thread = threading.Thread(target=_receive_one, args=(listener, received))
        thread.start()
        with LiveKitAPI(f"http://127.0.0.1:{listener.getsockname()[1]}", KEY, SECRET, retry=False) as client:
            client.room.create_room(name=ROOM, timeout=10)
        thread.join()
    head, _, _ = received[0].partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:]]
    own = {"host", "content-length", "connection", "accept", "transfer-encoding"}
    return {name: value for name, _, value in lines if name.lower() not in own}


def _receive_one(listener: socket.socket, received: list[bytes]) -> None:
    listener.settimeout(10)
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(10)
        received.append(connection.recv(1 << 16))
        body = small()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/protobuf\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
