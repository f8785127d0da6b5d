"""Where a client takes its URL and credentials from, over both facades."""

from __future__ import annotations

import re
import traceback
from typing import Any

import jwt
import pytest
from scripted_transport import AsyncScript, Opened, Script, every_text, failure_of

from livekit_twirp import AsyncLiveKitAPI, LiveKitAPI
from twirpkit import HttpResponse
from twirpkit._config.package_info import PackageInfo
from twirpkit._config.resolve import client_config

KEY, SECRET = "key-1", "secret-that-is-long-enough-for-hs256"
ENVIRONMENT = {
    "LIVEKIT_URL": "wss://environment.example",
    "LIVEKIT_TOKEN": "environment-token",
    "LIVEKIT_API_KEY": "environment-key",
    "LIVEKIT_API_SECRET": "environment-secret-that-is-long-enough",
}
WAYS = "api_key=… with api_secret=…, token=… or auth=…"
SET = ", or set LIVEKIT_API_KEY and LIVEKIT_API_SECRET"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets variables, by the ends of their names."""

    def put(*names: str, **values: str) -> None:
        for name in names:
            monkeypatch.setenv(f"LIVEKIT_{name}", ENVIRONMENT[f"LIVEKIT_{name}"])
        for name, value in values.items():
            monkeypatch.setenv(f"LIVEKIT_{name}", value)

    return put


def make(kind: str, *args: Any, **options: Any) -> Opened:
    if kind == "sync":
        script = Script()
        return Opened(LiveKitAPI(*args, transport=script, **options), script)
    async_script = AsyncScript()
    return Opened(AsyncLiveKitAPI(*args, transport=async_script, **options), async_script)


def sent(kind: str, *args: Any, **options: Any) -> tuple[str, str]:
    """The host that a call goes to, and its Authorization; a signed token is shown by its issuer."""
    opened = make(kind, *args, **options)
    opened.room()
    opened.end()
    (request,) = opened.requests
    authorization = request.headers["Authorization"]
    if authorization.count(".") == 2:
        claims = jwt.decode(authorization.removeprefix("Bearer "), options={"verify_signature": False})
        authorization = f"signed by {claims['iss']}"
    return request.url.removesuffix("/twirp/livekit.RoomService/ListRooms"), authorization


URL = "https://given.example"


@pytest.mark.parametrize(
    ("variables", "options", "authorization"),
    [
        # nothing passed: the environment, where a token wins
        (["TOKEN"], {}, "Bearer environment-token"),
        (["API_KEY", "API_SECRET"], {}, "signed by environment-key"),
        (["TOKEN", "API_KEY", "API_SECRET"], {}, "Bearer environment-token"),
        (["TOKEN", "API_KEY"], {}, "Bearer environment-token"),
        # anything passed: none of the environment
        (["TOKEN", "API_KEY", "API_SECRET"], {"api_key": KEY, "api_secret": SECRET}, f"signed by {KEY}"),
        (["TOKEN", "API_KEY", "API_SECRET"], {"token": "mine"}, "Bearer mine"),
        (["TOKEN", "API_KEY", "API_SECRET"], {"auth": "Token mine"}, "Token mine"),
        (["TOKEN", "API_KEY", "API_SECRET"], {"auth": lambda method, message: "Made"}, "Made"),
        ([], {"token": "mine"}, "Bearer mine"),
        ([], {"token": "with inner space"}, "Bearer with inner space"),
        ([], {"auth": "mine"}, "mine"),
        ([], {"api_key": KEY, "api_secret": SECRET}, f"signed by {KEY}"),
    ],
)
def test_which_credentials_are_taken(
    kind: str, environment: Any, variables: list[str], options: Any, authorization: str
) -> None:
    environment(*variables)

    assert sent(kind, URL, **options) == (URL, authorization)


@pytest.mark.parametrize("empty", ["TOKEN", "API_KEY", "API_SECRET"])
def test_an_empty_variable_counts_as_none(kind: str, environment: Any, empty: str) -> None:
    environment(*{"TOKEN", "API_KEY", "API_SECRET"} - {empty}, **{empty: ""})

    expected = "signed by environment-key" if empty == "TOKEN" else "Bearer environment-token"
    assert sent(kind, URL) == (URL, expected)


def test_key_and_secret_may_be_positional(kind: str) -> None:
    assert sent(kind, URL, KEY, SECRET) == (URL, f"signed by {KEY}")


def test_the_url_of_the_environment(kind: str, environment: Any) -> None:
    environment("URL", "API_KEY", "API_SECRET")

    assert sent(kind) == ("https://environment.example", "signed by environment-key")
    assert sent(kind, token="mine") == ("https://environment.example", "Bearer mine")
    assert sent(kind, "given.example") == ("https://given.example", "signed by environment-key")


@pytest.mark.parametrize(
    ("variables", "options", "problem"),
    [
        ([], {}, f"no credentials: pass {WAYS}{SET}"),
        (["API_KEY"], {}, f"no API secret: pass {WAYS}{SET}"),
        (["API_SECRET"], {}, f"no API key: pass {WAYS}{SET}"),
        ([], {"api_key": KEY}, f"no API secret: pass {WAYS}{SET}"),
        ([], {"api_secret": SECRET}, f"no API key: pass {WAYS}{SET}"),
        (["TOKEN", "API_KEY", "API_SECRET"], {"api_key": KEY}, f"no API secret: pass {WAYS}{SET}"),
        (["TOKEN", "API_KEY", "API_SECRET"], {"api_secret": SECRET}, f"no API key: pass {WAYS}{SET}"),
        (["TOKEN", "API_KEY", "API_SECRET"], {"api_key": "", "api_secret": SECRET}, "the API key is empty"),
        (["TOKEN", "API_KEY", "API_SECRET"], {"api_key": KEY, "api_secret": ""}, "the API secret is empty"),
        (["TOKEN", "API_KEY", "API_SECRET"], {"token": ""}, "the token is empty"),
        (["TOKEN", "API_KEY", "API_SECRET"], {"auth": ""}, "auth is empty"),
        ([], {"token": "a", "auth": "b"}, f"give one of {WAYS}, not several"),
        ([], {"token": "a", "api_key": KEY}, f"give one of {WAYS}, not several"),
        ([], {"token": "a", "api_secret": SECRET}, f"give one of {WAYS}, not several"),
        ([], {"auth": "a", "api_key": KEY, "api_secret": SECRET}, f"give one of {WAYS}, not several"),
        ([], {"auth": "a", "token": "", "api_key": ""}, f"give one of {WAYS}, not several"),
    ],
)
def test_what_is_missing_or_too_much(
    kind: str, environment: Any, variables: list[str], options: Any, problem: str
) -> None:
    environment(*variables)

    with pytest.raises(ValueError, match=r".") as caught:
        make(kind, URL, **options)

    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((f"{URL}/rtc",), "the URL ends with /rtc, which is for clients of rooms: leave it out"),
        ((f"{URL}/twirp",), f"the URL {URL + '/twirp'!r} ends with /twirp, which the client adds itself: leave it out"),
        ((f"{URL}/rtc/v1",), "the URL ends with /rtc/v1, which is for clients of rooms: leave it out"),
        ((f"{URL}/rtc/validate/",), "the URL ends with /rtc/validate, which is for clients of rooms: leave it out"),
        (
            (f"{URL}/base/twirp/livekit.RoomService/ListRooms",),
            f"the URL {URL + '/base/twirp/livekit.RoomService/ListRooms'!r} ends with "
            "/twirp/livekit.RoomService/ListRooms, which the client adds itself: leave it out",
        ),
        ((KEY, SECRET, URL), "an API key or secret is a URL: the order of the arguments is url, api_key, api_secret"),
    ],
)
def test_what_cannot_be_meant_is_told_when_a_client_is_made(
    kind: str, arguments: tuple[str, ...], problem: str
) -> None:
    options = {} if KEY in arguments else {"token": "any"}
    with pytest.raises(ValueError, match=r".") as caught:
        make(kind, *arguments, **options)

    assert str(caught.value) == problem


@pytest.mark.parametrize("name", ["api_key", "api_secret", "token", "auth"])
@pytest.mark.parametrize("bad", [" canary", "canary\n", "can\rary", "can\0ary", "canary€", 7, b"canary"])
def test_values_that_cannot_be_sent_are_refused_unseen(kind: str, name: str, bad: Any) -> None:
    options = {"api_key": KEY, "api_secret": SECRET} if name.startswith("api") else {}
    what = {"api_key": "the API key", "api_secret": "the API secret", "token": "the token", "auth": "auth"}[name]

    with pytest.raises(ValueError if isinstance(bad, str) else TypeError, match=rf"^{what} ") as caught:
        make(kind, URL, **{**options, name: bad})

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("quoted", ['"canary"', "'canary'"])
@pytest.mark.parametrize("name", ["api_key", "api_secret", "token"])
def test_quotes_of_an_env_file_are_refused(kind: str, environment: Any, name: str, quoted: str) -> None:
    options = {"api_key": KEY, "api_secret": SECRET} if name.startswith("api") else {}
    with pytest.raises(ValueError, match=r"has quotes around it: often from a file for `docker --env-file`") as caught:
        make(kind, URL, **{**options, name: quoted})
    assert "canary" not in str(caught.value)

    environment(**{"API_KEY": KEY, "API_SECRET": SECRET, name.upper(): quoted})
    with pytest.raises(ValueError, match=r"has quotes around it"):
        make(kind, URL)


def test_a_swapped_pair_is_asked_about_and_shown_nowhere(kind: str) -> None:
    with pytest.raises(ValueError, match=r"^the API secret looks like an API key, and the key does not: ") as caught:
        make(kind, URL, api_key="canary-secret-of-more-than-32-characters", api_secret="APIcanary12345")
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)][2:]
    assert frames
    assert "canary" not in "\n".join([str(caught.value), *(repr(frame.f_locals) for frame in frames)])


@pytest.mark.parametrize("name", ["TOKEN", "API_KEY", "API_SECRET"])
def test_values_of_the_environment_are_checked_too(kind: str, environment: Any, name: str) -> None:
    environment(**{"API_KEY": KEY, "API_SECRET": SECRET, name: "canary\n"})

    with pytest.raises(ValueError, match="has white space around it") as caught:
        make(kind, URL)

    assert "canary" not in str(caught.value)


def test_no_url(kind: str, environment: Any) -> None:
    for variables in ({}, {"URL": ""}):
        environment(**variables)
        with pytest.raises(ValueError, match=r"^no URL: pass url=…, or set LIVEKIT_URL$"):
            make(kind, token="mine")


def test_an_empty_url_is_not_taken_from_the_environment(kind: str, environment: Any) -> None:
    environment("URL")

    with pytest.raises(ValueError, match=r"^the URL is empty"):
        make(kind, "", token="mine")


def test_bad_extra_headers_are_refused_at_once(kind: str) -> None:
    with pytest.raises(ValueError, match=r"^extra_headers: Host is set by the client itself"):
        make(kind, URL, token="mine", extra_headers={"Host": "evil.example"})


BARE = PackageInfo(name="hats_twirp", facade="Hats", services={}, prefix="")


def bare_config(sdk: PackageInfo = BARE, **options: Any) -> Any:
    defaults = {"url": URL, "token": None, "auth": None, "timeout": None, "retry": False, "extra_headers": None}
    defaults["hooks"] = ()
    return client_config(sdk, **{**defaults, **options})


class TestSdkWithoutKeys:
    """A generated package whose manifest has no signer, no environment and no request id."""

    def test_sdk_without_keys_needs_no_credentials(self) -> None:
        made = bare_config()

        assert (made.base_url, made.authorize, made.request_id_header, made.timeout) == (URL, None, None, None)
        assert re.search(r" \(hats_twirp; Python 3\.\d+\.\d+\)$", made.user_agent)
        assert made.headers == {}

    def test_sdk_without_keys_takes_a_token(self) -> None:
        assert bare_config(token="mine").authorize.reveal() == "Bearer mine"

    def test_sdk_without_keys_offers_no_keys_and_no_variables(self) -> None:
        with pytest.raises(ValueError, match=r"^give one of token=… or auth=…, not several$"):
            bare_config(token="a", auth="b")
        with pytest.raises(ValueError, match=r"^no URL: pass url=…$"):
            bare_config(url=None)

    def test_sdk_without_keys_reads_no_variables(self, environment: Any) -> None:
        environment("URL", "TOKEN", "API_KEY", "API_SECRET")

        assert bare_config().authorize is None

    def test_sdk_without_keys_may_have_variables_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HATS_TOKEN", "from-the-environment")
        sdk = PackageInfo(name="hats_twirp", facade="Hats", services={}, prefix="/a/b", env={"token": "HATS_TOKEN"})

        made = bare_config(sdk)

        assert made.base_url == f"{URL}/a/b"
        assert made.authorize.reveal() == "Bearer from-the-environment"

    def test_sdk_without_keys_a_missing_secret_names_no_variables_where_there_are_none(self) -> None:
        sdk = PackageInfo(name="h", facade="H", services={}, signer="twirpkit.livekit.server_tokens:ServerTokens")

        with pytest.raises(ValueError, match=r"^no API secret: pass api_key=… with api_secret=…, token=… or auth=…$"):
            bare_config(sdk, api_key=KEY)


@pytest.mark.parametrize(("status", "code"), [(401, "unauthenticated"), (403, "permission_denied")])
def test_a_refused_token_of_the_environment_is_named_by_its_variable(
    kind: str, environment: Any, status: int, code: str
) -> None:
    """Rule E4."""
    refused = HttpResponse(status, {}, f'{{"code": "{code}", "msg": "no"}}'.encode())
    environment("TOKEN", "API_KEY", "API_SECRET")
    opened = make(kind, URL, retry=False)
    opened.script._outcomes = [refused]
    error = failure_of(opened.room)
    opened.end()

    assert error.message == "no (the token came from the environment variable LIVEKIT_TOKEN)"
    assert "environment-token" not in "".join(every_text(error))


@pytest.mark.parametrize(
    "options", [{"token": "mine"}, {"auth": "Bearer mine"}, {"api_key": KEY, "api_secret": SECRET}]
)
def test_credentials_that_were_passed_are_not_named(kind: str, environment: Any, options: Any) -> None:
    environment("TOKEN")
    opened = make(kind, URL, retry=False, **options)
    opened.script._outcomes = [HttpResponse(401, {}, b'{"code": "unauthenticated", "msg": "no"}')]
    errors = [failure_of(each.room) for each in (opened, opened.with_options(timeout=3))]
    opened.end()

    assert [error.message for error in errors] == ["no", "no"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": KEY, "api_secret": b"canary"},
        {"token": b"canary"},
        {"auth": ["canary"]},
        {"auth": "x", "extra_headers": {1: "canary"}},
        {"auth": "x", "extra_headers": {"X-A": b"canary"}},
        {"auth": "x", "extra_headers": [("X-A", "canary")]},
        {"auth": "x", "url": "https://user:canary@h"},
        {"auth": "x", "url": "https://h?access_token=canary"},
        {"auth": "x", "proxy": bytearray(b"canary")},
    ],
)
def test_a_refused_argument_is_in_no_frame(kind: str, arguments: Any) -> None:
    client = {"sync": LiveKitAPI, "async": AsyncLiveKitAPI}[kind]

    with pytest.raises((TypeError, ValueError)) as caught:
        client(**{"url": URL, **arguments})

    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)][1:]
    assert len(frames) > 1
    assert "canary" not in "\n".join([str(caught.value), *(repr(frame.f_locals) for frame in frames)])
