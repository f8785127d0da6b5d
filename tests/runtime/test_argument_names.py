"""Constructors and `with_options` that are given a keyword they do not have: a TypeError with a suggestion.

Signatures, mocks, subclasses and warnings are as if nobody looked at the keywords.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from typing import Any
from unittest.mock import create_autospec

import pytest

import livekit_twirp
from livekit_twirp import AccessToken, AsyncLiveKitAPI, LiveKitAPI, RetryPolicy, VideoGrants, WebhookReceiver
from twirpkit import InsecureTransportWarning
from twirpkit._suggestion import Suggesting
from twirpkit.livekit import TokenVerifier
from twirpkit.livekit.regions import Regions
from twirpkit.transports.aiohttp_session import AiohttpTransport
from twirpkit.transports.async_sockets import AsyncSocketTransport
from twirpkit.transports.httpx_client import AsyncHttpxTransport, HttpxTransport
from twirpkit.transports.requests_session import RequestsTransport
from twirpkit.transports.sync_sockets import SocketTransport

CLIENTS = [LiveKitAPI, AsyncLiveKitAPI]
SERVICES = [getattr(livekit_twirp, prefix + name) for name in ("RoomService", "CloudAgent") for prefix in ("", "Async")]
CANARY = "canary-0123456789abcdef"

MISNAMED = {
    "access_token": "token",
    "api_token": "token",
    "apikey": "api_key",
    "base_url": "url",
    "bearer": "token",
    "connect_timeout": "timeout",
    "deadline": "timeout",
    "endpoint": "url",
    "extra_header": "extra_headers",
    "headers": "extra_headers",
    "hook": "hooks",
    "host": "url",
    "key": "api_key",
    "max_retries": "retry",
    "retries": "retry",
    "secret": "api_secret",
    "user_agent": "user_agent_extra",
}
"""Names that client, service and `with_options` do not have, and what each means."""

OF_CONNECTIONS = {
    "http_client": "session",
    "proxies": "proxy",
    "ssl": "tls",
    "verify": "tls",
    "verify_ssl": "tls",
}
"""For clients alone: those of services and `with_options` have their connections."""


@pytest.mark.parametrize("facade", CLIENTS)
@pytest.mark.parametrize(("given", "meant"), (MISNAMED | OF_CONNECTIONS | {"region": "regions"}).items())
def test_an_unknown_argument_of_a_client(facade: Any, given: str, meant: str) -> None:
    with pytest.raises(TypeError) as caught:
        facade(**{"url": "localhost:1", "token": "t", given: 2})
    assert str(caught.value) == f"{facade.__name__} has no argument {given!r}; did you mean {meant!r}?"


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("given", "meant"), MISNAMED.items())
def test_an_unknown_argument_of_a_service(service: Any, given: str, meant: str) -> None:
    with pytest.raises(TypeError) as caught:
        service(object(), "localhost:1", **{given: 2})
    assert str(caught.value) == f"{service.__name__} has no argument {given!r}; did you mean {meant!r}?"


@pytest.mark.parametrize("facade", CLIENTS)
@pytest.mark.parametrize("of", ["the client", "a service"])
@pytest.mark.parametrize(("given", "meant"), MISNAMED.items())
def test_an_unknown_option_of_with_options(facade: Any, of: str, given: str, meant: str) -> None:
    client = facade("localhost:1", token="t")
    with pytest.raises(TypeError) as caught:
        (client if of == "the client" else client.room).with_options(**{given: 2})
    assert str(caught.value) == f"a client has no option {given!r}; did you mean {meant!r}?"


OTHERS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "policy": (RetryPolicy, "attempts", "max_attempts"),
    "policy, as others call it": (RetryPolicy, "max_retries", "max_attempts"),
    "regions": (Regions, "sufixes", "suffixes"),
    "grants": (VideoGrants, "can_publsh", "can_publish"),
    "grants in camelCase": (VideoGrants, "roomJoin", "room_join"),
    "token": (AccessToken, "identiy", "identity"),
    "verifier": (TokenVerifier, "secret", "api_secret"),
    "receiver": (WebhookReceiver, "max_byte", "max_bytes"),
    "sockets": (SocketTransport, "max_conections", "max_connections"),
    "async sockets": (AsyncSocketTransport, "ssl", "tls"),
    "requests": (RequestsTransport, "verify", "tls"),
    "aiohttp": (AiohttpTransport, "proxies", "proxy"),
    "httpx": (HttpxTransport, "cert", "tls"),
    "async httpx": (AsyncHttpxTransport, "http_proxy", "proxy"),
}


@pytest.mark.parametrize(("cls", "given", "meant"), OTHERS.values(), ids=OTHERS)
def test_an_unknown_argument_of_another_class(cls: Any, given: str, meant: str) -> None:
    with pytest.raises(TypeError, match=rf" has no argument '{given}'; did you mean '{meant}'\?$"):
        cls(**{given: 2})


@pytest.mark.parametrize("facade", CLIENTS)
def test_an_argument_like_no_other_lists_them(facade: Any) -> None:
    with pytest.raises(TypeError, match=r" has no argument 'loop'; it has url, api_key, api_secret, token, auth, "):
        facade("localhost:1", loop=None)


@pytest.mark.parametrize("facade", CLIENTS)
def test_the_refusal_shows_no_credential(facade: Any) -> None:
    with pytest.raises(TypeError) as caught:
        facade("localhost:1", CANARY, api_secret=CANARY, secret=CANARY)
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert len(report.stack) > 1  # this function, and one of ours
    assert CANARY not in "".join(repr(frame.locals) for frame in list(report.stack)[1:])


@pytest.mark.parametrize("cls", [*CLIENTS, *SERVICES, RetryPolicy, VideoGrants])
def test_the_signature_is_that_of_the_constructor(cls: Any) -> None:
    parameters = inspect.signature(cls).parameters
    assert list(parameters) == list(inspect.signature(cls.__init__).parameters)[1:]
    assert not {"positional", "named"} & {*parameters}


@pytest.mark.parametrize("facade", CLIENTS)
def test_a_spec_takes_the_same_arguments(facade: Any) -> None:
    spec = create_autospec(facade)
    spec("localhost:1", token="t", timeout=3)
    with pytest.raises(TypeError, match="retries"):
        spec("localhost:1", retries=2)


@pytest.mark.parametrize("facade", CLIENTS)
def test_a_subclass_has_its_own_arguments(facade: Any) -> None:
    class Shop(facade):  # type: ignore[misc]  # either client
        def __init__(self, tenant: str, **options: Any) -> None:
            super().__init__("localhost:1", token=tenant, **options)

    class Till(Shop):
        def __init__(self, number: int) -> None:
            super().__init__("till", timeout=number)

    assert Shop("t", timeout=3)._config.timeout == 3
    assert Till(number=4)._config.timeout == 4
    with pytest.raises(TypeError, match=r"^Till has no argument 'numbr'; did you mean 'number'\?$"):
        Till(numbr=4)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'retries'"):
        Shop("t", retries=2)


def test_a_class_without_a_constructor_takes_what_python_says() -> None:
    class Plain(Suggesting):
        """Nothing of its own."""

    assert isinstance(Plain(), Plain)
    with pytest.raises(TypeError, match="takes no arguments"):
        Plain(url="x")  # type: ignore[call-arg]


@pytest.mark.parametrize("facade", CLIENTS)
def test_too_many_positional_arguments_are_told_by_python(facade: Any) -> None:
    with pytest.raises(TypeError, match="positional arguments"):
        facade("localhost:1", "key", "secret", "token")


@pytest.mark.parametrize("facade", CLIENTS)
def test_a_warning_names_the_caller(facade: Any) -> None:
    with pytest.warns(InsecureTransportWarning) as warned:
        facade("http://192.0.2.1", token="t")
    assert warned[0].filename == __file__
