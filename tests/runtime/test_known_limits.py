"""What cannot be held, as docs/rules.md says: each is shown, and must fail until it can."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from scripted_transport import failure_of, open_livekit

from twirpkit import DeadlineExceededError


@pytest.mark.slow
@pytest.mark.parametrize(
    "client",
    [
        pytest.param("sync", marks=pytest.mark.xfail(reason="Python cannot interrupt getaddrinfo", strict=True)),
        "async",
    ],
)
def test_a_name_that_is_never_resolved(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget ends during it, in both clients (rule B1)."""
    asked, told = threading.Event(), threading.Event()
    giving_up = threading.Timer(4, told.set)

    def resolve(*_: Any, **__: Any) -> Any:
        asked.set()
        told.wait(9)
        raise socket.gaierror(socket.EAI_AGAIN, "no name server answered")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    opened = open_livekit(client, url="https://livekit.invalid", transport=None, timeout=2)
    giving_up.start()
    error = failure_of(opened.room)
    over = told.is_set()
    giving_up.cancel()
    told.set()
    opened.end()

    assert asked.is_set()
    assert not over
    assert type(error) is DeadlineExceededError
    assert error.sent == "no"
