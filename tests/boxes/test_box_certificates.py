"""Certificates of servers and clients, over TLS 1.2 and 1.3: what is wrong is said, and not tried again (rule C)."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest
from box import Box
from box_callers import LIST, Caller
from box_certificates import Certificates

from twirpkit import TransportError, TwirpError
from twirpkit.testing import Outcomes

Make = Callable[..., Caller]


@pytest.fixture(params=["nginx", "stunnel"])
def server(request: pytest.FixtureRequest) -> Box:
    box: Box = request.getfixturevalue(request.param)
    return box


def assert_final(error: TwirpError, words: str) -> None:
    """The request was not sent, and would not be next time."""
    assert isinstance(error, TransportError)
    assert (error.sent, error.attempts, error.retryable) == ("no", 1, False)
    assert words in str(error)
    assert "of-the-boxes" not in str(error)


@pytest.mark.parametrize("port", ["TLS", "TLS12"])
def test_good_certificate(caller: Make, server: Box, certificates: Certificates, port: str) -> None:
    client = caller(server.url(port, scheme="https"), tls=certificates.context())
    assert [client.call(LIST) is not None for _ in range(20)] == [True] * 20


@pytest.mark.parametrize(
    ("port", "words"),
    [("EXPIRED", "certificate has expired (by the clock of this machine)"), ("WRONG_HOST", "mismatch")],
)
def test_bad_certificate(caller: Make, server: Box, certificates: Certificates, port: str, words: str) -> None:
    assert_final(caller(server.url(port, scheme="https"), tls=certificates.context()).error(LIST), words)


def test_unknown_ca(caller: Make, server: Box) -> None:
    assert_final(caller(server.url("TLS", scheme="https")).error(LIST), 'tls="ca.pem"')


def test_no_version_in_common(caller: Make, server: Box, certificates: Certificates) -> None:
    newest = certificates.context(minimum_version=ssl.TLSVersion.TLSv1_3)
    assert_final(caller(server.url("TLS12", scheme="https"), tls=newest).error(LIST), "no TLS version in common")


def test_plain_server_at_a_tls_url(caller: Make, nginx: Box, certificates: Certificates) -> None:
    error = caller(nginx.url("HTTP", scheme="https"), tls=certificates.context()).error(LIST)
    assert isinstance(error, TransportError)
    assert error.sent == "no"
    assert "without TLS" in str(error)


def test_tls_server_at_a_plain_url(caller: Make, server: Box) -> None:
    """nginx says 400 with a page, stunnel an alert or nothing: an error in any case, and no token in it."""
    error = caller(server.url("TLS"), timeout=5).error(LIST)
    assert "of-the-boxes" not in str(error)


class TestClientCertificate:
    """haproxy and stunnel refuse in TLS: under 1.3 that is read only after the client's handshake."""

    @pytest.fixture(params=["haproxy", "stunnel"])
    def strict(self, request: pytest.FixtureRequest) -> Box:
        box: Box = request.getfixturevalue(request.param)
        return box

    @pytest.mark.parametrize("port", ["MTLS12", "MTLS13"])
    def test_is_given(self, caller: Make, strict: Box, certificates: Certificates, port: str) -> None:
        client = caller(strict.url(port, scheme="https"), tls=certificates.context("client"))
        assert [client.call(LIST) is not None for _ in range(20)] == [True] * 20

    @pytest.mark.parametrize("port", ["MTLS12", "MTLS13"])
    def test_is_missing(self, caller: Make, strict: Box, certificates: Certificates, port: str) -> None:
        error = caller(strict.url(port, scheme="https"), tls=certificates.context()).error(LIST)
        assert_final(error, "client certificate")

    @pytest.mark.parametrize("port", ["MTLS12", "MTLS13"])
    def test_is_a_strangers(self, caller: Make, strict: Box, certificates: Certificates, port: str) -> None:
        error = caller(strict.url(port, scheme="https"), tls=certificates.context("stranger")).error(LIST)
        assert_final(error, "the server refuses the client certificate")

    @pytest.mark.parametrize("port", ["MTLS12", "MTLS13"])
    def test_is_missing_on_many_connections(
        self, caller: Make, strict: Box, certificates: Certificates, port: str
    ) -> None:
        """Whatever comes first, the end of the handshake or the refusal."""
        client = caller(strict.url(port, scheme="https"), tls=certificates.context())
        errors = client.call_many(LIST, 60, 12, Outcomes())
        assert len(errors) == 60
        for error in errors:
            assert_final(error, "client certificate")


@pytest.mark.parametrize("port", ["MTLS12", "MTLS13"])
def test_nginx_asks_for_a_certificate_in_words(caller: Make, nginx: Box, certificates: Certificates, port: str) -> None:
    url = nginx.url(port, scheme="https")
    assert caller(url, tls=certificates.context("client")).call(LIST) is not None
    error: Any = caller(url, tls=certificates.context()).error(LIST)
    assert (error.status, error.attempts) == (400, 1)
    assert "No required SSL certificate was sent" in str(error)


def test_backend_behind_tls_that_is_down(caller: Make, stunnel: Box, certificates: Certificates) -> None:
    """stunnel takes the connection, cannot pass it on, and ends it: the request may have been executed."""
    error = caller(stunnel.url("REFUSED", scheme="https"), tls=certificates.context(), timeout=5).error(LIST)
    assert isinstance(error, TransportError)
    assert error.sent in ("no", "maybe")
    assert error.retryable
