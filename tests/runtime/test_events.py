"""Events of a call, over both clients and a scripted transport: order, facts, and hooks that fail (rule C8)."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from attempt_outcomes import AT_ONCE, METHODS, answered, endpoint, failed
from scripted_transport import OK, AsyncScript, Opened, failure_of, open_livekit

from livekit_twirp import ListRoomsResponse, SIPParticipantInfo
from twirpkit import DeadlineExceededError, Event, HttpResponse, Phase, TransportError, TwirpError, UnavailableError
from twirpkit.client import AsyncClient
from twirpkit.options import CallOptions

Livekit = Callable[..., Opened]
Bare = Callable[..., Opened]

KINDS = ("start", "request", "response", "retry", "end")


def once(events: list[Event]) -> None:
    """Hold the events of one call: they begin with its only start, and end with its only end."""
    kinds = [event.kind for event in events]
    assert (kinds[0], kinds[-1]) == ("start", "end")
    assert Counter(kinds)["start"] == Counter(kinds)["end"] == 1


class TestOrder:
    def test_of_a_call_that_succeeds_at_the_third_attempt(self, livekit: Livekit) -> None:
        events: list[Event] = []
        opened = livekit(failed(Phase.NOT_SENT), answered(503, "unavailable"), OK, hooks=[events.append], retry=AT_ONCE)

        opened.room()

        assert [(each.kind, each.attempt, each.status, each.wait, each.sent) for each in events] == [
            ("start", 0, None, None, None),
            ("request", 1, None, None, None),
            ("response", 1, None, None, None),
            ("retry", 1, None, 0, None),
            ("request", 2, None, None, None),
            ("response", 2, 503, None, None),
            ("retry", 2, 503, 0, None),
            ("request", 3, None, None, None),
            ("response", 3, 200, None, None),
            ("end", 3, 200, None, "yes"),
        ]
        assert [type(each.error) for each in events if each.kind in ("response", "retry", "end")] == [
            TransportError,
            TransportError,
            UnavailableError,
            UnavailableError,
            type(None),
            type(None),
        ]
        assert [each.reason for each in events if each.kind == "retry"] == [
            "the request was not sent",
            "the service is unavailable",
        ]

    def test_of_a_call_that_fails(self, livekit: Livekit) -> None:
        events: list[Event] = []
        opened = livekit(answered(404, "not_found"), hooks=[events.append])

        error = failure_of(opened.room)

        assert [(each.kind, each.status) for each in events] == [
            ("start", None),
            ("request", None),
            ("response", 404),
            ("end", 404),
        ]
        assert [each.error for each in events] == [None, None, error, error]
        assert events[-1].sent == error.sent == "yes"

    def test_of_a_call_whose_time_had_passed(self, livekit: Livekit) -> None:
        events: list[Event] = []
        opened = livekit(OK, hooks=[events.append])

        error = failure_of(opened.room, timeout=-1)

        assert isinstance(error, DeadlineExceededError)
        assert [(each.kind, each.attempt, each.error, each.sent) for each in events] == [
            ("start", 0, None, None),
            ("end", 0, error, "no"),
        ]

    def test_of_several_hooks_is_that_of_the_list(self, livekit: Livekit) -> None:
        seen: list[str] = []
        opened = livekit(OK, hooks=[lambda event: seen.append("a"), lambda event: seen.append("b")])

        opened.room()

        assert seen == ["a", "b"] * 4


class TestFacts:
    def test_of_every_event(self, livekit: Livekit) -> None:
        events: list[Event] = []
        opened = livekit(answered(503), hooks=[events.append], retry=AT_ONCE)

        before = time.monotonic()
        error = failure_of(opened.room)
        took = time.monotonic() - before

        assert {each.rpc for each in events} == {"livekit.RoomService/ListRooms"}
        assert {each.method.name for each in events} == {"ListRooms"}
        assert {each.host for each in events} == {"livekit.example.com"}
        assert {each.url for each in events} == {"https://livekit.example.com/twirp/livekit.RoomService/ListRooms"}
        assert {each.request_id for each in events} == {error.request_id}
        elapsed = [each.elapsed for each in events]
        assert elapsed == sorted(elapsed)
        assert 0 <= elapsed[0] <= elapsed[-1] <= took

    def test_a_dictionary_for_each_call_is_kept_from_event_to_event(self, livekit: Livekit) -> None:
        seen: list[list[str]] = []

        def hook(event: Event) -> None:
            event.context.setdefault("kinds", []).append(event.kind)
            if event.kind == "end":
                seen.append(event.context["kinds"])

        opened = livekit(OK, hooks=[hook])
        opened.room()
        opened.room()

        assert seen == [["start", "request", "response", "end"]] * 2

    def test_an_event_does_not_show_headers_or_what_hooks_keep(self, livekit: Livekit) -> None:
        shown: list[str] = []

        def hook(event: Event) -> None:
            event.context["x"] = event.headers["X-Key"] = "canary"
            shown.append(repr(event))

        livekit(OK, hooks=[hook]).room()

        assert [text for text in shown if "canary" in text] == []


class TestHooksThatFail:
    @pytest.mark.parametrize("kind", KINDS)
    def test_change_nothing_about_a_call(self, livekit: Livekit, caplog: pytest.LogCaptureFixture, kind: str) -> None:
        seen: list[str] = []

        def refuse(event: Event) -> None:
            if event.kind == kind:
                raise KeyError("of the hook")

        opened = livekit(
            failed(Phase.NOT_SENT), OK, hooks=[refuse, lambda event: seen.append(event.kind)], retry=AT_ONCE
        )

        assert opened.room() == ListRoomsResponse()
        assert set(seen) == set(KINDS)
        failures = [record for record in caplog.records if record.exc_info]
        assert {record.getMessage() for record in failures} == {
            f"a hook failed at the event {kind!r} of livekit.RoomService/ListRooms"
        }
        assert all("KeyError: 'of the hook'" in (logging.Formatter().format(record)) for record in failures)

    def test_do_not_lose_the_response_of_a_call_that_dialled(self, livekit: Livekit) -> None:
        def refuse(event: Event) -> None:
            raise KeyError(event.kind)

        response = SIPParticipantInfo(sip_call_id="SCL_1")
        opened = livekit(HttpResponse(200, {}, response.SerializeToString()), hooks=[refuse])

        dialled = opened.wait(
            opened.client.sip.create_sip_participant(sip_trunk_id="t", sip_call_to="+1", room_name="r")
        )

        assert dialled == response
        assert len(opened.requests) == 1

    def test_do_not_hide_the_error_of_a_call(self, livekit: Livekit) -> None:
        def refuse(event: Event) -> None:
            raise KeyError(event.kind)

        error = failure_of(livekit(answered(404, "not_found"), hooks=[refuse]).room)

        assert (error.code, error.__context__) == ("not_found", None)


async def awaited(event: Event) -> None:
    """A coroutine function, which nothing would await."""


class Awaited:
    async def __call__(self, event: Event) -> None:
        """A coroutine function, too."""


def generated(event: Event) -> Any:
    """A generator function, which nothing would run."""
    yield event


class Generated:
    async def __call__(self, event: Event) -> Any:
        """An asynchronous generator function, likewise."""
        yield event


class Plain:
    def __call__(self, event: Event) -> None:
        """A function in disguise, which is fine."""


class TestWrongHooks:
    WRONG = (
        (print, "put the one into brackets"),
        ([3], "hooks: int is not a function"),
        ([awaited], "hooks: awaited is a coroutine function, and nothing would await it: give a plain function"),
        ([Awaited()], "hooks: Awaited is a coroutine function"),
        ([generated], "hooks: generated is a generator function, and nothing would run it: give a plain function"),
        ([Generated()], "hooks: Generated is a generator function"),
        ([lambda: None], "must take one argument, the event"),
        ([lambda event, call: None], "must take one argument, the event"),
        ([lambda *, event: None], "must take one argument, the event"),
    )

    @pytest.mark.parametrize(("wrong", "text"), WRONG)
    def test_are_refused_when_a_client_is_made(self, livekit: Livekit, wrong: Any, text: str) -> None:
        with pytest.raises(TypeError, match=text):
            livekit(hooks=wrong)
        opened = livekit()
        with pytest.raises(TypeError, match=text):
            opened.with_options(hooks=wrong)

    def test_a_coroutine_that_is_returned_is_logged(self, livekit: Livekit, caplog: pytest.LogCaptureFixture) -> None:
        opened = livekit(OK, hooks=[lambda event: awaited(event)])

        assert opened.room() == ListRoomsResponse()
        gc.collect()  # of a coroutine that nobody awaited, Python would warn here
        failures = [logging.Formatter().format(record) for record in caplog.records if record.exc_info]
        assert len(failures) == len(KINDS) - 1  # without a retry
        assert all("TypeError: it returned a coroutine, and nothing awaits it" in each for each in failures)

    @pytest.mark.parametrize("right", [Plain(), [].append, lambda event, more=None: None, lambda *events: None, repr])
    def test_any_function_of_one_argument_is_right(self, livekit: Livekit, right: Any) -> None:
        assert livekit(OK, hooks=[right]).room() == ListRoomsResponse()


class TestOneStartAndOneEnd:
    @pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(3), ValueError("odd"), TimeoutError("alarm")])
    def test_where_the_transport_or_a_signal_raises(self, livekit: Livekit, raised: BaseException) -> None:
        events: list[Event] = []
        opened = livekit(raised, hooks=[events.append])

        with pytest.raises(type(raised)) as caught:
            opened.room()

        once(events)
        assert caught.value is raised
        assert (events[-1].error, events[-1].sent, events[-1].status) == (raised, "maybe", None)

    def test_where_the_transport_raises_what_a_generator_cannot_be_given(self, livekit: Livekit) -> None:
        events: list[Event] = []
        opened = livekit(StopIteration("mine"), hooks=[events.append])

        with pytest.raises((StopIteration, RuntimeError)):
            opened.room()

        once(events)
        assert events[-1].sent == "maybe"

    @pytest.mark.parametrize("error", [LookupError("no token today"), KeyboardInterrupt()])
    def test_where_the_authorization_raises(self, livekit: Livekit, error: BaseException) -> None:
        events: list[Event] = []

        def refuse(*_: Any) -> str:
            raise error

        with pytest.raises(type(error)):
            livekit(OK, hooks=[events.append], auth=refuse).room()

        once(events)
        assert events[-1].error is error

    def test_where_a_plug_in_raises(self, bare: Bare) -> None:
        events: list[Event] = []

        def refine(error: TwirpError, _said: str | None, _clean: Callable[[str], str]) -> TwirpError:
            raise LookupError("of the plug-in") from error

        opened = bare(endpoint(refine=refine), answered(404, "not_found")).with_options(hooks=[events.append])

        with pytest.raises(LookupError, match="of the plug-in"):
            opened.call(METHODS["read"])

        once(events)

    @pytest.mark.parametrize("kind", ["start", "request", "response", "retry"])
    def test_where_a_signal_interrupts_a_hook(self, livekit: Livekit, kind: str) -> None:
        events: list[Event] = []

        def interrupted(event: Event) -> None:
            events.append(event)
            if event.kind == kind:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            livekit(failed(Phase.NOT_SENT), OK, hooks=[interrupted], retry=AT_ONCE).room()

        once(events)
        assert isinstance(events[-1].error, KeyboardInterrupt)

    @pytest.mark.parametrize("attempts", [1, 2])
    def test_where_an_async_call_is_cancelled(self, attempts: int) -> None:
        """While an attempt is under way, and in the wait after it."""
        events: list[Event] = []

        class Silent(AsyncScript):
            async def send(self, request: Any, /) -> Any:
                self.requests.append(request)
                if len(self.requests) < attempts:
                    return answered(503, retry_after="0")
                reached.set()
                await asyncio.Event().wait()

        reached = asyncio.Event()

        async def cancel() -> None:
            client = AsyncClient(endpoint(hooks=(events.append,)), Silent())
            task = asyncio.ensure_future(client.call(METHODS["read"], None, {}, CallOptions()))
            await reached.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(cancel())

        once(events)
        assert isinstance(events[-1].error, asyncio.CancelledError)
        assert (events[-1].sent, events[-1].attempt) == ("maybe", attempts)


class TestClosedBetweenAttempts:
    """A call whose client is closed in the wait before its next attempt (rules F3, C9)."""

    @pytest.fixture
    def close_in_the_wait(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """Make the next wait of a call close the clients in this list."""
        closing: list[Any] = []

        def close(seconds: float) -> None:
            for client in closing:
                client.close()

        async def aclose(seconds: float) -> None:
            for client in closing:
                await client.aclose()

        monkeypatch.setattr(time, "sleep", close)
        monkeypatch.setattr(asyncio, "sleep", aclose)
        return closing

    @pytest.mark.parametrize(
        ("outcome", "kind_of_error", "sent"),
        [
            (failed(Phase.NOT_SENT), TransportError, "no"),
            (failed(Phase.CUT), TransportError, "maybe"),
            (answered(503, "unavailable"), UnavailableError, "yes"),
        ],
        ids=["not-sent", "cut", "unavailable"],
    )
    def test_ends_with_the_error_of_its_last_attempt(
        self, kind: str, close_in_the_wait: list[Any], outcome: Any, kind_of_error: type[TwirpError], sent: str
    ) -> None:
        events: list[Event] = []
        opened = open_livekit(kind, outcome, OK, hooks=[events.append], retry=AT_ONCE)
        close_in_the_wait.append(opened.client)

        error = failure_of(opened.room)
        opened.end()

        assert type(error) is kind_of_error
        assert (error.sent, error.attempts, len(opened.requests)) == (sent, 1, 1)
        once(events)
        assert (events[-1].error, events[-1].sent) == (error, sent)


class TestHeadersOfHooks:
    def test_are_sent_with_the_attempt(self, livekit: Livekit) -> None:
        def hook(event: Event) -> None:
            if event.kind == "request":
                event.headers["traceparent"] = f"of attempt {event.attempt}"

        opened = livekit(answered(503), hooks=[hook], retry=AT_ONCE)
        failure_of(opened.room)

        assert [request.headers["traceparent"] for request in opened.requests] == [
            "of attempt 1",
            "of attempt 2",
            "of attempt 3",
        ]

    def test_replace_those_of_the_call_whatever_their_case(self, livekit: Livekit) -> None:
        def hook(event: Event) -> None:
            event.headers["X-TENANT"] = "of the hook"

        opened = livekit(OK, hooks=[hook], extra_headers={"x-tenant": "of the client"})
        opened.room()

        found = {name: value for name, value in opened.requests[0].headers.items() if name.lower() == "x-tenant"}
        assert found == {"X-TENANT": "of the hook"}

    @pytest.mark.parametrize(
        "wrong",
        [{"Authorization": "x"}, {"Content-Type": "x"}, {"X-A": "a\nb"}, {"bad name": "x"}, {"X-A": 7}],
        ids=["authorization", "content-type", "line-end", "name", "number"],
    )
    def test_that_are_refused_are_not_sent_and_logged(
        self, livekit: Livekit, caplog: pytest.LogCaptureFixture, wrong: Any
    ) -> None:
        opened = livekit(OK, OK, hooks=[lambda event: event.headers.update(wrong)])
        plain = livekit(OK)

        opened.room()
        plain.room()

        assert opened.requests[0].headers.keys() == plain.requests[0].headers.keys()
        assert opened.requests[0].headers["Authorization"] == "Bearer scripted"
        assert [record.getMessage() for record in caplog.records] == [
            "the headers that a hook added to livekit.RoomService/ListRooms are not sent"
        ]

    def test_of_other_events_go_nowhere(self, livekit: Livekit) -> None:
        def hook(event: Event) -> None:
            if event.kind != "request":
                event.headers["X-Late"] = "x"

        opened = livekit(OK, hooks=[hook])
        opened.room()

        assert "X-Late" not in opened.requests[0].headers


class TestHeadersOfAFunction:
    """`extra_headers` as a function, of a client and of a call."""

    def test_are_asked_for_once_in_each_call(self, livekit: Livekit) -> None:
        count = iter(range(9))
        opened = livekit(answered(503), retry=AT_ONCE, extra_headers=lambda: {"X-Call": str(next(count))})

        failure_of(opened.room)
        failure_of(opened.room)

        assert [request.headers["X-Call"] for request in opened.requests] == ["0", "0", "0", "1", "1", "1"]

    def test_of_a_call_replace_those_of_its_client(self, livekit: Livekit) -> None:
        opened = livekit(extra_headers=lambda: {"X-A": "client", "X-B": "client"})

        opened.room(extra_headers=lambda: {"x-a": "call"})

        headers = {name: value for name, value in opened.requests[0].headers.items() if name.lower() in ("x-a", "x-b")}
        assert headers == {"x-a": "call", "X-B": "client"}

    def test_may_set_the_request_id(self, livekit: Livekit) -> None:
        opened = livekit(answered(404, "not_found"), extra_headers=lambda: {"X-Livekit-Request-Id": "mine"})

        assert failure_of(opened.room).request_id == "mine"

    def test_add_to_those_that_a_client_had(self, livekit: Livekit) -> None:
        opened = livekit(extra_headers={"X-A": "a"}).with_options(extra_headers=lambda: {"X-B": "b"})

        opened.room()

        assert (opened.requests[0].headers["X-A"], opened.requests[0].headers["X-B"]) == ("a", "b")

    @pytest.mark.parametrize(
        ("wrong", "kind_of_error"), [({"Authorization": "x"}, ValueError), ({"X-A": "a\n"}, ValueError), (7, TypeError)]
    )
    def test_that_are_refused_end_the_call_before_anything_is_sent(
        self, livekit: Livekit, wrong: Any, kind_of_error: type[Exception]
    ) -> None:
        opened = livekit(extra_headers=lambda: wrong)

        with pytest.raises(kind_of_error, match="extra_headers"):
            opened.room()
        assert opened.requests == []

    @pytest.mark.parametrize(
        ("wrong", "text"),
        [
            (awaited, "awaited is a coroutine function, and nothing would await it: give a plain function"),
            (generated, "generated is a generator function, and nothing would run it: give a plain function"),
            (lambda method: {}, "must take no argument"),
        ],
    )
    def test_wrong_functions_are_refused_when_a_client_is_made(self, livekit: Livekit, wrong: Any, text: str) -> None:
        for make in (livekit, livekit().with_options):
            with pytest.raises(TypeError, match=f"^extra_headers: .*{text}$"):
                make(extra_headers=wrong)

    def test_pass_on_what_the_function_raises(self, livekit: Livekit) -> None:
        def refuse() -> dict[str, str]:
            raise LookupError("no tenant")

        with pytest.raises(LookupError, match="no tenant"):
            livekit(extra_headers=refuse).room()
