"""One RPC of each retry class, a server that echoes their call ids, and many calls at once through either client."""

from __future__ import annotations

import asyncio
import functools
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

from livekit_twirp import (
    AsyncLiveKitAPI,
    CreateIngressRequest,
    CreateRoomRequest,
    IngressInfo,
    ListRoomsRequest,
    ListRoomsResponse,
    LiveKitAPI,
    Room,
    SendDataRequest,
    SendDataResponse,
)
from twirpkit import RetryClass
from twirpkit.testing import Outcomes, Request, ScriptedResponse, reply

__all__ = [
    "AUTH",
    "CLASSES",
    "ID",
    "MODES",
    "RPCS",
    "WORKERS",
    "Job",
    "Rpc",
    "call",
    "each",
    "in_phases",
    "jobs",
    "nonce",
    "record",
    "response_to",
    "run",
]

ID = "X-Livekit-Request-Id"
AUTH = "Bearer stress"
MODES = ("sync", "async")
WORKERS = {"sync": 64, "async": 200}
"""Threads, tasks."""


@dataclass(frozen=True)
class Rpc:
    """An RPC whose response can name the call."""

    service: str
    name: str
    path: tuple[str, str]
    fields: Callable[[str], Mapping[str, Any]]
    named: Callable[[bytes], str]
    """The call, from the body of a request."""
    response: Callable[[str], Message]


def _data(call: str) -> Message:
    # The response to SendData has no fields, so the call is in one that it does not know.
    raw = call.encode()
    return SendDataResponse.FromString(b"\xa2\x06" + bytes([len(raw)]) + raw)


RPCS: dict[RetryClass, Rpc] = {
    RetryClass.READ: Rpc(
        "room",
        "list_rooms",
        ("livekit.RoomService", "ListRooms"),
        lambda call: {"names": [call]},
        lambda body: str(ListRoomsRequest.FromString(body).names[0]),
        lambda call: ListRoomsResponse(rooms=[Room(name=call)]),
    ),
    RetryClass.IDEMPOTENT: Rpc(
        "room",
        "create_room",
        ("livekit.RoomService", "CreateRoom"),
        lambda call: {"name": call},
        lambda body: CreateRoomRequest.FromString(body).name,
        lambda call: Room(name=call),
    ),
    RetryClass.KEYED: Rpc(
        "room",
        "send_data",
        ("livekit.RoomService", "SendData"),
        lambda call: {"room": "r", "data": call.encode()},
        lambda body: SendDataRequest.FromString(body).data.decode(),
        _data,
    ),
    RetryClass.NEVER: Rpc(
        "ingress",
        "create_ingress",
        ("livekit.Ingress", "CreateIngress"),
        lambda call: {"name": call},
        lambda body: CreateIngressRequest.FromString(body).name,
        lambda call: IngressInfo(name=call),
    ),
}
CLASSES = tuple(RPCS)
_BY_PATH = {rpc.path: rpc for rpc in RPCS.values()}


def response_to(request: Request) -> ScriptedResponse:
    """The success that names the request's call."""
    rpc = _BY_PATH[request.rpc]
    return reply(rpc.response(rpc.named(request.body)))


def nonce(request: Request) -> bytes | None:
    """What repeats of a keyed request are known by."""
    if request.rpc != RPCS[RetryClass.KEYED].path:
        return None
    return SendDataRequest.FromString(request.body).nonce or None


def call(client: Any, retry: RetryClass, name: str, **options: Any) -> Any:
    """Begin a call of that class and that id: a message, or what an async client wants awaited."""
    rpc = RPCS[retry]
    method = getattr(getattr(client, rpc.service), rpc.name)
    return method(**rpc.fields(name), extra_headers={ID: name}, **options)


Job = tuple[str, RetryClass]
T = TypeVar("T")


def jobs(count: int, classes: Iterable[RetryClass] = CLASSES, prefix: str = "call") -> list[Job]:
    """Calls of these classes by turns."""
    return [
        (f"{prefix}-{number}", retry) for number, retry in zip(range(count), itertools.cycle(classes), strict=False)
    ]


def run(mode: str, url: str, todo: Iterable[Job], outcomes: Outcomes, *, workers: int = 0, **options: Any) -> None:
    """Make the calls through one client, from many threads or tasks, and record what came of each.

    Args:
        mode: ``sync`` or ``async``.
        url: Of the server.
        todo: The calls.
        outcomes: Is told.
        workers: Threads or tasks; 0: as many as the mode's figure wants.
        options: Of the facade.
    """

    def start(client: Any, job: Job) -> Any:
        return call(client, job[1], job[0])

    def tell(job: Job, outcome: Any) -> None:
        record(outcomes, job, outcome)

    each(mode, url, todo, start, tell, workers=workers, **options)


def record(outcomes: Outcomes, job: Job, outcome: Any) -> None:
    """Tell what came of a call."""
    name, retry = job
    if isinstance(outcome, BaseException):
        outcomes.failure(name, retry, outcome)
    else:
        outcomes.success(name, retry, outcome)


def each(
    mode: str,
    url: str,
    todo: Iterable[T],
    start: Callable[[Any, T], Any],
    tell: Callable[[T, Any], None],
    *,
    workers: int = 0,
    **options: Any,
) -> None:
    """For each thing to do, start a call with a client, and tell what came of it: a message or an exception."""
    in_phases(mode, url, [todo], start, tell, lambda phase: None, workers=workers, **options)


def in_phases(
    mode: str,
    url: str,
    phases: Iterable[Iterable[T]],
    start: Callable[[Any, T], Any],
    tell: Callable[[T, Any], None],
    after: Callable[[int], None],
    *,
    workers: int = 0,
    **options: Any,
) -> None:
    """The same in several phases with one client; `after` is called when a phase is over, and nothing is under way."""
    workers = workers or WORKERS[mode]
    options = {"auth": AUTH, **options}
    if mode == "sync":
        with LiveKitAPI(url, **options) as client:
            for number, todo in enumerate(phases):
                _in_threads(functools.partial(_work, client, iter(todo), start, tell), workers)
                after(number)
        return

    async def work() -> None:
        async with AsyncLiveKitAPI(url, **options) as client:
            for number, todo in enumerate(phases):
                pending = iter(todo)
                await asyncio.gather(*(_work_async(client, pending, start, tell) for _ in range(workers)))
                after(number)

    asyncio.run(work())


def _in_threads(work: Callable[[], None], workers: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


_TAKING = threading.Lock()


def _work(client: Any, pending: Iterator[T], start: Callable[[Any, T], Any], tell: Callable[[T, Any], None]) -> None:
    while True:
        with _TAKING:
            try:
                job = next(pending)
            except StopIteration:
                return
        outcome: Any
        try:
            outcome = start(client, job)
        except Exception as failed:  # whatever it is, the scenario judges it
            outcome = failed
        tell(job, outcome)


async def _work_async(
    client: Any, pending: Iterator[T], start: Callable[[Any, T], Any], tell: Callable[[T, Any], None]
) -> None:
    for job in pending:
        outcome: Any
        try:
            outcome = await start(client, job)
        except Exception as failed:  # whatever it is, the scenario judges it
            outcome = failed
        tell(job, outcome)
