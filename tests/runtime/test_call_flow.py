"""The flow of one call, over both clients and a scripted transport: URL, headers, key, token, deadline,
outcome (rules A1, A2, B1, C4)."""

from __future__ import annotations

import dataclasses
import platform
import time
import uuid
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from odd_schema import FD, ODD, field, module_of
from scripted_transport import OK, Opened, every_text, failure_of

from livekit_twirp import CreateRoomRequest, ListRoomsResponse, SendDataRequest
from livekit_twirp._methods.room import CREATE_ROOM, LIST_ROOMS, SEND_DATA
from twirpkit import (
    Code,
    DeadlineExceededError,
    HttpResponse,
    Method,
    Phase,
    RetryClass,
    RetryPolicy,
    TransportError,
    TransportFailure,
    TwirpError,
    UnavailableError,
    Unset,
)
from twirpkit._engine.client_config import ClientConfig
from twirpkit._engine.engine import start_call
from twirpkit._engine.steps import Send
from twirpkit._protocol.headers import Headers
from twirpkit._secret import Secret
from twirpkit.options import UNSET, CallOptions, check_timeout
from twirpkit.version import __version__

Livekit = Callable[..., Opened]
Bare = Callable[..., Opened]

HATS: Method[Any, Any] = Method("acme.v1.HatService", "MakeHat", "make_hat", ODD.Thing, ODD.Empty, RetryClass.NEVER)
PLAIN: Method[Any, Any] = Method("Plain", "get_URL2", "get_url2", ODD.Thing, ODD.Empty, RetryClass.READ)
ENDPOINT = ClientConfig("https://h", "tests/1")
REQUEST_ID = "X-Livekit-Request-Id"
PYTHON = platform.python_version()


class TestUrl:
    @pytest.mark.parametrize(
        ("base_url", "method", "url"),
        [
            ("https://h/twirp", HATS, "https://h/twirp/acme.v1.HatService/MakeHat"),
            ("https://h", HATS, "https://h/acme.v1.HatService/MakeHat"),
            ("https://h:8080/a/b/twirp/v7", HATS, "https://h:8080/a/b/twirp/v7/acme.v1.HatService/MakeHat"),
            ("https://h/twirp", PLAIN, "https://h/twirp/Plain/get_URL2"),
        ],
    )
    def test_url_is_base_prefix_service_and_method(self, bare: Bare, base_url: str, method: Any, url: str) -> None:
        opened = bare(ClientConfig(base_url, "tests/1"))

        opened.call(method)

        assert [request.url for request in opened.requests] == [url]

    @pytest.mark.parametrize(
        ("given", "base"),
        [
            ("wss://h.example", "https://h.example"),
            ("localhost:7880", "http://localhost:7880"),
            ("https://h.example/base/", "https://h.example/base"),
        ],
    )
    def test_url_of_the_facade(self, livekit: Livekit, given: str, base: str) -> None:
        opened = livekit(url=given)

        opened.room()

        assert opened.requests[0].url == f"{base}/twirp/livekit.RoomService/ListRooms"


