"""Copies of a client with other options, and what a client's set-up warns of (rule E4)."""

from __future__ import annotations

import logging
import platform
import warnings
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from scripted_transport import OK, Opened, Script

from livekit_twirp import AsyncLiveKitAPI, AsyncRoomService, LiveKitAPI, RoomService
from livekit_twirp._methods.room import LIST_ROOMS
from twirpkit import HttpRequest, InsecureTransportWarning, RetryPolicy, __version__
from twirpkit._config.credentials import _warned
from twirpkit._engine.client_config import ClientConfig
from twirpkit.livekit.regions import Regions

Livekit = Callable[..., Opened]
SECRET = "a secret that is long enough for HS256"


def issuer(request: HttpRequest) -> Any:
    """The key that signed the token of a request."""
    text = request.headers["Authorization"].removeprefix("Bearer ")
    return jwt.decode(text, options={"verify_signature": False})["iss"]


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
            (
                {"token": "a", "auth": "b"},
                ValueError,
                r"^give one of api_key=… with api_secret=…, token=… or auth=…, not several$",
            ),
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


class TestAnotherProject:
    """`with_options` with another key, or another server, over the same connections."""

    def test_another_key_signs_the_tokens(self, livekit: Livekit) -> None:
        opened = livekit(OK, api_key="key-1", api_secret=SECRET)
        opened.with_options(api_key="key-2", api_secret=f"{SECRET}, another").room()
        opened.room()

        assert [issuer(request) for request in opened.requests] == ["key-2", "key-1"]

    def test_a_key_replaces_a_token_and_a_token_a_key(self, livekit: Livekit) -> None:
        opened = livekit(OK, token="theirs")
        keyed = opened.with_options(api_key="key-2", api_secret=SECRET)
        keyed.room()
        keyed.with_options(token="another").room()

        assert issuer(opened.requests[0]) == "key-2"
        assert opened.requests[1].headers["Authorization"] == "Bearer another"

    @pytest.mark.parametrize("url", ["https://other.example.com", "wss://other.example.com/"])
    def test_another_url(self, livekit: Livekit, url: str) -> None:
        opened = livekit(OK)
        copy = opened.with_options(url=url)
        copy.room()
        opened.room()

        assert [request.url for request in opened.requests] == [
            "https://other.example.com/twirp/livekit.RoomService/ListRooms",
            "https://livekit.example.com/twirp/livekit.RoomService/ListRooms",
        ]

    def test_another_url_of_a_service(self, livekit: Livekit) -> None:
        opened = livekit(OK)
        opened.wait(opened.client.room.with_options(url="https://other.example.com").list_rooms())

        assert opened.requests[0].url.startswith("https://other.example.com/twirp/")

    @pytest.mark.parametrize("before", ["https://livekit.example.com", "https://one.livekit.cloud"])
    @pytest.mark.parametrize("of_the_service", [False, True])
    def test_a_service_with_its_own_host_follows(self, livekit: Livekit, before: str, of_the_service: bool) -> None:
        opened = livekit(OK, url=before)
        if of_the_service:
            service = opened.client.cloud_agent.with_options(url="https://two.livekit.cloud")
        else:
            service = opened.client.with_options(url="https://two.livekit.cloud").cloud_agent
        opened.wait(service.list_agents())

        assert opened.requests[0].url == "https://agents.livekit.cloud/twirp/livekit.CloudAgent/ListAgents"

    def test_another_url_has_regions_of_its_own(self, livekit: Livekit) -> None:
        opened = livekit(OK, url="https://one.livekit.cloud")
        cloud = opened.with_options(url="https://two.livekit.cloud").client._config
        own = opened.with_options(url="https://own.example.com").client._config
        without = livekit(OK, url="https://one.livekit.cloud", regions=None)

        assert cloud.failover not in (None, opened.client._config.failover)
        assert own.failover is None
        assert without.with_options(url="https://two.livekit.cloud").client._config.failover is None

    def test_another_url_is_warned_of_like_the_first(self, livekit: Livekit) -> None:
        with pytest.warns(InsecureTransportWarning, match="to other.example.com"):
            livekit(OK).with_options(url="http://other.example.com")

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"api_key": "key-2"}, r"^no API secret: pass api_key=… with api_secret=…"),
            ({"api_secret": SECRET}, r"^no API key: pass "),
            ({"api_key": "key-2", "api_secret": SECRET, "token": "x"}, r"^give one of .*, not several$"),
            ({"api_key": SECRET, "api_secret": "APIabcdefghijkl"}, "swapped"),
            ({"url": "https://h/twirp"}, "leave it out"),
            ({"url": "https://user:canary@h"}, "the URL may hold no user name"),
        ],
    )
    def test_refuses_what_a_constructor_refuses(self, livekit: Livekit, options: Any, text: str) -> None:
        with pytest.raises(ValueError, match=text) as caught:
            livekit().with_options(**options)
        assert "canary" not in str(caught.value)

    def test_a_client_of_no_package(self, bare: Callable[..., Opened]) -> None:
        opened = bare(ClientConfig("https://h/prefix", "tests/1"))
        opened.with_options(url="https://other").call(LIST_ROOMS)
        with pytest.raises(ValueError, match=r"^this service knows no API keys: pass token=… or auth=…$"):
            opened.with_options(api_key="key-2", api_secret=SECRET)

        assert opened.requests[0].url == "https://other/livekit.RoomService/ListRooms"


