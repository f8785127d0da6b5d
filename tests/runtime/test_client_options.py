"""Copies of a client with other options, and what a client's set-up warns of (rule E4)."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from scripted_transport import OK, Opened, Script

from livekit_twirp import LiveKitAPI
from twirpkit import InsecureTransportWarning, RetryPolicy
from twirpkit._config.credentials import _warned
from twirpkit.livekit.regions import Regions

Livekit = Callable[..., Opened]
SECRET = "a secret that is long enough for HS256"


class TestWithOptions:
    def test_with_options_changes_what_is_given_and_nothing_else(self, livekit: Livekit) -> None:
        seen: list[Any] = []
        opened = livekit(OK, timeout=7, extra_headers={"X-A": "1", "X-B": "1"}, auth="Bearer mine")
        copy = opened.with_options(
            timeout=3, token="other", extra_headers={"x-b": "2"}, hooks=[seen.append], retry=False
        )

        copy.room()
        opened.room()

        first, second = (dict(request.headers) for request in opened.requests)
        assert (first["Authorization"], first["X-A"], first["x-b"]) == ("Bearer other", "1", "2")
        assert (second["Authorization"], second["X-A"], second["X-B"]) == ("Bearer mine", "1", "1")
        assert int(first["X-Twirp-Timeout-Ms"]) < 3000 < int(second["X-Twirp-Timeout-Ms"])
        assert "X-B" not in first
        assert [event.kind for event in seen] == ["start", "request", "response", "end"]
        assert copy.client._config.retry is None

    @pytest.mark.parametrize("options", [{}, {"timeout": None}, {"retry": RetryPolicy(max_attempts=2)}, {"auth": "x"}])
    def test_with_options_is_a_client_of_the_same_kind(self, livekit: Livekit, options: Any) -> None:
        opened = livekit(OK, hooks=[print], timeout=5)
        copy = opened.with_options(**options)

        assert type(copy.client) is type(opened.client)
        assert copy.client._config.hooks == (print,)
        assert copy.client._config.timeout == options.get("timeout", 5)
        copy.room()

    def test_with_options_shares_the_connections_and_does_not_end_them(self, livekit: Livekit) -> None:
        opened = livekit(OK)
        copy = opened.with_options(timeout=3)
        copy.close()

        assert opened.script.closed == 0
        with pytest.raises(RuntimeError, match="closed"):
            copy.room()
        opened.room()

    @pytest.mark.parametrize("credential", [{"token": "other"}, {"auth": "Bearer other"}])
    def test_with_options_of_a_service(self, livekit: Livekit, credential: Any) -> None:
        seen: list[Any] = []
        opened = livekit(OK)
        room = opened.client.room
        policy = RetryPolicy(max_attempts=7)
        copy = room.with_options(**credential, timeout=3, retry=policy, extra_headers={"X-A": "1"}, hooks=[seen.append])
        opened.wait(copy.list_rooms())

        (request,) = opened.requests
        assert type(copy) is type(room)
        assert (request.headers["Authorization"], request.headers["X-A"]) == ("Bearer other", "1")
        assert int(request.headers["X-Twirp-Timeout-Ms"]) < 3000
        assert copy._client._config.retry is policy
        assert [event.kind for event in seen] == ["start", "request", "response", "end"]

    def test_with_options_of_a_service_changes_nothing_else(self, livekit: Livekit) -> None:
        opened = livekit(OK, timeout=7, extra_headers={"X-A": "1"}, hooks=[print])
        copy = opened.client.room.with_options()

        assert copy._client._config == opened.client._config

    def test_with_options_has_services_of_its_own(self, livekit: Livekit) -> None:
        opened = livekit(OK)
        opened.room()
        opened.with_options(token="other").room()

        assert [r.headers["Authorization"] for r in opened.requests] == ["Bearer scripted", "Bearer other"]

    @pytest.mark.parametrize(
        ("options", "kind", "text"),
        [
            ({"token": "a", "auth": "b"}, ValueError, r"^give token=… or auth=…, not both$"),
            ({"timeout": 0}, ValueError, r"^timeout must be above 0 seconds, not 0; None means no limit$"),
            ({"token": "a\n"}, ValueError, r"^the token has white space"),
            ({"extra_headers": {"Host": "x"}}, ValueError, "Host is set by the client itself"),
            ({"retry": True}, TypeError, "retry must be a RetryPolicy"),
            ({"hooks": print}, TypeError, "put the one into brackets"),
        ],
    )
    def test_with_options_refuses_what_a_constructor_refuses(
        self, livekit: Livekit, options: Any, kind: type[Exception], text: str
    ) -> None:
        with pytest.raises(kind, match=text):
            livekit().with_options(**options)


@pytest.fixture
def _fresh_hosts() -> Any:
    _warned.clear()
    yield
    _warned.clear()


@pytest.mark.usefixtures("_fresh_hosts")
class TestPlainHttp:
    """Rule E4."""

    def made(self, url: str, **options: Any) -> list[warnings.WarningMessage]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            LiveKitAPI(url, transport=Script(OK), **options)
        return caught

    @pytest.mark.parametrize(
        "url",
        ["http://livekit:7880", "ws://10.0.0.5", "http://livekit.example.com/base", "http://[2001:db8::1]:80"],
    )
    @pytest.mark.parametrize("options", [{"token": "x"}, {"auth": "x"}, {"api_key": "k", "api_secret": SECRET}])
    def test_plain_http_with_credentials_warns_at_the_line_that_makes_the_client(self, url: str, options: Any) -> None:
        (warning,) = self.made(url, **options)

        host = url.partition("://")[2].partition("/")[0]
        assert warning.category is InsecureTransportWarning
        assert warning.filename == __file__
        assert str(warning.message).startswith(f"credentials go over http:// to {host},")

    @pytest.mark.parametrize(
        "url", ["https://h", "wss://h", "http://localhost:7880", "http://127.0.0.1", "http://[::1]"]
    )
    def test_plain_http_to_this_machine_or_over_tls_does_not(self, url: str) -> None:
        assert self.made(url, token="x") == []

    def test_plain_http_logs_a_line_a_host(self, caplog: pytest.LogCaptureFixture) -> None:
        for url in ("http://a", "http://b", "http://a", "http://a/base"):
            self.made(url, token="x")

        records = [record for record in caplog.records if record.name == "twirpkit"]
        assert [(record.levelno, record.getMessage().split(",")[0]) for record in records] == [
            (logging.WARNING, "credentials go over http:// to a"),
            (logging.WARNING, "credentials go over http:// to b"),
        ]

    def test_plain_http_of_a_service_with_a_host_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LK_AGENTS_URL", "http://agents.example.com")
        client = LiveKitAPI("https://h", token="x", transport=Script(OK))
        with pytest.warns(InsecureTransportWarning, match=r"agents\.example\.com"):
            client.cloud_agent  # noqa: B018  # making it is what warns


class TestRegionsArgument:
    def test_regions_argument_default_none_and_own(self) -> None:
        cloud = "https://p.livekit.cloud"
        made = [
            LiveKitAPI(url, token="x", transport=Script(OK), **options)._config.failover is not None
            for url, options in (
                (cloud, {}),
                (cloud, {"regions": None}),
                ("https://p.example.com", {}),
                ("https://p.example.com", {"regions": Regions(suffixes=(".example.com",))}),
            )
        ]

        assert made == [True, False, False, True]

    def test_regions_argument_hosted_agents_have_none(self) -> None:
        client = LiveKitAPI("https://p.livekit.cloud", token="x", transport=Script(OK))

        assert client.cloud_agent._client._config.failover is None