class TestRequest:
    def test_request_is_a_post_with_exactly_these_headers(self, livekit: Livekit) -> None:
        opened = livekit(auth="Token abc", timeout=None)

        opened.room("create_room", name="standup")

        (request,) = opened.requests
        assert request.method == "POST"
        assert request.body == CreateRoomRequest(name="standup").SerializeToString()
        assert dict(request.headers) == {
            "Content-Type": "application/protobuf",
            "Accept": "application/protobuf",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"twirpkit/{__version__} (livekit_twirp; Python {PYTHON}; {type(opened.script).__name__})",
            "Authorization": "Token abc",
            REQUEST_ID: request.headers[REQUEST_ID],
        }

    def test_request_of_an_sdk_without_credentials_and_request_id(self, bare: Bare) -> None:
        opened = bare(ENDPOINT)

        opened.call(HATS, timeout=None)

        (request,) = opened.requests
        assert request.body == b""
        assert dict(request.headers) == {
            "Content-Type": "application/protobuf",
            "Accept": "application/protobuf",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": "tests/1",
        }

    def test_request_extra_headers_of_the_client_and_of_the_call(self, livekit: Livekit) -> None:
        client_headers = {"X-Client": "a", "X-Both": "client", "X-Cased": "client"}
        call_headers = {"X-Call": "b", "X-Both": "call", "x-cased": "call"}
        ours = client_headers.keys() | call_headers.keys()
        opened = livekit(extra_headers=client_headers)

        opened.room(extra_headers=call_headers)
        opened.room()

        first, second = (
            {name: request.headers[name] for name in ours & request.headers.keys()} for request in opened.requests
        )
        assert first == {"X-Client": "a", "X-Both": "call", "X-Call": "b", "x-cased": "call"}
        assert second == client_headers
        assert client_headers == {"X-Client": "a", "X-Both": "client", "X-Cased": "client"}
        assert call_headers == {"X-Call": "b", "X-Both": "call", "x-cased": "call"}

    def test_request_a_later_change_of_the_callers_headers_changes_nothing(self, livekit: Livekit) -> None:
        headers = {"X-Client": "a"}
        opened = livekit(extra_headers=headers)
        headers["X-Client"] = "changed"

        opened.room()

        assert opened.requests[0].headers["X-Client"] == "a"

    @pytest.mark.parametrize("headers", [{"Authorization": "x"}, {"X-A": "a\nb"}, {"X-A": "ü€"}])
    def test_request_refused_headers_are_refused_before_anything_is_sent(self, livekit: Livekit, headers: Any) -> None:
        opened = livekit()

        with pytest.raises(ValueError, match="extra_headers"):
            opened.room(extra_headers=headers)

        assert opened.requests == []

    def test_request_a_request_without_its_required_fields_is_refused(self, bare: Bare) -> None:
        file = FileDescriptorProto(name="needy.proto", package="needy")
        field(file.message_type.add(name="Needy"), "name", FD.TYPE_STRING)
        file.message_type[0].field[0].label = FD.LABEL_REQUIRED
        needy = module_of("needy_messages", file).Needy
        opened = bare(ENDPOINT)

        with pytest.raises(ValueError, match=r"^Needy lacks a field that its proto says is required$"):
            opened.call(Method("s.S", "M", "m", needy, ODD.Empty, RetryClass.READ))
        assert opened.requests == []


class TestRequestId:
    def test_request_id_is_a_fresh_uuid_per_call(self, livekit: Livekit) -> None:
        opened = livekit()

        for _ in range(3):
            opened.room()

        ids = {request.headers[REQUEST_ID] for request in opened.requests}
        assert len(ids) == 3
        assert {uuid.UUID(each).version for each in ids} == {4}

    @pytest.mark.parametrize("name", [REQUEST_ID, REQUEST_ID.lower(), REQUEST_ID.upper()])
    @pytest.mark.parametrize("where", ["client", "call"])
    def test_request_id_may_be_the_callers(self, livekit: Livekit, name: str, where: str) -> None:
        given = {name: "mine"}
        refusal = HttpResponse(500, {}, b"")
        opened = livekit(refusal, extra_headers=given if where == "client" else None)

        error = failure_of(opened.room, extra_headers=given if where == "call" else None)

        assert error.request_id == "mine"
        assert [(key, value) for key, value in opened.requests[0].headers.items() if key.lower() == name.lower()] == [
            (name, "mine")
        ]

    def test_request_id_of_the_call_wins_over_the_clients(self, livekit: Livekit) -> None:
        opened = livekit(HttpResponse(500, {}, b""), extra_headers={REQUEST_ID: "client"})

        error = failure_of(opened.room, extra_headers={REQUEST_ID.lower(): "call"})

        assert error.request_id == "call"
        assert "client" not in opened.requests[0].headers.values()

    def test_request_id_an_empty_one_counts_as_none(self, livekit: Livekit) -> None:
        opened = livekit(HttpResponse(500, {}, b""))

        error = failure_of(opened.room, extra_headers={REQUEST_ID.lower(): ""})

        sent = [value for key, value in opened.requests[0].headers.items() if key.lower() == REQUEST_ID.lower()]
        assert sent == [error.request_id]
        assert uuid.UUID(sent[0]).version == 4

    def test_request_id_is_on_every_error_of_an_sdk_that_has_the_header(self, livekit: Livekit) -> None:
        outcomes = [
            HttpResponse(404, {}, b""),
            HttpResponse(200, {"content-type": "text/html"}, b""),
            HttpResponse(200, {}, b"", "cut"),
            TransportFailure("refused", phase=Phase.NOT_SENT),
            TransportFailure("late", phase=Phase.NO_ANSWER, timed_out=True),
        ]
        opened = livekit(*outcomes)

        errors = [failure_of(opened.room) for _ in outcomes]

        sent = [request.headers[REQUEST_ID] for request in opened.requests]
        assert [error.request_id for error in errors] == sent
        assert [error.attempts for error in errors] == [1] * len(outcomes)

    def test_request_id_is_none_where_the_sdk_has_no_such_header(self, bare: Bare) -> None:
        opened = bare(ENDPOINT, HttpResponse(404, {}, b""))

        error = failure_of(opened.call, HATS, extra_headers={REQUEST_ID: "theirs"})

        assert error.request_id is None
        assert opened.requests[0].headers[REQUEST_ID] == "theirs"


