"""Regions: where a call goes next, over both clients and a scripted transport (rules D1, D2, D3, D4)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from clock import Clock
from scripted_transport import OK, Opened, failure_of

from livekit_twirp import LiveKitAPI
from twirpkit import HttpRequest, HttpResponse, Phase, RetryPolicy, TransportError, TransportFailure, UnavailableError
from twirpkit._engine.steps import Send, Sleep
from twirpkit.livekit.regions import RegionFailover, Regions

Livekit = Callable[..., Opened]

BASE = "https://hats.livekit.cloud"
A, B, C = (f"https://hats.{name}.production.livekit.cloud" for name in "abc")
AT_ONCE = RetryPolicy(backoff=0)
DOWN = HttpResponse(503, {}, b"down")
PINNED = HttpResponse(451, {}, b"project is pinned")


def discovered(*urls: Any, age: str | None = None, status: int = 200) -> HttpResponse:
    regions = [{"region": str(number), "url": url, "distance": str(number)} for number, url in enumerate(urls)]
    headers = {} if age is None else {"cache-control": age}
    return HttpResponse(status, headers, json.dumps({"regions": regions}).encode())


class Cloud:
    """Plays hosts by a table: what each answers, and what discovery does."""

    def __init__(self, discovery: Any, **hosts: Any) -> None:
        self.discovery = discovery
        self.hosts = hosts
        self.asked: list[str] = []
        self.requests: list[HttpRequest] = []

    def send(self, request: HttpRequest, /) -> Any:
        self.requests.append(request)
        host = urlsplit(request.url).hostname or ""
        name = host.split(".")[1] if host.endswith(".production.livekit.cloud") else "base"
        if request.method == "GET":
            assert request.url == f"{BASE}/settings/regions"
            self.asked.append("?")
            outcome = self.discovery
        else:
            self.asked.append(name)
            outcome = self.hosts.get(name, OK)
        if isinstance(outcome, list):
            outcome = outcome.pop(0) if len(outcome) > 1 else outcome[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def close(self) -> None: ...


class AsyncCloud(Cloud):
    async def send(self, request: HttpRequest, /) -> Any:
        return super().send(request)

    async def aclose(self) -> None: ...


@pytest.fixture
def on(kind: str, livekit: Livekit) -> Callable[..., Opened]:
    """Opens a client over a cloud."""

    def opened(discovery: Any, *, url: str = BASE, options: Any = None, **hosts: Any) -> Opened:
        cloud = (Cloud if kind == "sync" else AsyncCloud)(discovery, **hosts)
        made = livekit(url=url, transport=cloud, retry=AT_ONCE, **(options or {}))
        made.script = cloud
        return made

    return opened


def unreached() -> TransportFailure:
    return TransportFailure("refused", phase=Phase.NOT_SENT)


class TestWhereTo:
    @pytest.mark.parametrize(
        "end", [DOWN, unreached(), TransportFailure("cut", phase=Phase.CUT)], ids=["503", "P0", "P3"]
    )
    def test_call_goes_to_the_next_region_after_each_failure(self, on: Any, end: Any) -> None:
        opened = on(discovered(A, B, C, age="max-age=60"), base=end, a=end)

        opened.room()

        assert opened.script.asked == ["base", "?", "a", "b"]

    def test_call_goes_to_the_last_error_after_the_last_attempt(self, on: Any) -> None:
        opened = on(discovered(A, B, C, age="max-age=60"), base=unreached(), a=DOWN, b=DOWN)

        error = failure_of(opened.room)

        assert isinstance(error, UnavailableError)
        assert (error.attempts, error.sent) == (3, "maybe")

    def test_call_goes_to_the_base_is_not_tried_twice_where_it_is_listed(self, on: Any) -> None:
        opened = on(discovered(f"{BASE}:443/", A), base=DOWN)

        opened.room()

        assert opened.script.asked == ["base", "?", "a"]

    def test_call_goes_to_the_same_host_where_no_other_is_known(self, on: Any) -> None:
        opened = on(discovered(), base=[DOWN, OK])

        opened.room()

        assert opened.script.asked == ["base", "?", "base"]

    def test_call_goes_to_the_prefix_and_the_path_go_along(self, on: Any) -> None:
        opened = on(discovered(A), url=f"{BASE}/some/base", base=DOWN)

        opened.room()

        assert opened.requests[-1].url == f"{A}/some/base/twirp/livekit.RoomService/ListRooms"

    @pytest.mark.parametrize(
        "end", [HttpResponse(401, {}, b""), HttpResponse(404, {}, b""), HttpResponse(429, {}, b"")]
    )
    def test_call_goes_to_nowhere_after_what_is_an_answer(self, on: Any, end: HttpResponse) -> None:
        opened = on(discovered(A), base=end)

        failure_of(opened.room)

        assert opened.script.asked == ["base"]

    def test_call_goes_to_nowhere_for_a_call_that_may_have_run(self, on: Any) -> None:
        opened = on(discovered(A), base=DOWN)

        failure_of(opened.room, "perform_rpc", room="r", destination_identity="i", method="m")

        assert opened.script.asked == ["base"]

    def test_call_goes_to_elsewhere_for_a_call_that_has_not(self, on: Any) -> None:
        opened = on(discovered(A), base=unreached())

        opened.room("perform_rpc", room="r", destination_identity="i", method="m")

        assert opened.script.asked == ["base", "?", "a"]

    @pytest.mark.parametrize(
        ("url", "options"),
        [
            ("https://hats.example.com", {}),
            ("https://hats.livekit.cloud.example.com", {}),
            ("https://evillivekit.cloud", {}),
            ("https://livekit.cloud", {}),
            (BASE, {"regions": None}),
        ],
    )
    def test_call_goes_to_other_hosts_have_no_regions(self, on: Any, url: str, options: Any) -> None:
        opened = on(discovered(A), url=url, options=options, base=DOWN)

        failure_of(opened.room)

        assert {request.method for request in opened.requests} == {"POST"}
        assert len(opened.requests) == 3

    def test_call_goes_to_the_case_of_a_host_does_not_matter(self, on: Any) -> None:
        opened = on(discovered(A), url="https://HATS.LiveKit.Cloud", base=DOWN)

        opened.room()

        assert opened.script.asked == ["base", "?", "a"]


class TestQuestion:
    def test_discovery_carries_the_token_and_extra_headers(self, on: Any) -> None:
        opened = on(discovered(A), base=DOWN, options={"token": "mine", "extra_headers": {"X-Own": "1"}})

        opened.room()

        first, question, _ = opened.requests
        assert (question.method, question.body, question.max_body) == ("GET", b"", 64 * 1024)
        assert question.headers["Authorization"] == first.headers["Authorization"] == "Bearer mine"
        assert question.headers["X-Own"] == "1"
        assert question.headers["Accept"] == "application/json"
        assert not {"Content-Type", "X-Twirp-Timeout-Ms"} & set(question.headers)
        assert "mine" not in repr(question)

    @pytest.mark.parametrize(("timeout", "least", "most"), [(30, 1.5, 2.0), (1.5, 0.5, 1.5), (None, 1.5, 2.0)])
    def test_discovery_has_two_seconds_inside_the_deadline(
        self, on: Any, timeout: Any, least: float, most: float
    ) -> None:
        opened = on(discovered(A), base=DOWN)
        began = time.monotonic()

        opened.room(timeout=timeout)

        assert least < opened.requests[1].deadline - began <= most + 0.5
        if timeout == 1.5:
            assert opened.requests[1].deadline - began < 1.6

    @pytest.mark.parametrize(
        "answer",
        [
            HttpResponse(404, {}, b""),
            HttpResponse(500, {}, b""),
            HttpResponse(302, {"location": A}, b""),
            HttpResponse(200, {}, b"junk"),
            HttpResponse(200, {}, b"[" * 60_000),
            HttpResponse(200, {}, b"[]"),
            HttpResponse(200, {}, b'{"regions": 3}'),
            HttpResponse(200, {}, b'{"regions": {"a": 1}}'),
            HttpResponse(200, {}, b"\xff\xfe"),
            HttpResponse(200, {}, discovered(A).body, "cut"),
            discovered(A, status=206),
            TransportFailure("late", phase=Phase.NO_ANSWER, timed_out=True),
        ],
        ids=str,
    )
    def test_discovery_that_fails_leaves_the_call_where_it_is(self, on: Any, answer: Any) -> None:
        opened = on(answer, base=[DOWN, OK])

        opened.room()

        assert opened.script.asked == ["base", "?", "base"]

    def test_discovery_only_sixteen_regions_count(self, on: Any) -> None:
        opened = on(discovered(*["https://x.example.com"] * 16, A), base=[DOWN, OK])

        opened.room()

        assert opened.script.asked == ["base", "?", "base"]


class TestTrust:
    """Rule D3: where the token may go."""

    @pytest.mark.parametrize(
        "url",
        [
            "http://hats.a.production.livekit.cloud",
            "https://hats.example.com",
            "https://hats.livekit.cloud.example.com",
            "https://evillivekit.cloud",
            "https://livekit.cloud",
            "https://user@hats.a.production.livekit.cloud",
            "https://user:pw@hats.a.production.livekit.cloud",
            "https://hats.a.production.livekit.cloud:8443",
            "https://hats.a.production.livekit.cloud.",
            "wss://hats.a.production.livekit.cloud",
            "//hats.a.production.livekit.cloud",
            "hats.a.production.livekit.cloud",
            "https://127.0.0.1",
            "https://hats.example.com#.livekit.cloud",
            "https://hats.example.com\\.livekit.cloud",
            "https://hats.example.com/.livekit.cloud",
            "https://hats.a.production.livekit.cloud:port",
            "",
            None,
            3,
            ["https://hats.a.production.livekit.cloud"],
        ],
    )
    def test_trust_what_is_not_the_projects_is_skipped_and_nothing_else(self, on: Any, url: Any) -> None:
        opened = on(discovered(url, B), base=DOWN)

        opened.room()

        assert opened.script.asked == ["base", "?", "b"]

    @pytest.mark.parametrize("entry", [None, 3, "https://hats.a.production.livekit.cloud", [], {}, {"url": {}}])
    def test_trust_an_entry_that_is_none_does_not_void_the_list(self, on: Any, entry: Any) -> None:
        body = json.dumps({"regions": [entry, {"url": B}]}).encode()
        opened = on(HttpResponse(200, {}, body), base=DOWN)

        opened.room()

        assert opened.script.asked == ["base", "?", "b"]

    @pytest.mark.parametrize(
        ("base", "url", "goes"),
        [
            ("https://p.livekit.cloud:8443", "https://q.livekit.cloud:8443", True),
            ("https://p.livekit.cloud:8443", "https://q.livekit.cloud:443", True),
            ("https://p.livekit.cloud:8443", "https://q.livekit.cloud", True),
            ("https://p.livekit.cloud:8443", "https://q.livekit.cloud:9443", False),
            ("http://127.0.0.1:7880", "http://127.0.0.1:7881", True),
            ("http://127.0.0.1:7880", "https://127.0.0.1:7881", True),
            ("https://127.0.0.1:7880", "http://127.0.0.1:7881", False),
            ("http://127.0.0.1:7880", "http://127.0.0.2:7881", False),
            ("http://127.0.0.1:7880", "http://localhost:7881", False),
            ("http://p.staging.example.com", "http://q.staging.example.com", False),
            ("http://p.staging.example.com", "https://q.staging.example.com", True),
            ("https://p.staging.example.com", "https://q.livekit.cloud", False),
        ],
    )
    def test_trust_port_scheme_and_loopback(self, base: str, url: str, goes: bool) -> None:
        failover = Regions(suffixes=("127.0.0.1", ".staging.example.com", ".livekit.cloud")).failover(base)
        assert failover is not None

        assert next_base(failover, f"{base}/twirp", discovered(url)) == (
            f"{url.removesuffix(':443')}/twirp" if goes else None
        )


def next_base(failover: RegionFailover, base: str, answer: HttpResponse, *, moved: bool = False) -> str | None:
    steps = failover.next_base_url(HttpRequest(base, {}, b""), None, base, [base], rediscover=moved)
    try:
        step = next(steps)
        while True:
            step = steps.send(answer if isinstance(step, Send) else None)
    except StopIteration as done:
        found: str | None = done.value
        return found


class TestMemory:
    @pytest.mark.parametrize(
        ("age", "kept"),
        [
            ("max-age=60", True),
            ('private, max-age="60"', True),
            ("MAX-AGE = 60", True),
            ("max-age=0", False),
            (None, False),
            ("s-maxage=60", False),
            ("max-age=60, no-store", False),
            ("no-cache, max-age=60", False),
            ("max-age=x", False),
        ],
    )
    def test_memory_of_regions_is_what_the_server_allows(self, on: Any, age: str | None, kept: bool) -> None:
        opened = on(discovered(A, age=age), base=DOWN)

        opened.room()
        opened.room()

        assert opened.script.asked.count("?") == (1 if kept else 2)

    @pytest.mark.parametrize(
        ("age", "passed", "kept"),
        [
            ("max-age=999999999", 3599, True),
            ("max-age=999999999", 3601, False),
            ("max-age=3600", 3599, True),
            ("max-age=60", 59, True),
            ("max-age=60", 61, False),
        ],
    )
    def test_memory_of_regions_lasts_an_hour_at_most(
        self, on: Any, clock: Clock, age: str, passed: float, kept: bool
    ) -> None:
        opened = on(discovered(A, age=age), base=DOWN)
        opened.room()
        clock.forward(passed)
        opened.room()

        assert opened.script.asked.count("?") == (1 if kept else 2)

    @pytest.mark.parametrize(("passed", "asked_again"), [(9, False), (11, True)])
    def test_memory_of_regions_is_doubted_when_every_region_in_it_has_failed(
        self, on: Any, clock: Clock, passed: float, asked_again: bool
    ) -> None:
        """But not at once: an outage must not make every call ask."""
        lists = [discovered(A, age="max-age=60"), discovered(B, age="max-age=60")]
        opened = on(lists, base=unreached(), a=unreached())
        failure_of(opened.room)
        assert opened.script.asked == ["base", "?", "a", "a"]
        opened.script.asked.clear()
        clock.forward(passed)

        if asked_again:
            opened.room()
            assert opened.script.asked == ["base", "a", "?", "b"]
        else:
            failure_of(opened.room)
            assert opened.script.asked == ["base", "a", "a"]

    def test_memory_of_regions_ends(self, on: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        opened = on([discovered(A, age="max-age=60"), discovered(B, age="max-age=60")], base=DOWN)
        opened.room()
        opened.client._config.failover._good_until = time.monotonic() - 1
        opened.room()

        assert opened.script.asked == ["base", "?", "a", "base", "?", "b"]

    def test_memory_of_regions_serves_where_asking_fails(self, on: Any) -> None:
        opened = on([discovered(A, age="max-age=60"), HttpResponse(500, {}, b"")], base=DOWN)
        opened.room()
        opened.client._config.failover._good_until = time.monotonic() - 1
        opened.room()

        assert opened.script.asked == ["base", "?", "a", "base", "?", "a"]

    def test_memory_of_regions_one_question_for_all_that_ask_at_once(self) -> None:
        failover = Regions().failover(BASE)
        assert failover is not None
        request = HttpRequest(BASE, {}, b"")
        first, second, third = (failover.next_base_url(request, None, BASE, [BASE], rediscover=False) for _ in range(3))

        assert isinstance(next(first), Send)
        assert isinstance(next(second), Sleep)
        assert isinstance(next(third), Sleep)
        for steps in (first, second, third):
            with pytest.raises(StopIteration) as done:
                steps.send(discovered(A, age="max-age=0") if steps is first else None)
            assert done.value.value == A

    def test_memory_of_regions_a_question_that_was_given_up_is_asked_by_one_that_waits(self) -> None:
        failover = Regions().failover(BASE)
        assert failover is not None
        request = HttpRequest(BASE, {}, b"")
        first, second, third = (failover.next_base_url(request, None, BASE, [BASE], rediscover=False) for _ in range(3))
        next(first), next(second), next(third)
        first.close()

        assert isinstance(second.send(None), Send)
        assert isinstance(third.send(None), Sleep)

    def test_memory_of_regions_a_question_that_its_own_calls_time_cut_short_is_asked_by_one_that_waits(self) -> None:
        failover = Regions().failover(BASE)
        assert failover is not None
        request = HttpRequest(BASE, {}, b"")
        soon = time.monotonic() + 0.05
        first = failover.next_base_url(request, soon, BASE, [BASE], rediscover=False)
        second = failover.next_base_url(request, None, BASE, [BASE], rediscover=False)
        next(first), next(second)
        time.sleep(max(0.0, soon - time.monotonic()))
        with pytest.raises(StopIteration):
            first.send(TransportFailure("late", phase=Phase.NO_ANSWER, timed_out=True))

        assert isinstance(second.send(None), Send)

    def test_memory_of_regions_a_question_that_failed_is_not_asked_by_those_that_wait(self) -> None:
        failover = Regions().failover(BASE)
        assert failover is not None
        request = HttpRequest(BASE, {}, b"")
        deadline = time.monotonic() + 60
        first, second = (failover.next_base_url(request, deadline, BASE, [BASE], rediscover=False) for _ in range(2))
        next(first), next(second)
        for steps, outcome in ((first, HttpResponse(500, {}, b"")), (second, None)):
            with pytest.raises(StopIteration):
                steps.send(outcome)

    def test_memory_of_regions_who_waits_does_not_wait_beyond_its_deadline(self) -> None:
        failover = Regions().failover(BASE)
        assert failover is not None
        request = HttpRequest(BASE, {}, b"")
        first = failover.next_base_url(request, None, BASE, [BASE], rediscover=False)
        late = failover.next_base_url(request, time.monotonic() - 1, BASE, [BASE], rediscover=False)
        next(first)

        with pytest.raises(StopIteration):
            next(late)

    def test_memory_of_regions_a_question_of_another_process_is_not_waited_for(self) -> None:
        failover = Regions().failover(BASE)
        assert failover is not None
        request = HttpRequest(BASE, {}, b"")
        first, second = (failover.next_base_url(request, None, BASE, [BASE], rediscover=False) for _ in range(2))
        next(first)
        assert failover._flight is not None
        failover._flight.process += 1

        assert isinstance(next(second), Send)

    def test_memory_of_regions_threads_share_it(self) -> None:
        barrier = threading.Barrier(8)

        class Slow(Cloud):
            def send(self, request: HttpRequest, /) -> Any:
                if request.method == "POST" and request.url.startswith(f"{BASE}/"):
                    barrier.wait(10)
                return super().send(request)

        cloud = Slow(discovered(A, age="max-age=60"), base=DOWN)
        client = LiveKitAPI(BASE, token="x", transport=cloud, retry=AT_ONCE)
        threads = [threading.Thread(target=client.room.list_rooms, daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

        assert cloud.asked.count("?") == 1
        assert cloud.asked.count("a") == 8


class TestPin:
    """Rule D4."""

    @pytest.mark.parametrize("rpc", ["list_rooms", "perform_rpc"])
    @pytest.mark.parametrize("retry", [AT_ONCE, False, RetryPolicy(max_attempts=1)])
    def test_pin_goes_to_a_region_that_may_be_used_whatever_the_class(self, on: Any, rpc: str, retry: Any) -> None:
        opened = on(discovered(A), base=PINNED)

        opened.room(rpc, retry=retry)

        assert opened.script.asked == ["base", "?", "a"]

    def test_pin_goes_there_at_once_with_the_time_that_is_left(self, on: Any) -> None:
        waits: list[float | None] = []
        opened = on(discovered(A), base=PINNED, options={"hooks": [lambda event: waits.append(event.wait)]})

        opened.room(timeout=0.9)

        assert opened.script.asked == ["base", "?", "a"]
        assert [wait for wait in waits if wait is not None] == [0]

    def test_pin_asks_afresh_once_a_call(self, on: Any) -> None:
        opened = on(
            [discovered(A, age="max-age=60"), discovered(B, C, age="max-age=60")], base=[DOWN, PINNED], b=PINNED
        )
        opened.room()
        opened.room()

        assert opened.script.asked == ["base", "?", "a", "base", "?", "b", "c"]

    def test_pin_counts_as_an_attempt(self, on: Any) -> None:
        opened = on(discovered(A, B, C, age="max-age=60"), base=PINNED, a=PINNED, b=PINNED)

        error = failure_of(opened.room)

        assert opened.script.asked == ["base", "?", "a", "b"]
        assert (error.status, error.attempts, error.sent) == (451, 3, "yes")

    def test_pin_is_followed_once_without_retries(self, on: Any) -> None:
        opened = on(discovered(A, B, age="max-age=60"), base=PINNED, a=PINNED)

        failure_of(opened.room, retry=RetryPolicy(max_attempts=1))

        assert opened.script.asked == ["base", "?", "a"]

    @pytest.mark.parametrize("end", [PINNED, DOWN])
    def test_pin_goes_nowhere_once_the_time_is_over(self, on: Any, end: HttpResponse) -> None:
        opened = on(discovered(A), base=end)
        play = opened.script.send

        def late(request: HttpRequest, /) -> Any:
            if request.method == "GET":
                assert request.deadline is not None
                time.sleep(max(0.0, request.deadline - time.monotonic()))
            return play(request)

        opened.script.send = late
        error = failure_of(opened.room, timeout=0.2)

        assert opened.script.asked == ["base", "?"]
        assert (error.status, error.attempts) == (end.status, 1)

    @pytest.mark.parametrize("answer", [discovered(), discovered(BASE), HttpResponse(500, {}, b"")])
    def test_pin_says_so_where_no_other_host_is_known(self, on: Any, answer: HttpResponse) -> None:
        opened = on(answer, base=PINNED)

        error = failure_of(opened.room)

        assert opened.script.asked == ["base", "?"]
        assert error.status == 451
        assert error.message.endswith(
            "(the project is pinned to other regions, and discovery names none that it may use)"
        )

    def test_pin_is_nothing_special_elsewhere(self, on: Any) -> None:
        opened = on(discovered(A), url="https://hats.example.com", base=PINNED)

        error = failure_of(opened.room)

        assert opened.script.asked == ["base"]
        assert "pinned to other" not in str(error)


class TestSettings:
    @pytest.mark.parametrize(
        ("wrong", "kind"),
        [
            ("x.example.com", TypeError),
            ((3,), TypeError),
            ((".",), ValueError),
            (("",), ValueError),
            (("a.",), ValueError),
        ],
    )
    def test_settings_suffixes_are_checked(self, wrong: Any, kind: type[Exception]) -> None:
        with pytest.raises(kind, match="suffixes"):
            Regions(suffixes=wrong)

    @pytest.mark.parametrize(
        ("suffix", "host", "fits"),
        [
            (".example.com", "a.example.com", True),
            (".Example.com", "a.b.example.com", True),
            (".example.com", "example.com", False),
            ("a.example.com", "a.example.com", True),
            ("a.example.com", "b.a.example.com", False),
        ],
    )
    def test_settings_a_dot_at_the_start_means_every_host_under_it(self, suffix: str, host: str, fits: bool) -> None:
        assert (Regions(suffixes=(suffix,)).failover(f"https://{host}") is not None) is fits


def test_errors_of_a_region_are_the_calls(on: Any) -> None:
    opened = on(discovered(A), base=unreached(), a=TransportFailure("cut", phase=Phase.CUT))

    error = failure_of(opened.room, "perform_rpc", room="r", destination_identity="i", method="m")

    assert isinstance(error, TransportError)
    assert (error.attempts, error.sent) == (2, "maybe")
