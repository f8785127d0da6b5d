"""A server's words in errors: what of a request and of credentials does not show in them (rules A7, C6, E1, E3, E5)."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from attempt_outcomes import METHODS, answered, endpoint
from scripted_transport import Opened, every_text, failure_of

from twirpkit import Code, HttpResponse, RetryPolicy
from twirpkit._protocol.known_errors import KnownError
from twirpkit._protocol.server_text import text_cleaner
from twirpkit._secret import Secret
from twirpkit.livekit import SIPCallError

Livekit = Callable[..., Opened]
Bare = Callable[..., Opened]

DIAL = {"sip_trunk_id": "ST_1", "sip_call_to": "+1", "room_name": "r"}


def refusal(code: str, message: str, status: int = 400, **meta: str) -> HttpResponse:
    return HttpResponse(status, {}, json.dumps({"code": code, "msg": message, "meta": meta}).encode())


def dialled(opened: Opened, **fields: Any) -> Any:
    return failure_of(lambda: opened.wait(opened.client.sip.create_sip_participant(**DIAL, **fields)))


class TestWhatAnErrorIs:
    """It is decided by the server's own words; what shows is redacted afterwards."""

    @pytest.mark.parametrize("value", ["code", "status", "sip_status", "sip_status_code", "BUSY"])
    def test_attributes_do_not_hide_a_sip_status(self, livekit: Livekit, value: str) -> None:
        meta = {"sip_status_code": "486", "sip_status": "SIP_STATUS_BUSY_HERE"}
        opened = livekit(refusal("unavailable", "the code is 486", 503, **meta))

        error = dialled(opened, participant_attributes={"auth": value})

        assert isinstance(error, SIPCallError)
        assert (error.sip_status_code, error.sip_status) == (486, "SIP_STATUS_BUSY_HERE")
        assert error.meta.keys() == meta.keys()

    def test_attributes_do_not_hide_a_known_error(self, livekit: Livekit) -> None:
        opened = livekit(refusal("unavailable", "no response from servers", 503))

        error = dialled(opened, participant_attributes={"a": "servers", "b": "response"})

        assert error.message == (
            "no <redacted> from <redacted> (usually no such room or participant is connected, or no worker for it runs)"
        )
        assert (error.attempts, error.retryable) == (1, False)

    def test_attributes_do_not_hide_a_routing_hint(self, livekit: Livekit) -> None:
        opened = livekit(refusal("bad_route", 'no handler for path "/twirp/x"', 404))

        error = dialled(opened, participant_attributes={"a": "handler"})

        assert error.message.endswith("(the server may be too old for this RPC, or the URL or its prefix is wrong)")