class TestKey:
    def sent(self, opened: Opened) -> list[bytes]:
        return [SendDataRequest.FromString(request.body).nonce for request in opened.requests]

    def test_key_is_fresh_in_each_call(self, livekit: Livekit) -> None:
        opened = livekit()

        for _ in range(3):
            opened.room("send_data", room="r")

        nonces = self.sent(opened)
        assert [len(nonce) for nonce in nonces] == [16, 16, 16]
        assert len(set(nonces)) == 3

    @pytest.mark.parametrize("nonce", [b"0123456789abcdef", b"short", b"\0"])
    def test_key_of_the_caller_is_kept(self, livekit: Livekit, nonce: bytes) -> None:
        opened = livekit()

        opened.room("send_data", room="r", nonce=nonce)

        assert self.sent(opened) == [nonce]

    def test_key_goes_into_a_copy(self, livekit: Livekit) -> None:
        message = SendDataRequest(room="r", data=b"d", destination_identities=["a"])
        before = message.SerializeToString()
        opened = livekit()

        opened.room("send_data", message)

        assert message.SerializeToString() == before
        sent = SendDataRequest.FromString(opened.requests[0].body)
        assert sent.nonce
        sent.ClearField("nonce")
        assert sent == message

    def test_key_goes_into_the_named_field_only_where_one_is_named(self, bare: Bare) -> None:
        opened = bare(ENDPOINT)
        keyed = Method("s.S", "M", "m", ODD.Thing, ODD.Empty, RetryClass.KEYED, key="a_bytes")

        opened.call(keyed, {"a_string": "x"})
        opened.call(HATS, {"a_string": "x"})

        first, second = (ODD.Thing.FromString(request.body) for request in opened.requests)
        assert len(first.a_bytes) == 16
        assert first.a_string == "x"
        assert second == ODD.Thing(a_string="x")

    def test_key_of_the_generated_method_is_the_nonce(self) -> None:
        assert SEND_DATA.key == "nonce"
        assert CREATE_ROOM.key is None


