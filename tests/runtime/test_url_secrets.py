"""URLs in what is printed: no user, password, query, fragment or stream key (rule E5)."""

from __future__ import annotations

import pytest

from twirpkit._url_secrets import url_secrets, without_url_secrets

HIDDEN = "<redacted>"

CASES = {
    "https://h/x": "https://h/x",
    "https://h:8443/x/@user/live": "https://h:8443/x/@user/live",
    "https://[::1]:7880/x": "https://[::1]:7880/x",
    "https://[::1]/@x": "https://[::1]/@x",
    "https://u:PW@h/x": f"https://{HIDDEN}@h/x",
    "https://u@h": f"https://{HIDDEN}@h",
    "https://u:P@W@h/x": f"https://{HIDDEN}@h/x",
    "https://u:P/W@h/x": f"https://{HIDDEN}@h/x",
    "https://h/x?token=T": f"https://h/x?{HIDDEN}",
    "https://h/x?a=1?b=2#c": f"https://h/x?{HIDDEN}#{HIDDEN}",
    "https://h/x#a?b": f"https://h/x#{HIDDEN}",
    "https://h/x?": "https://h/x?",
    "WSS://h?token=T": f"WSS://h?{HIDDEN}",
    "rtmp://h/app/KEY": f"rtmp://h/app/{HIDDEN}",
    "RTMPS://h:443/rtmp/KEY/": f"RTMPS://h:443/rtmp/{HIDDEN}/",
    "rtmps://u:PW@h/app/KEY?s=1": f"rtmps://{HIDDEN}@h/app/{HIDDEN}?{HIDDEN}",
    "rtmp://h/KEY": f"rtmp://h/{HIDDEN}",
    "rtmp://h": "rtmp://h",
    "rtmp://h/": "rtmp://h/",
    "mux://KEY": f"mux://{HIDDEN}",
    "twitch://KEY/x": f"twitch://{HIDDEN}",
    "srt://h:9000?streamid=KEY&passphrase=P": f"srt://h:9000?{HIDDEN}",
    "see https://u:PW@h/x, and wss://h?t=T\nor rtmp://h/a/KEY": (
        f"see https://{HIDDEN}@h/x, and wss://h?{HIDDEN}\nor rtmp://h/a/{HIDDEN}"
    ),
    "://h?x": "://h?x",
    "1https://h?x=T": f"1https://h?{HIDDEN}",
    "no URL?x=y@z": "no URL?x=y@z",
    "": "",
}


@pytest.mark.parametrize("text", CASES)
def test_what_shows_of_urls(text: str) -> None:
    assert without_url_secrets(text) == CASES[text]


@pytest.mark.parametrize("text", CASES)
def test_the_secrets_are_what_does_not_show(text: str) -> None:
    rebuilt = CASES[text]
    for secret in url_secrets(text):
        rebuilt = rebuilt.replace(HIDDEN, secret, 1)

    assert rebuilt == text


@pytest.mark.parametrize("part", ["a", "a+", "://", "a://", "a://?#", "a://@/", "//"])
def test_a_long_text_is_looked_at_once(part: str) -> None:
    # Quadratic time would make this a matter of hours.
    assert without_url_secrets(f"{part * 10**6}://")