class TestTextsOfTheRequest:
    def test_are_replaced_as_whole_values(self, livekit: Livekit) -> None:
        opened = livekit(refusal("invalid_argument", "joe@x.org: joe is not joeseph, nor a joe_1", k="joe"))

        error = dialled(opened, participant_attributes={"a": "joe@x.org", "b": "joe "}, participant_name="joe ")

        assert "joe@x.org" not in error.message
        assert "joeseph, nor a joe_1" in error.message

    def test_are_replaced_in_values_of_the_metadata_and_not_in_its_keys(self, livekit: Livekit) -> None:
        opened = livekit(refusal("invalid_argument", "x", reason="reason: private words", other="private words"))

        error = dialled(opened, participant_attributes={"a": "reason", "b": "private words"})

        assert error.meta == {"reason": "<redacted>: <redacted>", "other": "<redacted>"}

    @pytest.mark.parametrize("cut", [300, 70_000])
    def test_longer_than_what_is_kept_do_not_show_either(self, cut: int) -> None:
        private = "".join(chr(ord("a") + (n * 7 + n // 26) % 26) for n in range(100_000))

        assert text_cleaner(None, [private])(f"bad {private[:cut]}") == "bad <redacted>"

    def test_of_two_that_begin_alike_the_longer_one_is_replaced(self) -> None:
        clean = text_cleaner(None, ["green hat", "green hat with a feather", "green"])

        assert (
            clean("a green hat with a feather, a green hat, a greenhouse") == "a <redacted>, a <redacted>, a greenhouse"
        )

    @pytest.mark.parametrize("shown", range(5))
    def test_that_differ_only_far_behind_their_start_are_all_replaced(self, shown: int) -> None:
        private = ["the same start, " * 20 + end for end in ("a short end", "an end", "one that is longer", "b", "bb")]

        assert text_cleaner(None, private)(f"<{private[shown]}>") == "<<redacted>>"


def executed_lines(function: Callable[[], Any]) -> int:
    """Count the lines of the redaction that a call executes: its work, whatever the machine."""
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.endswith("server_text.py"):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


class TestWork:
    """Redaction takes time that grows linearly with the private texts, and with the words: a server chooses these."""

    WORDS = "a server's words, of which it has many: "

    @pytest.mark.parametrize("share_a_start", [False, True])
    def test_does_not_grow_with_the_product_of_texts_and_words(self, share_a_start: bool) -> None:
        def work(texts: int, repeats: int) -> int:
            start = "a server's words, of which it has so many " if share_a_start else ""
            clean = text_cleaner(None, [f"{start}{number:04}" for number in range(texts)])
            return executed_lines(lambda: clean(self.WORDS * repeats))

        small, many_texts, many_words = work(100, 400), work(1000, 400), work(100, 800)

        assert many_texts <= 1.5 * small
        assert many_words <= 2.5 * small

    def test_of_a_text_that_matches_nearly_everywhere_is_bounded(self) -> None:
        def work(repeats: int) -> int:
            clean = text_cleaner(None, ["a " * 2000 + "b"])
            return executed_lines(lambda: clean("a " * 100 * repeats))

        assert work(40) <= 2.5 * work(20)

    def test_of_words_beyond_those_that_are_kept_is_none(self) -> None:
        clean = text_cleaner(None, ["private"])

        assert executed_lines(lambda: clean("so private " * 50_000)) <= 1.1 * executed_lines(
            lambda: clean("so private " * 6_000)
        )

    def test_of_preparing_the_texts_grows_as_they_do(self) -> None:
        def work(texts: int) -> int:
            return executed_lines(lambda: text_cleaner(None, [f"text {number:05} " * 50 for number in range(texts)]))

        assert work(400) <= 2.5 * work(200)


class TestCredentials:
    KEY, SECRET = "APIcanaryOfTheKey", "canary-of-the-secret-which-is-long-enough"

    def test_the_key_does_not_show(self, livekit: Livekit) -> None:
        """If key and secret were swapped, it is the secret (rule E3)."""
        opened = livekit(
            refusal("unauthenticated", f"invalid API key: {self.KEY}", 401, key=self.KEY),
            api_key=self.KEY,
            api_secret=self.SECRET,
        )

        error = failure_of(opened.room)

        assert error.message == "invalid API key: <redacted>"
        assert [text for text in every_text(error) if self.KEY in text or self.SECRET in text] == []

    def test_the_key_does_not_show_in_a_page_of_a_proxy(self, livekit: Livekit) -> None:
        opened = livekit(
            HttpResponse(401, {}, f"who is {self.KEY}?".encode()), api_key=self.KEY, api_secret=self.SECRET
        )

        assert failure_of(opened.room).message == "HTTP 401, not from a Twirp server: 'who is <redacted>?'"

    def test_a_key_inside_a_word_is_left(self, livekit: Livekit) -> None:
        opened = livekit(refusal("unauthenticated", "a monkey has no key", 401), api_key="key", api_secret=self.SECRET)

        assert failure_of(opened.room).message == "a monkey has no <redacted>"

    def test_a_secret_is_not_pickled(self) -> None:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="a Secret is not pickled or copied"):
                pickle.dumps([Secret("canary")], protocol)

    def test_a_short_token_is_a_part_of_words(self, livekit: Livekit) -> None:
        opened = livekit(refusal("resource_exhausted", "too many rooms for any company", 429), token="any")

        assert failure_of(opened.room).message == "too many rooms for any company"


class TestPrefixes:
    KNOWN = (
        KnownError(None, "twirp error unknown: ", strip=True),
        KnownError(Code.NOT_FOUND, "no such", hint="make it first"),
    )

    @pytest.mark.parametrize(
        ("code", "message", "shown"),
        [
            ("not_found", "twirp error unknown: no such hat", "no such hat (make it first)"),
            ("internal", "twirp error unknown: it broke", "it broke"),
            ("internal", "so twirp error unknown: it broke", "so twirp error unknown: it broke"),
            ("internal", "twirp error unknown:", "twirp error unknown:"),
        ],
    )
    def test_that_say_nothing_are_left_out(self, bare: Bare, code: str, message: str, shown: str) -> None:
        opened = bare(endpoint(known_errors=self.KNOWN, retry=None), answered(400, code, message))

        assert failure_of(opened.call, METHODS["read"]).message == shown

    def test_of_livekit(self, livekit: Livekit) -> None:
        opened = livekit(refusal("not_found", "twirp error unknown: requested room does not exist", 404))

        error = failure_of(opened.room, "delete_room", room="r")

        assert str(error) == (
            "livekit.RoomService/DeleteRoom: not_found: requested room does not exist "
            f"(request id {opened.requests[0].headers['X-Livekit-Request-Id']})"
        )


class TestCloudOnly:
    """An RPC that only LiveKit Cloud has, asked of another server."""

    HINT = "(only LiveKit Cloud has this RPC)"

    @pytest.mark.parametrize(
        "outcome",
        [
            refusal("bad_route", 'no handler for path "/twirp/livekit.RoomService/MoveParticipant"', 404),
            HttpResponse(404, {}, b"404 page not found"),
            refusal("unknown", "twirp error unknown: not implemented", 500),
            refusal("unimplemented", "no", 501),
        ],
        ids=["no-handler", "404-page", "not-implemented", "unimplemented"],
    )
    def test_says_so_instead_of_a_guess(self, livekit: Livekit, outcome: HttpResponse) -> None:
        error = failure_of(livekit(outcome).room, "move_participant", room="r", identity="i")

        assert error.message.endswith(self.HINT)
        assert "too old" not in error.message
        assert not error.retryable

    def test_another_rpc_does_not(self, livekit: Livekit) -> None:
        error = failure_of(livekit(refusal("unimplemented", "no", 501)).room)

        assert self.HINT not in error.message


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("token is not valid yet (nbf)", "this machine's clock may be ahead of the server's"),
        (
            "token is expired (exp)",
            "the token was made too long ago, or this machine's clock is behind the server's",
        ),
    ],
)
def test_a_token_that_does_not_hold_now_is_hinted_at(livekit: Livekit, reason: str, hint: str) -> None:
    body = f"invalid token: x, error: go-jose/go-jose/jwt: validation failed, {reason}".encode()

    error = failure_of(livekit(HttpResponse(401, {}, body)).room)

    assert error.message == f"HTTP 401, not from a Twirp server: {body.decode()!r} ({hint})"