class TestAuthorization:
    @pytest.mark.parametrize(
        ("credentials", "value"),
        [
            ({"auth": "Token abc"}, "Token abc"),
            ({"token": "abc"}, "Bearer abc"),
            ({"auth": lambda method, message: f"X {method.name} {message.name}"}, "X CreateRoom standup"),
        ],
    )
    def test_authorization_is_what_was_given(self, livekit: Livekit, credentials: Any, value: str) -> None:
        opened = livekit(**credentials)

        opened.room("create_room", name="standup")

        assert opened.requests[0].headers["Authorization"] == value

    def test_authorization_function_is_asked_once_per_call_with_the_message_that_is_sent(
        self, livekit: Livekit
    ) -> None:
        asked: list[tuple[Any, bytes]] = []

        def auth(method: Any, message: Any) -> str:
            asked.append((method, message.SerializeToString()))
            return f"Bearer {len(asked)}"

        opened = livekit(auth=auth)
        for _ in range(2):
            opened.room("send_data", room="r")

        assert asked == [(SEND_DATA, request.body) for request in opened.requests]
        assert [request.headers["Authorization"] for request in opened.requests] == ["Bearer 1", "Bearer 2"]

    @pytest.mark.parametrize(
        ("returned", "kind_of_error", "problem"),
        [
            (None, TypeError, "must be a str, not NoneType"),
            (b"canary", TypeError, "must be a str, not bytes"),
            (7, TypeError, "must be a str, not int"),
            ("", ValueError, "is empty"),
            ("Bearer canary\n", ValueError, "has white space around it"),
            (" Bearer canary", ValueError, "has white space around it"),
            ("Bearer\r\ncanary", ValueError, "holds a CR, LF or NUL character"),
            ("Bearer can\0ary", ValueError, "holds a CR, LF or NUL character"),
            ("Bearer canary €", ValueError, "outside latin-1"),
        ],
    )
    def test_authorization_rubbish_of_a_function_is_refused_unseen(
        self, livekit: Livekit, returned: Any, kind_of_error: type[Exception], problem: str
    ) -> None:
        opened = livekit(auth=lambda method, message: returned)

        with pytest.raises(kind_of_error, match=r"^the Authorization value that auth returned ") as caught:
            opened.room()

        assert problem in str(caught.value)
        assert [text for text in every_text(caught.value) if "canary" in text] == []
        assert opened.requests == []

    @pytest.mark.parametrize("raised", [LookupError("no key today"), KeyboardInterrupt("now")])
    def test_authorization_an_exception_of_the_function_passes_through(
        self, livekit: Livekit, raised: BaseException
    ) -> None:
        def auth(method: Any, message: Any) -> str:
            raise raised

        opened = livekit(auth=auth)

        with pytest.raises(type(raised)) as caught:
            opened.room()

        assert caught.value is raised
        assert opened.requests == []


