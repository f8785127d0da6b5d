"""Several attempts at one call, over both clients and a scripted transport: what is repeated, when, and with what facts
(rules B4, C1, C2, C3, C4, C5, C6)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from attempt_outcomes import AT_ONCE, METHODS, answered, endpoint, failed
from odd_schema import ODD
from scripted_transport import OK, Opened, Outcome, failure_of

from livekit_twirp import SendDataRequest
from twirpkit import (
    Code,
    DeadlineExceededError,
    DecodeError,
    Event,
    HttpRequest,
    HttpResponse,
    Phase,
    RetryClass,
    RetryPolicy,
    TransportError,
    TransportFailure,
    UnavailableError,
)
from twirpkit._engine.engine import start_call
from twirpkit._engine.retry import RetryBudget
from twirpkit._engine.steps import Sleep
from twirpkit._protocol.known_errors import KnownError
from twirpkit._protocol.twirp_responses import retry_after
from twirpkit._secret import Secret
from twirpkit.options import CallOptions

Livekit = Callable[..., Opened]
Bare = Callable[..., Opened]

CUT_200 = HttpResponse(200, {}, b"", "the response was cut")
BIG_200 = HttpResponse(200, {}, b"", "larger than the cap", oversized=True)
FINAL = TransportFailure("the certificate has expired", Phase.NOT_SENT, final=True)
CLOSED_UNDER_WAY = TransportFailure("the client was closed before a response", Phase.NO_ANSWER, final=True)
NOT_PROTOBUF = HttpResponse(200, {"content-type": "text/html"}, b"<html>")

ENDS: dict[str, tuple[Outcome, dict[str, int]]] = {
    # What ends each attempt, and how often each class is then tried in all.
    "P0": (failed(Phase.NOT_SENT), {"read": 3, "idempotent": 3, "keyed": 3, "never": 3}),
    "P1": (failed(Phase.STALE), {"read": 3, "idempotent": 3, "keyed": 3, "never": 1}),
    "P2": (failed(Phase.NO_ANSWER), {"read": 3, "idempotent": 2, "keyed": 3, "never": 1}),
    "P3": (failed(Phase.CUT), {"read": 3, "idempotent": 2, "keyed": 3, "never": 1}),
    "P3 body": (CUT_200, {"read": 3, "idempotent": 2, "keyed": 3, "never": 1}),
    "502": (answered(502), {"read": 3, "idempotent": 2, "keyed": 3, "never": 1}),
    "503": (answered(503), {"read": 3, "idempotent": 2, "keyed": 3, "never": 1}),
    "504": (answered(504), {"read": 3, "idempotent": 2, "keyed": 3, "never": 1}),
    "500": (answered(500), {"read": 3, "idempotent": 2, "keyed": 3, "never": 1}),
    "520": (answered(520), {"read": 3, "idempotent": 2, "keyed": 3, "never": 1}),
    "final": (FINAL, dict.fromkeys(RetryClass, 1)),
    "closed under way": (CLOSED_UNDER_WAY, dict.fromkeys(RetryClass, 1)),
    "503 of another code": (answered(503, "internal"), {"read": 3, "idempotent": 3, "keyed": 3, "never": 1}),
    "502 of another code": (answered(502, "internal"), {"read": 3, "idempotent": 3, "keyed": 3, "never": 1}),
    "504 of another code": (answered(504, "internal"), {"read": 3, "idempotent": 3, "keyed": 3, "never": 1}),
    "unavailable": (answered(500, "unavailable"), {"read": 3, "idempotent": 3, "keyed": 3, "never": 1}),
    "internal": (answered(500, "internal"), {"read": 3, "idempotent": 1, "keyed": 1, "never": 1}),
    "unknown": (answered(500, "unknown"), {"read": 3, "idempotent": 1, "keyed": 1, "never": 1}),
    "unknown code": (answered(400, "on_fire"), {"read": 3, "idempotent": 1, "keyed": 1, "never": 1}),
    "429 and when": (answered(429, retry_after="0"), {"read": 3, "idempotent": 3, "keyed": 3, "never": 1}),
    "429": (answered(429), dict.fromkeys(RetryClass, 1)),
    "429 and nonsense": (answered(429, retry_after="soon"), dict.fromkeys(RetryClass, 1)),
    "redirect": (answered(302, location="/elsewhere"), dict.fromkeys(RetryClass, 1)),
    "204": (answered(204), dict.fromkeys(RetryClass, 1)),
    "405": (answered(405), dict.fromkeys(RetryClass, 1)),
    "451": (answered(451), dict.fromkeys(RetryClass, 1)),
    "not found": (answered(404, "not_found"), dict.fromkeys(RetryClass, 1)),
    "deadline of the server's own": (answered(408, "deadline_exceeded"), dict.fromkeys(RetryClass, 1)),
    "no protobuf": (NOT_PROTOBUF, dict.fromkeys(RetryClass, 1)),
    "too large": (BIG_200, dict.fromkeys(RetryClass, 1)),
    "time over on the server": (
        answered(408, "canceled"),
        {"read": 3, "idempotent": 2, "keyed": 3, "never": 1},
    ),
}


@pytest.mark.parametrize("retry", list(RetryClass))
@pytest.mark.parametrize("end", ENDS)
def test_who_is_tried_again(bare: Bare, end: str, retry: RetryClass) -> None:
    outcome, wanted = ENDS[end]
    opened = bare(endpoint(), outcome)

    error = failure_of(opened.call, METHODS[retry])

    assert len(opened.requests) == error.attempts == wanted[retry]


@pytest.mark.parametrize("end", [end for end, (_, wanted) in ENDS.items() if wanted["read"] == 3])
def test_the_answer_of_a_later_attempt_is_the_calls(bare: Bare, end: str) -> None:
    opened = bare(endpoint(), ENDS[end][0], ENDS[end][0], OK)

    assert opened.call(METHODS["read"]) == ODD.Empty()
    assert len(opened.requests) == 3


def test_a_new_connection_is_asked_for_after_a_kept_one_that_had_closed(bare: Bare) -> None:
    opened = bare(endpoint(retry=RetryPolicy(max_attempts=4, backoff=0)), *map(failed, [Phase.STALE, Phase.CUT]), OK)
    opened.call(METHODS["read"])

    assert [request.force_new_connection for request in opened.requests] == [False, True, False]


@pytest.mark.parametrize("last", [Phase.NOT_SENT, Phase.CUT])
def test_the_reason_before_a_silence_is_not_lost(bare: Bare, last: Phase) -> None:
    reasons = [answered(503, "unavailable", "first"), answered(503, "unavailable", "second"), failed(last)]

    error = failure_of(bare(endpoint(), *reasons).call, METHODS["read"])

    assert error.message == "it broke (attempt 3; before it: second)"


def test_an_answer_after_a_silence_speaks_for_itself(bare: Bare) -> None:
    error = failure_of(bare(endpoint(), failed(Phase.CUT), answered(404, "not_found", "gone")).call, METHODS["read"])

    assert error.message == "gone"


@pytest.mark.parametrize(
    ("ends", "sent"),
    [
        (["P0", "P0", "P0"], "no"),
        (["P0", "P1", "P0"], "maybe"),
        (["P2", "P0", "P0"], "maybe"),
        (["P3 body", "not found"], "maybe"),
        (["P0", "not found"], "yes"),
        (["unavailable", "P0", "P0"], "yes"),
        (["unavailable", "P2", "not found"], "maybe"),
        (["503", "P0", "P0"], "maybe"),
        (["504", "not found"], "maybe"),
        (["P0", "final"], "no"),
        (["P2", "final"], "maybe"),
        (["unavailable", "final"], "yes"),
        (["final"], "no"),
        (["closed under way"], "maybe"),
        (["unavailable", "closed under way"], "maybe"),
        (["time over on the server", "not found"], "yes"),
        (["no protobuf"], "yes"),
        (["too large"], "yes"),
    ],
)
def test_sent_sums_all_attempts_up(bare: Bare, ends: list[str], sent: str) -> None:
    opened = bare(endpoint(), *(ENDS[end][0] for end in ends))

    error = failure_of(opened.call, METHODS["read"])

    assert (error.sent, error.attempts) == (sent, len(ends))


def test_an_idempotent_call_is_repeated_once_whatever_left_it_in_doubt(bare: Bare) -> None:
    ends = [ENDS["P2"][0], ENDS["unavailable"][0], ENDS["P3 body"][0], OK]
    opened = bare(endpoint(retry=RetryPolicy(max_attempts=9, backoff=0)), *ends)

    error = failure_of(opened.call, METHODS["idempotent"])

    assert (error.attempts, error.sent) == (3, "maybe")


class TestSettings:
    @pytest.mark.parametrize(
        ("of_client", "of_call", "attempts"),
        [
            (AT_ONCE, None, 3),
            (False, None, 1),
            (AT_ONCE, False, 1),
            (False, AT_ONCE, 3),
            (RetryPolicy(max_attempts=5, backoff=0), None, 5),
            (AT_ONCE, RetryPolicy(max_attempts=2, backoff=0), 2),
            (AT_ONCE, RetryPolicy(max_attempts=1), 1),
        ],
    )
    def test_retry_option_the_call_wins_over_the_client(
        self, livekit: Livekit, of_client: Any, of_call: Any, attempts: int
    ) -> None:
        opened = livekit(answered(503), retry=of_client)

        error = failure_of(opened.room, **({} if of_call is None else {"retry": of_call}))

        assert error.attempts == attempts

    @pytest.mark.parametrize("wrong", [True, None, 3, "never"])
    def test_retry_option_anything_else_is_refused(self, livekit: Livekit, wrong: Any) -> None:
        text = f"^retry must be a RetryPolicy, or False for none, not {type(wrong).__name__}$"
        with pytest.raises(TypeError, match=text):
            livekit(retry=wrong)
        opened = livekit()
        with pytest.raises(TypeError, match=text):
            opened.room(retry=wrong)
        assert opened.requests == []

    @pytest.mark.parametrize(
        ("wrong", "kind", "text"),
        [
            ({"max_attempts": 0}, ValueError, "max_attempts must be at least 1, not 0; retry=False turns retries off"),
            ({"max_attempts": 1.5}, TypeError, "max_attempts must be an int, not float"),
            ({"max_attempts": True}, TypeError, "max_attempts must be an int, not bool"),
            ({"backoff": -0.1}, ValueError, "backoff must be a finite number of seconds, 0 or more, not -0.1"),
            ({"backoff": True}, TypeError, "backoff must be a number of seconds, not bool"),
            ({"max_backoff": float("inf")}, ValueError, "max_backoff must be a finite number of seconds, 0 or more"),
            ({"max_backoff": "1"}, TypeError, "max_backoff must be a number of seconds, not str"),
        ],
    )
    def test_retry_option_a_policy_says_what_is_wrong_with_it(
        self, wrong: Any, kind: type[Exception], text: str
    ) -> None:
        with pytest.raises(kind, match=f"^{text}"):
            RetryPolicy(**wrong)


class TestWaiting:
    def waits(self, opened: Opened) -> list[float]:
        waits: list[float] = []

        def note(event: Event) -> None:
            if event.wait is not None:
                waits.append(event.wait)

        failure_of(opened.with_options(hooks=[note]).room)
        return waits

    def test_wait_is_random_and_doubles_up_to_a_limit(self) -> None:
        policy = RetryPolicy(backoff=0.2, max_backoff=0.5)

        longest = [max(policy.wait(attempt) for _ in range(2000)) for attempt in (1, 2, 3, 2000)]
        shortest = [min(policy.wait(attempt) for _ in range(2000)) for attempt in (1, 2, 3, 2000)]

        assert [round(each, 1) for each in longest] == [0.2, 0.4, 0.5, 0.5]
        assert [round(each, 1) for each in shortest] == [0, 0, 0, 0]

    def test_wait_is_what_the_server_asks_for(self, livekit: Livekit) -> None:
        opened = livekit(answered(503, retry_after="0"), retry=RetryPolicy(backoff=60, max_backoff=60))

        assert self.waits(opened) == [0, 0]

    @pytest.mark.parametrize("code", [429, 503])
    def test_wait_one_that_is_longer_than_the_call_raises_at_once(self, livekit: Livekit, code: int) -> None:
        opened = livekit(answered(code, retry_after="11"), retry=AT_ONCE, timeout=10)

        assert failure_of(opened.room).attempts == 1

    def test_wait_a_date_counts_too(self, livekit: Livekit) -> None:
        soon, late = (format_datetime(datetime.now(UTC) + timedelta(seconds=s), usegmt=True) for s in (-5, 60))
        assert failure_of(livekit(answered(429, retry_after=soon), retry=AT_ONCE).room).attempts == 3
        assert failure_of(livekit(answered(429, retry_after=late), retry=AT_ONCE).room).attempts == 1
        assert retry_after(answered(429, retry_after=soon)) == 0
        assert 58 < (retry_after(answered(429, retry_after=late)) or 0) <= 60

    def test_wait_without_a_limit_a_server_may_ask_for_a_minute(self, livekit: Livekit) -> None:
        opened = livekit(answered(429, retry_after="61"), retry=AT_ONCE, timeout=None)

        assert failure_of(opened.room).attempts == 1

    def test_wait_a_minute_is_not_too_long(self) -> None:
        steps = start_call(endpoint(), METHODS["read"], ODD.Thing(), {}, CallOptions(timeout=None))
        next(steps)

        step = steps.send(answered(429, retry_after="60"))
        steps.close()

        assert isinstance(step, Sleep)
        assert 50 < step.seconds <= 60

    def test_wait_a_backoff_beyond_the_deadline_raises_at_once(
        self, livekit: Livekit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("random.random", lambda: 0.999)
        opened = livekit(answered(503), retry=RetryPolicy(backoff=5), timeout=2)

        assert failure_of(opened.room).attempts == 1

    def test_wait_a_kept_connection_that_had_closed_is_no_reason_to(self, livekit: Livekit) -> None:
        opened = livekit(failed(Phase.STALE), retry=RetryPolicy(backoff=60, max_backoff=60))

        assert self.waits(opened) == [0, 0]

    def test_wait_is_waited(self, livekit: Livekit, sleeps: list[float]) -> None:
        livekit(answered(503, retry_after="7"), OK, retry=AT_ONCE).room()

        assert sleeps == [7]


class TestTimeoutHeader:
    """Rule B4."""

    @pytest.mark.parametrize(
        ("timeout", "least", "most"),
        [(20, 19800, 19900), (1, 890, 900), (0.5, 440, 450), (0.1, 80, 90), (0.001, 1, 1), (None, None, None)],
    )
    def test_timeout_header_says_a_little_less_than_what_is_left(
        self, bare: Bare, timeout: Any, least: Any, most: Any
    ) -> None:
        moments: list[float] = []
        opened = bare(endpoint(retry=None, hooks=[lambda event: moments.append(time.monotonic())]))
        began = time.monotonic()

        opened.call(METHODS["read"], timeout=timeout)

        value = opened.requests[0].headers.get("X-Twirp-Timeout-Ms")
        if timeout is None:
            assert value is None
        else:
            taken = (moments[1] - began) * 1000  # milliseconds until the request was made
            assert value is not None
            assert max(1, least - taken) <= int(value) <= most

    def test_timeout_header_says_a_tenth_of_a_second_less_where_there_is_a_lot(self, bare: Bare) -> None:
        moments: list[float] = []
        opened = bare(endpoint(retry=None, hooks=[lambda event: moments.append(time.monotonic())]))

        for _ in range(20):
            moments[:] = [time.monotonic()]
            opened.call(METHODS["read"], timeout=20)

            deadline = opened.requests[-1].deadline
            assert deadline is not None
            most, least = (int((deadline - moment) * 1000) for moment in moments[:2])
            assert least <= int(opened.requests[-1].headers["X-Twirp-Timeout-Ms"]) + 100 <= most

    def test_timeout_header_each_attempt_has_its_own(self, bare: Bare) -> None:
        opened = bare(endpoint(retry=RetryPolicy(backoff=0, attempt_timeout=10)), answered(503))

        failure_of(opened.call, METHODS["read"], timeout=20)

        values = [int(request.headers["X-Twirp-Timeout-Ms"]) for request in opened.requests]
        assert [round(value, -3) for value in values] == [10000, 10000, 20000]

    def test_timeout_header_a_server_that_obeys_it_is_a_deadline_exceeded(self, bare: Bare) -> None:
        opened = bare(endpoint(), answered(408, "canceled", "request canceled"))

        error = failure_of(opened.call, METHODS["never"])

        assert isinstance(error, DeadlineExceededError)
        assert (error.code, error.status, error.sent) == (Code.DEADLINE_EXCEEDED, 408, "yes")
        assert (error.message, error.meta["server_code"]) == ("request canceled", "canceled")

    @pytest.mark.parametrize(("status", "code", "timeout"), [(408, "canceled", None), (499, "canceled", 5)])
    def test_timeout_header_any_other_cancellation_stays_one(
        self, bare: Bare, status: int, code: str, timeout: Any
    ) -> None:
        error = failure_of(bare(endpoint(), answered(status, code)).call, METHODS["never"], timeout=timeout)

        assert (error.code, error.meta) == (Code.CANCELED, {})


class TestSameInEveryAttempt:
    """Rule C4."""

    def test_every_attempt_has_body_key_and_request_id(self, livekit: Livekit) -> None:
        opened = livekit(answered(503), retry=AT_ONCE)
        message = SendDataRequest(room="r", data=b"x")

        error = failure_of(opened.room, "send_data", message)

        bodies = {request.body for request in opened.requests}
        ids = {request.headers["X-Livekit-Request-Id"] for request in opened.requests}
        assert (len(opened.requests), len(bodies), ids) == (3, 1, {error.request_id})
        assert len(SendDataRequest.FromString(bodies.pop()).nonce) == 16
        assert message == SendDataRequest(room="r", data=b"x")

    def test_every_attempt_has_the_token_is_asked_for_anew(self, livekit: Livekit) -> None:
        count = iter(range(9))
        opened = livekit(answered(503), retry=AT_ONCE, auth=lambda method, message: f"Bearer {next(count)}")

        failure_of(opened.room)

        assert [request.headers["Authorization"] for request in opened.requests] == ["Bearer 0", "Bearer 1", "Bearer 2"]


class TestBudget:
    """Rule C2."""

    def test_budget_a_dead_server_gets_hardly_more_requests_than_calls(self, livekit: Livekit) -> None:
        opened = livekit(failed(Phase.NOT_SENT), retry=AT_ONCE)

        for _ in range(500):
            failure_of(opened.room)

        assert len(opened.requests) == 600

    def test_budget_ten_successes_pay_for_a_retry(self, livekit: Livekit) -> None:
        opened = livekit(answered(503), retry=AT_ONCE)
        for _ in range(50):
            failure_of(opened.room)
        opened.script._outcomes = [OK]
        for _ in range(11):  # one more than ten, because tenths do not add up to one
            opened.room()
        opened.script._outcomes = [answered(503)]

        assert [failure_of(opened.room).attempts for _ in range(3)] == [2, 1, 1]

    def test_budget_is_never_more_than_full(self) -> None:
        budget = RetryBudget()
        budget.earn("h")
        budget.spend("h")
        for _ in range(5000):
            budget.earn("h")
        spent = 0
        while budget.left("h"):
            budget.spend("h")
            spent += 1

        assert spent == 100

    def test_budget_is_shared_with_copies(self, livekit: Livekit) -> None:
        opened = livekit(answered(503), retry=AT_ONCE)
        copy = opened.with_options(timeout=3)
        for _ in range(50):
            failure_of(opened.room)

        assert failure_of(copy.room).attempts == 1


class TestKnownAnswers:
    """Rule C6."""

    NOBODY = answered(503, "unavailable", "twirp error unknown: no response from servers")

    def test_known_error_one_that_is_final_is_not_retried_and_says_what_it_means(self, livekit: Livekit) -> None:
        opened = livekit(self.NOBODY, retry=AT_ONCE)

        error = failure_of(opened.room, "get_participant", room="r", identity="i")

        assert isinstance(error, UnavailableError)
        assert error.attempts == 1
        assert error.message.endswith(
            "no response from servers (usually no such room or participant is connected, or no worker for it runs)"
        )

    def test_known_error_code_and_text_both_count(self, bare: Bare) -> None:
        known = (KnownError(Code.UNAVAILABLE, "closed", hint="come back tomorrow", final=True),)
        cases = [
            (answered(503, "unavailable", "we are closed"), 1),
            (answered(503, "unavailable", "we are open"), 3),
            (answered(503, "internal", "we are closed"), 3),
        ]

        assert [
            failure_of(bare(endpoint(known_errors=known), each).call, METHODS["read"]).attempts for each, _ in cases
        ] == [attempts for _, attempts in cases]

    @pytest.mark.parametrize(
        ("text", "hint"),
        [
            ("room name length exceeds limits: max length 256", "256 bytes"),
            ("metadata size exceeds limits 524288", "512 KiB"),
            ("attribute size exceeds limits", "64 KiB"),
        ],
    )
    def test_known_error_limits_are_hints(self, livekit: Livekit, text: str, hint: str) -> None:
        error = failure_of(livekit(answered(400, "invalid_argument", text)).room)

        assert error.message.startswith(f"{text} (")
        assert hint in error.message


def test_a_servers_words_do_not_repeat_what_is_secret_or_personal(livekit: Livekit) -> None:
    text = "no login for 'bobby' with 'hunter2' on my own affairs in x"
    opened = livekit(answered(400, "invalid_argument", text))
    trunk = {"name": "x", "auth_username": "bobby", "auth_password": "hunter2", "metadata": "my own affairs"}

    error = failure_of(lambda: opened.wait(opened.client.sip.create_sip_outbound_trunk(trunk=trunk)))

    assert error.message == "no login for '<redacted>' with '<redacted>' on <redacted> in x"


def test_a_200_over_the_cap_says_so(bare: Bare) -> None:
    error = failure_of(bare(endpoint(), BIG_200).call, METHODS["read"])

    assert isinstance(error, DecodeError)
    assert (error.code, error.status) == (Code.INTERNAL, 200)
    assert error.message == "the response is too large: larger than the cap"


def test_a_200_that_is_cut_says_so_without_the_token(bare: Bare) -> None:
    cut = HttpResponse(200, {}, b"", "cut at my-own-secret-token")

    error = failure_of(bare(endpoint(authorize=Secret("Bearer my-own-secret-token")), cut).call, METHODS["never"])

    assert isinstance(error, TransportError)
    assert (error.code, error.status) == (Code.UNAVAILABLE, 200)
    assert error.message == "the response is not complete: cut at <token>"


def test_requests_do_not_share_their_headers(bare: Bare) -> None:
    opened = bare(endpoint(), answered(503))
    failure_of(opened.call, METHODS["read"])
    first, *rest = (request.headers for request in opened.requests)

    assert all(first is not each for each in rest)


def test_the_request_of_an_attempt_is_plain(bare: Bare) -> None:
    opened = bare(endpoint())
    opened.call(METHODS["read"], timeout=None, retry=False)

    (request,) = opened.requests
    assert request == HttpRequest("https://h/twirp/acme.Hats/Read", request.headers, b"")
