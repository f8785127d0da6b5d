"""What users write as a URL, and what becomes of it (rule A1)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from twirpkit._protocol.url import is_loopback, normalize_url

GOOD = {
    "https://h.example": "https://h.example",
    "http://h.example": "http://h.example",
    "wss://h.example": "https://h.example",
    "ws://h.example": "http://h.example",
    "WSS://H.Example": "https://h.example",
    "HTTP://H.EXAMPLE:80": "http://h.example:80",
    "Ws://h": "http://h",
    # a bare host
    "h.example": "https://h.example",
    "H.Example": "https://h.example",
    "h.example:7880": "https://h.example:7880",
    "my_service": "https://my_service",
    "http": "https://http",
    "http:7880": "https://http:7880",
    "ws:7880/base": "https://ws:7880/base",
    "http/base": "https://http/base",
    "10.0.0.1": "https://10.0.0.1",
    "0.0.0.0:7880": "https://0.0.0.0:7880",
    "localhost": "http://localhost",
    "LOCALHOST:7880": "http://localhost:7880",
    "localhost.": "http://localhost.",
    "dev.localhost:1": "http://dev.localhost:1",
    "notlocalhost": "https://notlocalhost",
    "localhost.example.com": "https://localhost.example.com",
    "127.0.0.1": "http://127.0.0.1",
    "127.9.9.9:7880": "http://127.9.9.9:7880",
    "[::1]": "http://[::1]",
    "[::1]:7880": "http://[::1]:7880",
    "[2001:db8::1]": "https://[2001:db8::1]",
    # an explicit scheme wins over what a bare host would get
    "https://localhost:7880": "https://localhost:7880",
    "wss://127.0.0.1": "https://127.0.0.1",
    "http://[2001:DB8::A]:8080/x": "http://[2001:db8::a]:8080/x",
    "https://[::1]": "https://[::1]",
    "ws://[::ffff:10.0.0.1]": "http://[::ffff:10.0.0.1]",
    # ports
    "https://h:1": "https://h:1",
    "https://h:443": "https://h:443",
    "https://h:65535/": "https://h:65535",
    "https://h:0080": "https://h:80",
    # paths
    "https://h/": "https://h",
    "https://h//": "https://h",
    "https://h/base": "https://h/base",
    "https://h/base/": "https://h/base",
    "https://h/a/b///": "https://h/a/b",
    "https://h//a": "https://h//a",
    "https://h/Base/Path": "https://h/Base/Path",
    "h.example/base": "https://h.example/base",
    "localhost/base": "http://localhost/base",
    "https://h/a/../b/./c": "https://h/a/../b/./c",
    "https://h/a%2Fb%20c": "https://h/a%2Fb%20c",
    "https://h/%zz": "https://h/%zz",
    "https://h/é": "https://h/%C3%A9",
    "https://h/a;b=c,d!e'(f)*+g&h:i~j-k_l.m$": "https://h/a;b=c,d!e'(f)*+g&h:i~j-k_l.m$",
    'https://h/a"b<c>{d}': "https://h/a%22b%3Cc%3E%7Bd%7D",
    "https://h/a[1]": "https://h/a%5B1%5D",
    "https://h/a:b": "https://h/a:b",
    # international names
    "https://münchen.example": "https://xn--mnchen-3ya.example",
    "wss://MÜNCHEN.example:7880/a": "https://xn--mnchen-3ya.example:7880/a",
    "https://münchen.example/[x]": "https://xn--mnchen-3ya.example/%5Bx%5D",
    "https://xn--mnchen-3ya.example": "https://xn--mnchen-3ya.example",
    "https://例え.example": "https://xn--r8jz45g.example",
}

BAD_PLACE = "has a bad host or port: a port is a number from 1 to 65535"
SPACE = "holds white space, a control character or a backslash"
TEMPLATE = "is a template: put the real value in place of its variable or placeholder"
NO_SEPARATOR = "has no '://' after 'https'"
EXTRA = "may have no query and no fragment: give the base URL of the service"
BAD = {
    "": "the URL is empty: give something like 'https://api.example.com'",
    # user names and passwords
    "https://user:canary@h": "the URL may hold no user name, password or '@': give credentials as arguments",
    "user@h": "the URL may hold no user name, password or '@'",
    "https://h/a@b": "the URL may hold no user name, password or '@'",
    "ftp://user:canary@h?x#y z": "the URL may hold no user name, password or '@'",
    # white space and controls
    " https://h": SPACE,
    "https://h ": SPACE,
    "https://h\n": SPACE,
    "https://h/a b": SPACE,
    "https://h\t": SPACE,
    "https://h\r\nX: y": SPACE,
    "https://h\0": SPACE,
    "https://h\x1f": SPACE,
    "https://h\x7f": SPACE,
    "https://h\x85": SPACE,
    "https://exam\xa0ple.example": SPACE,
    "https://h/a\u2028b": SPACE,
    "https://h\\evil.example": SPACE,
    "https:\\\\h": SPACE,
    # query and fragment
    "https://h?a=b": EXTRA,
    "https://h/?": EXTRA,
    "https://h/a#b": EXTRA,
    "https://h#": EXTRA,
    # schemes
    "ftp://h": "has the scheme 'ftp': use https, http, wss or ws",
    "httpss://h": "has the scheme 'httpss': use https, http, wss or ws",
    "file:///etc/passwd": "has the scheme 'file': use https, http, wss or ws",
    "://h": "has the scheme '': use https, http, wss or ws",
    "http://https://h": BAD_PLACE,
    # ports
    "https://h:0": BAD_PLACE,
    "https://h:00": BAD_PLACE,
    "https://h:65536": BAD_PLACE,
    "https://h:99999": BAD_PLACE,
    "https://h:999999": BAD_PLACE,
    "https://h:abc": BAD_PLACE,
    "https://h:-1": BAD_PLACE,
    "https://h:+80": BAD_PLACE,
    "https://h:8_0": BAD_PLACE,
    "https://h:\u0663": BAD_PLACE,
    "https://h:": BAD_PLACE,
    "https://h:/x": BAD_PLACE,
    "h:": BAD_PLACE,
    "localhost:7880:1": BAD_PLACE,
    "https:/h": NO_SEPARATOR,
    "https:h": NO_SEPARATOR,
    "https:": NO_SEPARATOR,
    "https//h": NO_SEPARATOR,
    "https:h:7880": NO_SEPARATOR,
    "ws:h": "has no '://' after 'ws'",
    "WSS:/h": "has no '://' after 'WSS'",
    # hosts
    "https://": "has no host",
    "https:///path": "has no host",
    "https://:80": "has no host",
    "/path": "has no host",
    "//h": "has no host",
    "https://a..b": BAD_PLACE,
    "https://.b": BAD_PLACE,
    "https://" + "a" * 64 + ".example": BAD_PLACE,
    "https://a%20b": BAD_PLACE,
    "https://a|b": BAD_PLACE,
    "https://a<b>": TEMPLATE,
    "${LIVEKIT_URL}": TEMPLATE,
    "wss://<project>.livekit.cloud": TEMPLATE,
    "{{ url }}": SPACE,
    "{{url}}": TEMPLATE,
    "$LIVEKIT_URL": TEMPLATE,
    "$livekit_url/base": TEMPLATE,
    "wss://$PROJECT.livekit.cloud": TEMPLATE,
    "%LIVEKIT_URL%": TEMPLATE,
    "https://h/${BASE}": TEMPLATE,
    "https://a,b": BAD_PLACE,
    "https://a\uff0fb": BAD_PLACE,
    # IPv6
    "::1": BAD_PLACE,
    "https://2001:db8::1": BAD_PLACE,
    "[::1": BAD_PLACE,
    "::1]": BAD_PLACE,
    "[]": BAD_PLACE,
    "[::1]x": BAD_PLACE,
    "x[::1]": BAD_PLACE,
    "[::1]:": BAD_PLACE,
    "[::1]:0": BAD_PLACE,
    "[127.0.0.1]": BAD_PLACE,
    "[h.example]": BAD_PLACE,
    "[v1.x]": BAD_PLACE,
    "[fe80::1%25eth0]": BAD_PLACE,
    "[fe80::1%eth0]": BAD_PLACE,
    "[12345::]": BAD_PLACE,
}


@pytest.mark.parametrize(("given", "base"), GOOD.items(), ids=GOOD)
def test_good(given: str, base: str) -> None:
    assert normalize_url(given) == base


@pytest.mark.parametrize("base", sorted(set(GOOD.values())))
def test_the_normal_form_is_its_own(base: str) -> None:
    assert normalize_url(base) == base


@pytest.mark.parametrize(("given", "problem"), BAD.items(), ids=map(ascii, BAD))
def test_bad(given: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r"^the URL ") as caught:
        normalize_url(given)

    text = str(caught.value)
    assert problem in text
    assert "canary" not in text
    shown = re.split("[?#]", given)[0]
    assert text in (f"the URL {shown!r} {problem}", problem) or "@" in given
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize("given", [None, b"https://h", 7, ["https://h"]])
def test_no_text(given: Any) -> None:
    with pytest.raises(TypeError, match=rf"^the URL must be a str, not {type(given).__name__}$"):
        normalize_url(given)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LocalHost.", True),
        ("a.b.localhost", True),
        ("localhost.example", False),
        ("xlocalhost", False),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("126.0.0.1", False),
        ("::1", True),
        ("[::1]", True),
        ("0:0:0:0:0:0:0:1", True),
        ("::2", False),
        ("0.0.0.0", False),
        ("", False),
        ("127.example", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