class TestTimeout:
    @pytest.mark.parametrize("timeout", [0, 0.0, -0.0, -1, -0.001, -1e300, -(10**400)])
    def test_timeout_that_has_passed_sends_nothing(self, livekit: Livekit, timeout: float) -> None:
        opened = livekit()

        error = failure_of(opened.room, timeout=timeout)

        assert type(error) is DeadlineExceededError
        assert error.code is Code.DEADLINE_EXCEEDED
        assert (error.status, error.sent, error.attempts) == (None, "no", 0)
        assert uuid.UUID(error.request_id).version == 4
        assert opened.requests == []

    def test_timeout_that_has_passed_says_so(self, livekit: Livekit) -> None:
        error = failure_of(livekit().room, timeout=-1.5, extra_headers={REQUEST_ID: "mine"})

        assert error.message == "the timeout of -1.5 s had passed before anything was sent"
        assert (error.request_id, error.rpc, error.url) == ("mine", "livekit.RoomService/ListRooms", None)
        assert error.retryable

    def test_timeout_that_has_passed_comes_after_the_checks_of_the_request(self, livekit: Livekit) -> None:
        with pytest.raises(TypeError, match="no field"):
            livekit().room(timeout=0, nonsense=1)

    @pytest.mark.parametrize(
        ("timeout", "seconds"),
        [(1, 1), (0.25, 0.25), (1e-9, 1e-9), (3600, 3600), (1e8, 1e8), (1e300, 1e8), (10**400, 1e8)],
    )
    def test_timeout_becomes_the_deadline(self, livekit: Livekit, timeout: float, seconds: float) -> None:
        opened = livekit()

        before = time.monotonic()
        opened.room(timeout=timeout)
        after = time.monotonic()

        (request,) = opened.requests
        assert request.deadline is not None
        assert before + seconds <= request.deadline <= after + seconds

    def test_timeout_of_none_is_no_deadline(self, livekit: Livekit) -> None:
        opened = livekit()

        opened.room(timeout=None)

        assert opened.requests[0].deadline is None

    @pytest.mark.parametrize(("of_client", "of_call", "seconds"), [(3, UNSET, 3), (3, 5, 5), (None, 5, 5)])
    def test_timeout_of_the_call_wins(self, livekit: Livekit, of_client: Any, of_call: Any, seconds: float) -> None:
        opened = livekit(timeout=of_client)

        before = time.monotonic()
        opened.room(timeout=of_call)
        after = time.monotonic()

        deadline = opened.requests[0].deadline
        assert deadline is not None
        assert before + seconds <= deadline <= after + seconds

    @pytest.mark.parametrize(("of_client", "of_call"), [(None, UNSET), (3, None)])
    def test_timeout_of_none_wins_too(self, livekit: Livekit, of_client: Any, of_call: Any) -> None:
        opened = livekit(timeout=of_client)

        opened.room(timeout=of_call)

        assert opened.requests[0].deadline is None

    def test_timeout_is_ten_seconds_unless_given(self, livekit: Livekit) -> None:
        opened = livekit()

        before = time.monotonic()
        opened.room("list_rooms")
        after = time.monotonic()

        deadline = opened.requests[0].deadline
        assert deadline is not None
        assert before + 10 <= deadline <= after + 10
        assert ENDPOINT.timeout is UNSET

    WRONG: ClassVar = [
        (True, TypeError, "timeout must be a number of seconds or None, not bool"),
        ("5", TypeError, "timeout must be a number of seconds or None, not str"),
        ((1, 2), TypeError, "timeout must be a number of seconds or None, not tuple"),
        (float("nan"), ValueError, "timeout must be a finite number of seconds, not nan; None means no limit"),
        (float("inf"), ValueError, "timeout must be a finite number of seconds, not inf; None means no limit"),
        (float("-inf"), ValueError, "timeout must be a finite number of seconds, not -inf; None means no limit"),
    ]

    @pytest.mark.parametrize(("timeout", "error", "text"), WRONG)
    def test_timeout_that_is_no_number_is_refused_in_a_call(
        self, livekit: Livekit, timeout: Any, error: type[Exception], text: str
    ) -> None:
        opened = livekit()

        with pytest.raises(error) as caught:
            opened.room(timeout=timeout)

        assert str(caught.value) == text
        assert opened.requests == []

    PASSED: ClassVar = [
        (seconds, ValueError, "timeout must be above 0 seconds, not ") for seconds in (0, -1, -0.5, -(10**400))
    ]

    @pytest.mark.parametrize(("timeout", "error", "text"), [*WRONG, *PASSED])
    def test_timeout_that_is_none_at_all_is_refused_in_the_constructor(
        self, livekit: Livekit, timeout: Any, error: type[Exception], text: str
    ) -> None:
        with pytest.raises(error) as caught:
            livekit(timeout=timeout)

        assert str(caught.value).startswith(text)

    def test_timeout_of_zero_is_refused_in_the_constructor_in_these_words(self, livekit: Livekit) -> None:
        with pytest.raises(ValueError, match=r"^timeout must be above 0 seconds, not 0; None means no limit$"):
            livekit(timeout=0)

    def test_timeout_checked_is_what_was_given(self) -> None:
        assert [check_timeout(each) for each in (None, 1, 0.5, 0, -3)] == [None, 1, 0.5, 0, -3]


