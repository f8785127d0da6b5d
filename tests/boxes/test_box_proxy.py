"""squid as a forward proxy: what it refuses is final, and what it cannot reach was not sent (rules C, E2)."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from box import LOOPBACK, Box
from box_callers import DIAL, ID, LIST, Caller
from box_certificates import Certificates

from twirpkit import TransportError, TwirpError, UnavailableError
from twirpkit.testing import ScriptedServer

Make = Callable[..., Caller]


def proxy_of(squid: Box, password: str = "right", user: str = "crow") -> str:
    return f"http://{user}:{password}@{LOOPBACK}:{squid.ports['HTTP']}"


@pytest.fixture(params=["http", "https"])
def target(request: pytest.FixtureRequest, squid: Box, certificates: Certificates) -> tuple[str, dict[str, object]]:
    """A URL behind the proxy, and the options that it needs."""
    if request.param == "http":
        return f"http://{LOOPBACK}:{squid.ports['BACKEND']}", {}
    return f"https://{LOOPBACK}:{squid.ports['TLS']}", {"tls": certificates.context()}


Target = tuple[str, dict[str, object]]


def assert_refused(error: TwirpError, words: str) -> None:
    """The proxy refused: one attempt, nothing sent, no secret and no page in the text."""
    assert isinstance(error, TwirpError)
    assert (error.sent, error.attempts, error.retryable) == ("no", 1, False)
    assert words in str(error)
    assert not {"right", "wrong-password", "of-the-boxes", "<style", "body {"} & set(str(error).split())
    assert "<" not in str(error)
    assert "wrong-password" not in str(error)


def test_right_password(caller: Make, squid: Box, target: Target) -> None:
    url, options = target
    client = caller(url, proxy=proxy_of(squid), **options)
    assert [client.call(LIST) is not None for _ in range(20)] == [True] * 20


@pytest.mark.parametrize("password", ["wrong-password", None])
def test_wrong_or_missing_password(caller: Make, squid: Box, target: Target, password: str | None) -> None:
    url, options = target
    proxy = f"http://{LOOPBACK}:{squid.ports['HTTP']}" if password is None else proxy_of(squid, password)
    assert_refused(caller(url, proxy=proxy, **options).error(LIST), "407")


def test_tunnel_that_the_proxy_forbids(caller: Make, squid: Box, backend: ScriptedServer) -> None:
    error = caller(f"https://{LOOPBACK}:{backend.port}", proxy=proxy_of(squid)).error(LIST)
    assert_refused(error, "403")


def test_path_that_the_proxy_forbids(caller: Make, squid: Box, backend: ScriptedServer) -> None:
    """A 403 of an http proxy cannot be told from one of the server."""
    error = caller(f"{backend.url}/forbidden", proxy=proxy_of(squid)).error(LIST)
    assert (error.status, error.attempts) == (403, 1)


def test_tunnel_to_a_server_that_is_down(caller: Make, squid: Box) -> None:
    error = caller(f"https://{LOOPBACK}:{squid.ports['DEAD']}", proxy=proxy_of(squid)).error(DIAL)
    assert isinstance(error, TransportError)
    assert (error.sent, error.attempts, error.retryable) == ("no", 3, True)
    assert "503" in str(error)


def test_http_server_that_is_down(caller: Make, squid: Box) -> None:
    """squid's 503 has no Twirp error, so that the call is in doubt: a dial is not repeated."""
    error = caller(f"http://{LOOPBACK}:{squid.ports['DEAD']}", proxy=proxy_of(squid)).error(DIAL)
    assert isinstance(error, UnavailableError)
    assert (error.status, error.sent, error.attempts, error.retryable) == (503, "maybe", 1, False)


def test_wrong_proxy_port(caller: Make, squid: Box, target: Target) -> None:
    url, options = target
    error = caller(url, proxy=f"http://{LOOPBACK}:{squid.ports['DEAD']}", **options).error(LIST)
    assert isinstance(error, TransportError)
    assert (error.sent, error.attempts, error.retryable) == ("no", 3, True)


def test_calls_through_the_proxy_arrive_once(
    caller: Make, squid: Box, target: Target, request: pytest.FixtureRequest
) -> None:
    url, options = target
    name = str(uuid.uuid4())
    caller(url, proxy=proxy_of(squid), **options).call(DIAL, extra_headers={ID: name})
    backends: list[ScriptedServer] = [request.getfixturevalue(each) for each in ("backend", "tls_backend")]
    assert [len(each.ledger.of(name)) for each in backends if each.ledger.of(name)] == [1]
