"""Which headers a caller may give, and which values can be one (rules A2, E3)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from twirpkit._protocol.headers import Headers, check_headers, check_value
from twirpkit._secret import Secret

OWN = (
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Host",
    "Transfer-Encoding",
    "User-Agent",
    "X-Twirp-Timeout-Ms",
)
VALUES = ("a", "a b", "a\tb", "ü", "\xff", "!", "x" * 100_000, 'a,b;c="d"')
BAD_VALUES = {
    " a": "has white space around it: often a line end that was read from a file; strip it",
    "a ": "has white space around it",
    "a\n": "has white space around it",
    "a\r\n": "has white space around it",
    "\ta": "has white space around it",
    "a\xa0": "has white space around it",
    "\u2003a": "has white space around it",
    " ": "has white space around it",
    "a\nb": "holds a CR, LF or NUL character",
    "a\rb": "holds a CR, LF or NUL character",
    "a\0b": "holds a CR, LF or NUL character",
    "\0": "holds a CR, LF or NUL character",
    "a\r\nX-Injected: b": "holds a CR, LF or NUL character",
    "\u0100": "holds a character that no HTTP header can carry (outside latin-1)",
    "a€b": "holds a character that no HTTP header can carry (outside latin-1)",
    "\ud800": "holds a character that no HTTP header can carry (outside latin-1)",
    "😀": "holds a character that no HTTP header can carry (outside latin-1)",
}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value[:9]))
def test_good_values_are_unchanged(value: str) -> None:
    assert check_value("it", value) is value
    assert check_headers({"X-A": value}) == {"X-A": value}


@pytest.mark.parametrize(("value", "problem"), BAD_VALUES.items(), ids=map(ascii, BAD_VALUES))
def test_bad_values_are_refused_unseen(value: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r"^the key ") as caught:
        check_value("the key", f"{value[:1]}canary{value[1:]}" if len(value) > 1 else value)
    assert str(caught.value).startswith(f"the key {problem}")
    assert "canary" not in str(caught.value)

    with pytest.raises(ValueError, match=r"^extra_headers: the value of X-A ") as caught:
        check_headers({"X-A": value})
    assert str(caught.value).startswith(f"extra_headers: the value of X-A {problem}")


def test_an_empty_value_is_good_in_a_header_and_nowhere_else() -> None:
    assert check_headers({"X-A": ""}) == {"X-A": ""}
    with pytest.raises(ValueError, match=r"^the token is empty$"):
        check_value("the token", "")


@pytest.mark.parametrize("value", [None, b"canary", 7, True, ["canary"]])
def test_values_that_are_no_text(value: Any) -> None:
    kind = type(value).__name__
    with pytest.raises(TypeError, match=rf"^the token must be a str, not {kind}$"):
        check_value("the token", value)
    with pytest.raises(TypeError, match=rf"^extra_headers: the value of X-A must be a str, not {kind}$"):
        check_headers({"X-A": value})


@pytest.mark.parametrize("name", [spelled for name in OWN for spelled in (name, name.lower(), name.upper())])
def test_names_of_the_client_itself(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^extra_headers: {name} is set by the client itself and cannot be given$"):
        check_headers({"X-A": "a", name: "b"})


@pytest.mark.parametrize(
    "name", ["X-Livekit-Request-Id", "x-livekit-request-id", "Accept-Language", "Cookie", "X", "a!#$%&'*+-.^_`|~9Z"]
)
def test_other_names(name: str) -> None:
    assert check_headers({name: "a"}) == {name: "a"}


@pytest.mark.parametrize(
    "name", ["", " ", "X A", "X:", "X-A ", "X\n", "X\0", "Ü", "X/A", "X(A)", "X=A", 'X"', "X,Y", "[X]"]
)
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValueError, match=r"^extra_headers: .* is not a header name$") as caught:
        check_headers({name: "a"})
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", [None, b"X-A", 7])
def test_names_that_are_no_text(name: Any) -> None:
    with pytest.raises(TypeError, match=rf"^extra_headers: a header name must be a str, not {type(name).__name__}$"):
        check_headers({name: "a"})


def test_one_name_twice_in_two_cases() -> None:
    with pytest.raises(ValueError, match=r"^extra_headers: x-a is given twice$"):
        check_headers({"X-A": "a", "X-B": "b", "x-a": "a"})


@pytest.mark.parametrize("headers", [[("X-A", "a")], "X-A: a", ("X-A",), 7, [], ""])
def test_what_is_no_mapping(headers: Any) -> None:
    with pytest.raises(TypeError, match=rf"^extra_headers must be a mapping, not {type(headers).__name__}$"):
        check_headers(headers)


def test_none_is_no_headers() -> None:
    assert check_headers(None) == {}


@pytest.mark.parametrize("headers", [{"X-A": "a", "X-B": "b"}, MappingProxyType({"X-A": "a", "X-B": "b"})])
def test_a_copy_is_returned(headers: Any) -> None:
    checked = check_headers(headers)

    assert checked == {"X-A": "a", "X-B": "b"}
    assert list(checked) == ["X-A", "X-B"]
    assert checked is not headers


def test_a_secret_does_not_show() -> None:
    secret = Secret("canary")

    assert secret.reveal() == "canary"
    assert (repr(secret), str(secret), f"{secret}") == ("Secret('***')",) * 3
    assert "canary" not in repr([secret])
    with pytest.raises(TypeError):
        vars(secret)


def test_headers_show_all_but_the_authorization() -> None:
    headers = Headers({"authorization": "canary", "X-A": "a"})

    assert repr(headers) == "{'authorization': '***', 'X-A': 'a'}"
    assert dict(headers) == {"authorization": "canary", "X-A": "a"}