class TestUserAgent:
    def test_names_the_software_and_the_application(self, livekit: Livekit) -> None:
        opened = livekit(OK, user_agent_extra="shop/2.1")
        opened.room()
        opened.with_options(user_agent_extra="other/3 (test)").room()

        ours = f"twirpkit/{__version__} (livekit_twirp; Python {platform.python_version()}; "
        ours += f"{type(opened.script).__name__})"
        agents = [request.headers["User-Agent"] for request in opened.requests]
        assert agents == [f"{ours} shop/2.1", f"{ours} other/3 (test)"]

    @pytest.mark.parametrize("extra", ["", "a\nb: c", " a"])
    def test_refuses_what_no_header_can_carry(self, livekit: Livekit, extra: str) -> None:
        with pytest.raises(ValueError, match=r"^user_agent_extra "):
            livekit(OK, user_agent_extra=extra)


class TestRepr:
    def test_names_host_and_transport(self, livekit: Livekit) -> None:
        opened = livekit(OK, url="https://livekit.example.com:8443/secret-path", token="canary")
        transport, prefix = type(opened.script).__name__, "Async" if "Async" in type(opened.client).__name__ else ""

        assert repr(opened.client) == f"<{prefix}LiveKitAPI https://livekit.example.com:8443 over {transport}>"
        assert repr(opened.client.room) == f"<{prefix}RoomService https://livekit.example.com:8443 over {transport}>"
        opened.close()
        assert repr(opened.client).endswith(f"over {transport}, closed>")

    @pytest.mark.parametrize("cls", [LiveKitAPI, AsyncLiveKitAPI, RoomService, AsyncRoomService])
    def test_of_an_object_that_was_never_made(self, cls: Any) -> None:
        assert repr(cls.__new__(cls)) == f"<{cls.__name__}>"


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

    @pytest.mark.parametrize("wrong", ["eu", {"suffixes": ()}, False, Regions])
    def test_regions_argument_of_a_wrong_type(self, livekit: Livekit, wrong: Any) -> None:
        with pytest.raises(TypeError, match=r"^regions must be Regions, or None for none, not (str|dict|bool|type)$"):
            livekit(regions=wrong)

    def test_regions_argument_hosted_agents_have_none(self) -> None:
        client = LiveKitAPI("https://p.livekit.cloud", token="x", transport=Script(OK))

        assert client.cloud_agent._client._config.failover is None