class TestOutcome:
    def test_outcome_a_200_is_the_message(self, livekit: Livekit) -> None:
        answer = ListRoomsResponse(rooms=[{"name": "standup"}])
        opened = livekit(HttpResponse(200, {}, answer.SerializeToString()))

        assert opened.room() == answer

    @pytest.mark.parametrize(
        ("phase", "sent"), [(Phase.NOT_SENT, "no"), (Phase.NO_ANSWER, "maybe"), (Phase.CUT, "maybe")]
    )
    @pytest.mark.parametrize("timed_out", [True, False])
    def test_outcome_a_failure_is_told_by_its_phase(
        self, livekit: Livekit, phase: Phase, sent: str, timed_out: bool
    ) -> None:
        error = failure_of(livekit(TransportFailure("why", phase=phase, timed_out=timed_out)).room, timeout=2.5)

        assert (error.sent, error.attempts, error.status) == (sent, 1, None)
        if timed_out:
            assert type(error) is DeadlineExceededError
            assert error.code is Code.DEADLINE_EXCEEDED
            assert error.message == "no response within 2.5 s: why"
        else:
            assert type(error) is TransportError
            assert isinstance(error, UnavailableError)
            assert error.code is Code.UNAVAILABLE
            assert error.message == "why"

    def test_outcome_a_transport_may_have_a_limit_of_its_own(self, livekit: Livekit) -> None:
        failure = TransportFailure("its limit passed", phase=Phase.CUT, timed_out=True)

        error = failure_of(livekit(failure).room, timeout=None)

        assert error.message == "no response in time: its limit passed"

    def test_outcome_the_os_error_of_a_failure_is_the_cause(self, livekit: Livekit) -> None:
        cause = ConnectionRefusedError(111, "refused")
        failure = TransportFailure("could not connect", phase=Phase.NOT_SENT, cause=cause)

        error = failure_of(livekit(failure).room)

        assert error.__cause__ is cause
        assert error.__context__ is None

    def test_outcome_a_failure_that_repeats_the_token_does_not_show_it(self, livekit: Livekit) -> None:
        for timed_out in (True, False):
            failure = TransportFailure("proxy said canary-of-a-token", phase=Phase.NO_ANSWER, timed_out=timed_out)

            error = failure_of(livekit(failure, token="canary-of-a-token").room)

            assert "proxy said <token>" in str(error)
            assert [text for text in every_text(error) if "canary" in text] == []

    @pytest.mark.parametrize("status", [200, 302, 403, 500])
    def test_outcome_an_answer_that_repeats_the_token_does_not_show_it(self, livekit: Livekit, status: int) -> None:
        words = "for canary-of-a-token only"
        page = HttpResponse(status, {"content-type": "text/html", "location": words}, words.encode())

        error = failure_of(livekit(page, token="canary-of-a-token").room)

        assert "'for <token> only'" in error.message
        assert [text for text in every_text(error) if "canary" in text] == []

    def test_outcome_no_error_has_a_context(self, livekit: Livekit) -> None:
        outcomes = [
            HttpResponse(500, {}, b'{"code":"internal"'),
            HttpResponse(500, {}, b'{"code":"no_such_code"}'),
            HttpResponse(200, {}, b"\xff"),
            HttpResponse(200, {"content-type": "text/html"}, b""),
            HttpResponse(200, {}, b"", "cut"),
            TransportFailure("why", phase=Phase.CUT),
        ]
        opened = livekit(*outcomes)

        for _ in outcomes:
            error = failure_of(opened.room)
            assert (error.__context__, error.__cause__) == (None, None)

    @pytest.mark.parametrize(
        "raised", [StopIteration("mine"), ValueError("bad URL"), KeyboardInterrupt(), SystemExit(3)]
    )
    def test_outcome_other_exceptions_of_a_transport_pass_through(
        self, livekit: Livekit, kind: str, raised: BaseException
    ) -> None:
        opened = livekit(raised)
        expected = RuntimeError if kind == "async" and isinstance(raised, StopIteration) else type(raised)

        with pytest.raises(expected) as caught:  # a coroutine that raises StopIteration raises RuntimeError in Python
            opened.room()

        assert caught.value is raised or caught.value.__cause__ is raised

    def test_outcome_a_client_goes_on_after_an_exception(self, livekit: Livekit) -> None:
        opened = livekit(ValueError("odd"), TransportFailure("why", phase=Phase.CUT), OK)

        with pytest.raises(ValueError, match="odd"):
            opened.room()
        failure_of(opened.room)

        assert opened.room() == ListRoomsResponse()

    def test_outcome_an_error_inside_an_except_block_of_the_caller_has_that_context_only(
        self, livekit: Livekit
    ) -> None:
        opened = livekit(TransportFailure("why", phase=Phase.CUT))
        try:
            raise LookupError("the caller's")
        except LookupError as own:
            error = failure_of(opened.room)
            assert error.__context__ in (own, None)


