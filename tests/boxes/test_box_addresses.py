"""Names with dead addresses beside good ones, in front of nginx (rule B1)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from box import LOOPBACK, Box
from box_callers import LIST, Caller

from twirpkit import DeadlineExceededError, TransportError
from twirpkit.testing import black_hole

Make = Callable[..., Caller]

NAME = "many-addresses.example"


@pytest.fixture
def silent() -> Any:
    """The port of an address at which even connecting hangs."""
    with black_hole() as url:
        yield urlsplit(url).port


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives `NAME` addresses, which are ports of loopback."""
    original = socket.getaddrinfo

    def give(*ports: int) -> None:
        def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
            if host not in (NAME, NAME.encode()):
                return original(host, *args, **options)
            return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (LOOPBACK, port)) for port in ports]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return give


@pytest.mark.filterwarnings("ignore::twirpkit.InsecureTransportWarning")
class TestName:
    def test_refused_address_first(self, caller: Make, nginx: Box, resolve: Callable[..., None]) -> None:
        resolve(nginx.ports["DEAD"], nginx.ports["HTTP"])
        assert caller(f"http://{NAME}/ok", retry=False).call(LIST) is not None

    def test_silent_address_first(self, caller: Make, nginx: Box, silent: int, resolve: Callable[..., None]) -> None:
        resolve(silent, nginx.ports["HTTP"])
        assert caller(f"http://{NAME}/ok", retry=False).call(LIST, timeout=2) is not None

    def test_only_dead_addresses(self, caller: Make, nginx: Box, resolve: Callable[..., None]) -> None:
        resolve(nginx.ports["DEAD"], nginx.ports["DEAD"])
        error = caller(f"http://{NAME}/ok").error(LIST)
        assert isinstance(error, TransportError)
        assert (error.sent, error.attempts, error.retryable) == ("no", 3, True)

    def test_only_silent_addresses(self, caller: Make, silent: int, resolve: Callable[..., None]) -> None:
        resolve(silent, silent)
        error = caller(f"http://{NAME}/ok", timeout=0.5).error(LIST)
        assert isinstance(error, DeadlineExceededError)
        assert error.sent == "no"


def test_localhost_of_two_families(caller: Make, nginx: Box) -> None:
    """nginx listens on 127.0.0.1 alone, and localhost may mean ::1 first."""
    assert caller(f"http://localhost:{nginx.ports['HTTP']}/ok", retry=False).call(LIST) is not None