def test_a_server_without_redis_is_not_an_outage(livekit: Livekit) -> None:
    opened = livekit(refusal("internal", "twirp error unknown: redis required", 500), retry=RetryPolicy(backoff=0))

    error = failure_of(lambda: opened.wait(opened.client.egress.list_egress()))

    assert (error.attempts, error.retryable) == (1, False)
    assert error.message == "redis required (this server runs without Redis, which egress, ingress and SIP need)"


def test_a_file_without_storage_is_hinted_at(livekit: Livekit) -> None:
    opened = livekit(refusal("invalid_argument", "request has missing or invalid field: output", 400))

    error = failure_of(lambda: opened.wait(opened.client.egress.start_web_egress(url="https://example.com")))

    assert error.message == (
        "request has missing or invalid field: output (an output is missing; on LiveKit Cloud a file, segments or "
        "images also need storage, such as s3)"
    )


class TestControlCharacters:
    @pytest.mark.parametrize(
        "outcome",
        [
            refusal("not_found", "one\ntwo\x1b[31m\u202e", 404),
            HttpResponse(500, {}, b"page\r\n\x1b[2J"),
            HttpResponse(302, {"location": "/\x9b\u2028"}, b""),
        ],
        ids=["twirp", "page", "redirect"],
    )
    def test_are_not_in_the_text_of_an_error(self, livekit: Livekit, outcome: HttpResponse) -> None:
        error = failure_of(livekit(outcome).room)

        assert str(error).isprintable()
        assert repr(error).isprintable()

    def test_are_not_in_the_text_of_a_sip_error(self, livekit: Livekit) -> None:
        meta = {"sip_status_code": "486", "sip_status": "Busy\nHere\x1b[31m"}
        opened = livekit(refusal("unavailable", "x", 503, **meta))

        error = dialled(opened)

        assert isinstance(error, SIPCallError)
        assert error.sip_status == "Busy\nHere\x1b[31m"
        assert str(error) == (
            r"livekit.SIP/CreateSIPParticipant: the call ended with SIP 486 Busy\nHere\x1b[31m: unavailable: x "
            f"(request id {error.request_id})"
        )

    def test_stay_in_the_message(self, livekit: Livekit) -> None:
        assert failure_of(livekit(refusal("not_found", "one\ntwo", 404)).room).message == "one\ntwo"