class TestGenerator:
    """`start_call` itself, as a driver sees it."""

    def start(self, endpoint: ClientConfig = ENDPOINT, timeout: Any = UNSET) -> Any:
        return start_call(endpoint, HATS, ODD.Thing(a_string="x"), {}, CallOptions(timeout))

    def test_generator_yields_one_step_and_returns_the_answer(self) -> None:
        steps = self.start()

        step = next(steps)
        with pytest.raises(StopIteration) as done:
            steps.send(OK)

        assert isinstance(step, Send)
        assert step.request.url == "https://h/acme.v1.HatService/MakeHat"
        assert done.value.value == ODD.Empty()

    def test_generator_raises_the_error(self) -> None:
        steps = self.start()
        next(steps)

        with pytest.raises(TwirpError):
            steps.send(HttpResponse(500, {}, b""))

    def test_generator_can_be_closed_at_its_step(self) -> None:
        steps = self.start()
        next(steps)

        steps.close()

        assert list(steps) == []

    def test_generator_is_closed_by_the_client_when_the_transport_raises(self, bare: Bare) -> None:
        opened = bare(ENDPOINT, ValueError("odd"))

        with pytest.raises(ValueError, match="odd") as caught:
            opened.call(HATS)

        traceback = caught.value.__traceback__
        frames = []
        while traceback is not None:
            frames.append(traceback.tb_frame)
            traceback = traceback.tb_next
        generators = [frame.f_locals["steps"] for frame in frames if "steps" in frame.f_locals]
        assert [steps.gi_frame for steps in generators] == [None] * len(generators)
        assert generators

    def test_generator_does_not_take_a_none_timeout_for_the_default(self) -> None:
        assert next(self.start(timeout=None)).request.deadline is None
        assert next(self.start(timeout=UNSET)).request.deadline is not None


class TestFacts:
    def test_facts_retry_classes_are_the_words_of_the_manifest(self) -> None:
        assert [each.value for each in RetryClass] == ["read", "idempotent", "keyed", "never"]

    def test_facts_a_method_has_no_policy_and_no_key_unless_it_says_so(self) -> None:
        assert (HATS.grants, HATS.key) == (None, None)

    def test_facts_the_default_is_one_of_a_kind(self) -> None:
        assert list(Unset) == [UNSET]
        assert UNSET.value == "not given"

    @pytest.mark.parametrize(
        "fact",
        [HATS, ENDPOINT, RetryPolicy()],
        ids=repr,
    )
    def test_facts_are_frozen(self, fact: Any) -> None:
        (name, *_) = (each.name for each in dataclasses.fields(fact))

        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(fact, name, "changed")
        assert not hasattr(fact, "__dict__")


class TestWhatShows:
    def test_repr_an_endpoint_shows_no_credentials_and_no_headers(self) -> None:
        endpoint = ClientConfig(
            "https://h", "tests/1", authorize=Secret("canary"), headers={"X": "canary"}, timeout=None
        )

        assert repr(endpoint).startswith("ClientConfig(base_url='https://h', user_agent='tests/1', timeout=None, ")
        assert "canary" not in repr(endpoint)

    def test_repr_default_shows_its_name(self) -> None:
        assert repr(UNSET) == "UNSET"

    def test_repr_secrets_do_not_show(self, livekit: Livekit) -> None:
        opened = livekit(
            api_key="canary-key",
            api_secret="canary-secret-that-is-long-enough",
            extra_headers={"X-Secret": "canary-header"},
        )
        opened.room()
        (request,) = opened.requests
        token = request.headers["Authorization"].removeprefix("Bearer ")
        endpoint = opened.client._config

        shown = [opened.client, vars(opened.client), opened.client.room, vars(opened.client.room), endpoint]
        shown += [endpoint.authorize, vars(endpoint.authorize), request, Send(request)]
        shown += [CallOptions(extra_headers={"X": "canary-header"}), Secret("canary"), [Secret("canary")]]

        texts = [text for each in shown for text in (repr(each), str(each), f"{each}")]
        assert [text for text in texts if "canary" in text or token in text] == []

    @pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
    def test_repr_headers_hide_the_authorization(self, name: str) -> None:
        headers = Headers({name: "Bearer canary", "X-A": "b"})

        assert repr(headers) == str(headers) == f"{{'{name}': '***', 'X-A': 'b'}}"
        assert headers[name] == "Bearer canary"

    def test_repr_a_request_of_the_flow_hides_its_headers_too(self, bare: Bare) -> None:
        opened = bare(ClientConfig("https://h", "tests/1", authorize=Secret("Bearer canary")))

        opened.call(HATS)

        assert "canary" not in repr(opened.requests[0].headers)
        assert opened.requests[0].headers["Authorization"] == "Bearer canary"

    def test_repr_method_paths(self) -> None:
        assert LIST_ROOMS.path == "livekit.RoomService/ListRooms"
