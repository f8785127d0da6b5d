"""Failures over a lent session that would come again: proxies and servers that refuse (rules C, C9)."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from byte_server import Canned, serve
from byte_server import http as answer
from cases.limits import ALERTS, PROXIES, REFUSALS
from lent_worlds import AsyncLentWorld, LentWorld, lend

from twirpkit.transports.base import Phase

PEM = Path(__file__).with_name("localhost.pem")
LIBRARIES = ("requests", "aiohttp", "httpx", "httpx-async")

REFUSED = {
    "407 No": ("the proxy refused: 407 authentication required", True),
    "403 No": ("the proxy refused: 403 forbidden", True),
    "400 No": ("the proxy answered 400 to CONNECT", True),
    "429 No": ("the proxy answered 429 to CONNECT", False),
    "502 No": ("the proxy answered 502 to CONNECT", False),
}


def behind(name: str, url: str) -> LentWorld:
    """Return a session that goes through a proxy."""
    options: dict[str, Any] = {"proxies": {"http": url, "https": url}} if name == "requests" else {"proxy": url}
    return lend(name, **options)


@pytest.mark.parametrize("status", REFUSED)
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_proxy_that_makes_no_tunnel(name: str, status: str) -> None:
    reason, final = REFUSED[status]
    with serve(Canned(answer(b"", status=status))) as proxy:
        lent = behind(name, proxy.url)
        failed = lent.fail("https://target.invalid/x")
        lent.end()
    assert (failed.phase, failed.final) == (Phase.NOT_SENT, final)
    assert failed.reason == f"could not connect to target.invalid: {reason}"
    assert failed.cause is None


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_proxy_that_refuses_a_plain_request(name: str, request: pytest.FixtureRequest) -> None:
    if name in PROXIES.clients:
        request.applymarker(pytest.mark.xfail(reason=PROXIES.line, strict=True))
    with serve(answer(b"who?", status="407 No")) as proxy:
        lent = behind(name, proxy.url)
        try:
            failed = lent.fail("http://target.invalid/x")
        finally:
            lent.end()
    assert (failed.phase, failed.final) == (Phase.NOT_SENT, True)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"])
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_server_that_wants_a_client_certificate(
    name: str, version: ssl.TLSVersion, request: pytest.FixtureRequest
) -> None:
    limit = ALERTS if version is ssl.TLSVersion.TLSv1_3 else REFUSALS
    if name in limit.clients:
        request.applymarker(pytest.mark.xfail(reason=limit.line, strict=True))
    wanting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    wanting.load_cert_chain(PEM)
    wanting.load_verify_locations(PEM)
    wanting.verify_mode = ssl.CERT_REQUIRED
    wanting.minimum_version = wanting.maximum_version = version
    lent = trusting(name)
    try:
        with serve(answer(b"hi"), tls=wanting) as server:
            failed = lent.fail(server.url)
    finally:
        lent.end()
    assert (failed.phase, failed.final) == (Phase.NOT_SENT, True)
    assert failed.reason.startswith(f"could not connect to 127.0.0.1:{server.port}: the server ")
    assert "client certificate" in failed.reason
    assert "tls=" not in failed.reason, "which a client with a session does not take"


def trusting(name: str) -> LentWorld:
    """Return a session that trusts the certificate of the tests, and has none of its own."""
    context = ssl.create_default_context(cafile=PEM)
    if name == "aiohttp":
        return AsyncLentWorld(lambda: aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)))
    return lend(name, **({"verify": context} if name.startswith("httpx") else {"verify": str(PEM), "trust_env": False}))
