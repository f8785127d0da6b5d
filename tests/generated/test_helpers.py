"""Helpers that make several calls: search, wait, change a part, do once; by both clients over a scripted transport."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from livekit_twirp import (
    AgentDispatch,
    AsyncLiveKitAPI,
    CreateAgentDispatchRequest,
    DeadlineExceededError,
    DeleteAgentDispatchRequest,
    EgressInfo,
    FailedPreconditionError,
    HttpRequest,
    HttpResponse,
    InvalidArgumentError,
    ListAgentDispatchResponse,
    ListEgressRequest,
    ListEgressResponse,
    ListSIPInboundTrunkResponse,
    ListSIPOutboundTrunkResponse,
    LiveKitAPI,
    NotFoundError,
    ParticipantInfo,
    Phase,
    TransportError,
    TransportFailure,
    TwirpError,
    UnavailableError,
    UpdateParticipantRequest,
    call_info,
)

GONE = ("not_found", 404, "no such participant")
NOBODY = ("unavailable", 503, "no response from servers")
BROKEN = ("unavailable", 503, "the database is down")
LOST = TransportFailure("the connection was reset", Phase.NO_ANSWER)

Reply = Any
"""A message, an error as code, status and text, a failure, or a function of the request that returns one of them."""


class World:
    """The time of a test, which passes by pauses and calls, and a transport for either client."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        self.replies: dict[str, list[Reply]] = {}
        self.requests: list[tuple[str, HttpRequest]] = []
        self.takes = 0.0
        """Seconds that each call takes."""
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

        async def sleep(seconds: float) -> None:
            self.sleep(seconds)

        monkeypatch.setattr(asyncio, "sleep", sleep)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def on(self, rpc: str, *replies: Reply) -> None:
        """Give the replies to an RPC, the last one for ever."""
        self.replies[rpc] = list(replies)

    def reply(self, request: HttpRequest) -> HttpResponse | TransportFailure:
        rpc = request.url.rpartition("/")[2]
        self.requests.append((rpc, request))
        self.now += self.takes
        replies = self.replies[rpc]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        reply = reply(request) if callable(reply) else reply
        if isinstance(reply, TransportFailure):
            return reply
        if isinstance(reply, tuple):
            code, status, text = reply
            return HttpResponse(
                status, {"content-type": "application/json"}, f'{{"code":"{code}","msg":"{text}"}}'.encode()
            )
        return HttpResponse(200, {"content-type": "application/protobuf"}, reply.SerializeToString())

    def sent(self, rpc: str) -> list[HttpRequest]:
        return [request for name, request in self.requests if name == rpc]

    @property
    def rpcs(self) -> list[str]:
        return [name for name, _ in self.requests]


class Sync(World):
    def send(self, request: HttpRequest, /) -> Any:
        return self.reply(request)

    def close(self) -> None: ...

    def run(self, service: str, helper: str, options: Any = None, /, **arguments: Any) -> Any:
        with LiveKitAPI("localhost:1", token="t", retry=False, transport=self, **options or {}) as lk:
            return getattr(getattr(lk, service), helper)(**arguments)


class Async(World):
    async def send(self, request: HttpRequest, /) -> Any:
        return self.reply(request)

    async def aclose(self, *, timeout: float | None = None) -> None: ...

    def run(self, service: str, helper: str, options: Any = None, /, **arguments: Any) -> Any:
        async def call() -> Any:
            async with AsyncLiveKitAPI("localhost:1", token="t", retry=False, transport=self, **options or {}) as lk:
                return await getattr(getattr(lk, service), helper)(**arguments)

        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(call())
        finally:
            loop.close()


@pytest.fixture(params=[Sync, Async], ids=["sync", "async"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A scripted server with a clock, and one client."""
    return request.param(monkeypatch)


def participant(state: str = "ACTIVE", **fields: Any) -> ParticipantInfo:
    return ParticipantInfo.FromString(ParticipantInfo(identity="ann", state=state, **fields).SerializeToString())


class TestWaitUntilActive:
    def wait(self, world: Any, **more: Any) -> Any:
        return world.run("room", "wait_until_active", room="standup", identity="ann", **more)

    def test_returns_at_once(self, world: Any) -> None:
        world.on("GetParticipant", participant())
        assert self.wait(world) == participant()
        assert (world.rpcs, world.pauses) == (["GetParticipant"], [])

    def test_waits_through_every_state_before(self, world: Any) -> None:
        states = [GONE, NOBODY, participant("JOINING"), participant("JOINED"), participant()]
        world.on("GetParticipant", *states)
        assert self.wait(world).identity == "ann"
        assert world.pauses == [0.25, 0.375, 0.5625, 0.84375]

    def test_looks_more_seldom_but_every_two_seconds(self, world: Any) -> None:
        world.on("GetParticipant", *[GONE] * 12, participant())
        self.wait(world, timeout=None)
        assert world.pauses[-3:] == [2.0, 2.0, 2.0]

    @pytest.mark.parametrize(
        ("state", "text"), [(GONE, "it is not in the room"), (participant("JOINED"), "it is JOINED")]
    )
    def test_ends_when_its_time_is_up(self, world: Any, state: Any, text: str) -> None:
        world.on("GetParticipant", state)
        with pytest.raises(DeadlineExceededError, match=f"'ann' of the room 'standup' did not .*: {text}") as caught:
            self.wait(world, timeout=5)
        assert world.now == 1005.0
        error = caught.value
        assert (error.sent, error.retryable, error.rpc) == ("yes", True, "livekit.RoomService/GetParticipant")

    @pytest.mark.parametrize(
        ("options", "arguments", "seconds"),
        [({}, {}, 30), ({"timeout": 4}, {}, 4), ({"timeout": 4}, {"timeout": 6}, 6), ({"timeout": None}, {}, None)],
    )
    def test_its_time_is_its_own_or_the_clients_or_the_default(
        self, world: Any, options: Any, arguments: Any, seconds: float | None
    ) -> None:
        active = 60 if seconds is None else 10_000
        world.on("GetParticipant", lambda request: participant() if world.now > 1000 + active else GONE)
        if seconds is None:
            assert world.run("room", "wait_until_active", options, room="standup", identity="ann").identity == "ann"
            return
        with pytest.raises(DeadlineExceededError):
            world.run("room", "wait_until_active", options, room="standup", identity="ann", **arguments)
        assert world.now == 1000 + seconds

    def test_a_call_may_take_what_is_left_but_not_more_than_on_its_own(self, world: Any) -> None:
        world.takes = 3.0
        world.on("GetParticipant", GONE)
        with pytest.raises(DeadlineExceededError):
            self.wait(world, timeout=20)
        deadlines = [request.deadline for request in world.sent("GetParticipant")]
        assert deadlines[:2] == [1010.0, 1013.25]
        assert max(deadlines) == 1020.0

    def test_a_timeout_of_zero_sends_nothing(self, world: Any) -> None:
        with pytest.raises(DeadlineExceededError, match="before anything was sent"):
            self.wait(world, timeout=0)
        assert world.rpcs == []

    @pytest.mark.parametrize("timeout", ["5", float("nan")])
    def test_a_malformed_timeout_is_refused(self, world: Any, timeout: Any) -> None:
        with pytest.raises((TypeError, ValueError), match="timeout must be"):
            self.wait(world, timeout=timeout)

    def test_another_error_ends_it(self, world: Any) -> None:
        world.on("GetParticipant", GONE, BROKEN)
        with pytest.raises(UnavailableError, match="database"):
            self.wait(world)
        assert len(world.rpcs) == 2

    def test_calls_are_known_to_the_block_around_it(self, world: Any) -> None:
        world.on("GetParticipant", participant("JOINING"), participant())
        with call_info() as calls:
            self.wait(world)
        assert len(calls) == 2


class TestWaitUntilEnded:
    def wait(self, world: Any, **more: Any) -> Any:
        return world.run("egress", "wait_until_ended", egress_id="EG_1", **more)

    def egress(self, status: Any) -> ListEgressResponse:
        return ListEgressResponse(items=[EgressInfo(egress_id="EG_1", status=status)])

    @pytest.mark.parametrize("end", ["EGRESS_COMPLETE", "EGRESS_FAILED", "EGRESS_ABORTED", "EGRESS_LIMIT_REACHED"])
    def test_returns_it_however_it_ended(self, world: Any, end: str) -> None:
        running = [self.egress(status) for status in ("EGRESS_STARTING", "EGRESS_ACTIVE", "EGRESS_ENDING")]
        world.on("ListEgress", *running, self.egress(end))
        assert self.wait(world) == EgressInfo(egress_id="EG_1", status=end)
        assert world.pauses == [0.25, 0.375, 0.5625]
        requests = [ListEgressRequest.FromString(request.body) for request in world.sent("ListEgress")]
        assert requests == [ListEgressRequest(egress_id="EG_1")] * 4

    @pytest.mark.parametrize(("status", "name"), [("EGRESS_ENDING", "EGRESS_ENDING"), (77, "77")])
    def test_ends_when_its_time_is_up(self, world: Any, status: Any, name: str) -> None:
        """A state that the schema does not know counts as running."""
        world.on("ListEgress", self.egress(status))
        with pytest.raises(DeadlineExceededError, match=f"'EG_1' did not end in time: it is {name}$"):
            self.wait(world)
        assert world.now == 1300.0

    def test_an_unknown_egress(self, world: Any) -> None:
        world.on("ListEgress", ListEgressResponse())
        with pytest.raises(NotFoundError, match="no egress 'EG_1'") as caught:
            self.wait(world)
        assert caught.value.sent == "yes"
        world.on("ListEgress", GONE)
        with pytest.raises(NotFoundError):
            self.wait(world)
        with pytest.raises(ValueError, match="egress_id is empty"):
            world.run("egress", "wait_until_ended", egress_id="")


class TestChangePermissions:
    BEFORE: ClassVar[Any] = {
        "can_subscribe": True,
        "can_publish": True,
        "can_publish_sources": ["CAMERA"],
        "hidden": True,
    }

    def change(self, world: Any, **permissions: Any) -> Any:
        world.on("GetParticipant", participant(permission=self.BEFORE))
        world.on("UpdateParticipant", participant(name="updated"))
        return world.run("room", "change_permissions", room="standup", identity="ann", **permissions)

    @pytest.mark.parametrize(
        ("changes", "after"),
        [
            ({"can_publish": False}, {"can_publish": False}),
            ({"can_publish_data": True, "hidden": False}, {"can_publish_data": True, "hidden": False}),
            ({"can_publish_sources": ["MICROPHONE"]}, {"can_publish_sources": ["MICROPHONE"]}),
            ({"can_publish_sources": []}, {"can_publish_sources": []}),
            ({"can_publish": False, "hidden": None}, {"can_publish": False}),
        ],
    )
    def test_changes_what_is_given_and_keeps_the_rest(self, world: Any, changes: Any, after: Any) -> None:
        assert self.change(world, **changes).name == "updated"
        (request,) = world.sent("UpdateParticipant")
        assert UpdateParticipantRequest.FromString(request.body) == UpdateParticipantRequest(
            room="standup", identity="ann", permission={**self.BEFORE, **after}
        )

    @pytest.mark.parametrize(
        ("changes", "kind", "text"),
        [
            ({}, ValueError, "give a permission to change: can_subscribe, "),
            ({"can_publish": None}, ValueError, "give a permission to change"),
            ({"can_publsh": False}, TypeError, "did you mean 'can_publish'"),
            ({"can_publish": "no"}, TypeError, "can_publish: expected bool"),
        ],
    )
    def test_refuses_before_anything_is_sent(self, world: Any, changes: Any, kind: type[Exception], text: str) -> None:
        with pytest.raises(kind, match=text):
            self.change(world, **changes)
        assert world.rpcs == []

    def test_does_not_guess_what_to_keep(self, world: Any) -> None:
        world.on("GetParticipant", participant())
        with pytest.raises(FailedPreconditionError, match="does not tell the permissions of 'ann'"):
            world.run("room", "change_permissions", room="standup", identity="ann", hidden=True)
        assert world.rpcs == ["GetParticipant"]

    def test_its_time_is_that_of_both_calls(self, world: Any) -> None:
        world.takes = 4.0
        self.change(world, hidden=False, timeout=5)
        assert [request.deadline for _, request in world.requests] == [1005.0, 1005.0]


def dispatch(name: str = "scribe", *, id: str = "AD_1", created: int = 1, deleted: int = 0) -> AgentDispatch:
    return AgentDispatch(id=id, agent_name=name, room="standup", state={"created_at": created, "deleted_at": deleted})


def listed(*dispatches: AgentDispatch) -> ListAgentDispatchResponse:
    return ListAgentDispatchResponse(agent_dispatches=dispatches)


class TestDispatchOnce:
    def run(self, world: Any, **more: Any) -> Any:
        return world.run("agent_dispatch", "dispatch_once", room="standup", agent_name="scribe", **more)

    def test_returns_the_dispatch_that_is_there(self, world: Any) -> None:
        world.on("ListDispatch", listed(dispatch(""), dispatch("other"), dispatch(id="AD_9")))
        assert self.run(world).id == "AD_9"
        assert world.rpcs == ["ListDispatch"]

    @pytest.mark.parametrize("before", [listed(), NOBODY, GONE, listed(dispatch(deleted=5))])
    def test_makes_one_where_there_is_none(self, world: Any, before: Any) -> None:
        world.on("ListDispatch", before, listed(dispatch(id="AD_2")))
        world.on("CreateDispatch", dispatch(id="AD_2"))
        fields = {"metadata": "m", "attributes": {"a": "b"}, "restart_policy": "JRP_NEVER", "deployment": "blue"}
        assert self.run(world, **fields).id == "AD_2"
        assert world.rpcs == ["ListDispatch", "CreateDispatch", "ListDispatch"]
        sent = CreateAgentDispatchRequest.FromString(world.sent("CreateDispatch")[0].body)
        assert sent == CreateAgentDispatchRequest(room="standup", agent_name="scribe", **fields)

    @pytest.mark.parametrize("after", [listed(), NOBODY])
    def test_a_list_that_does_not_show_it_yet(self, world: Any, after: Any) -> None:
        world.on("ListDispatch", listed(), after)
        world.on("CreateDispatch", dispatch(id="AD_2"))
        assert self.run(world).id == "AD_2"

    @pytest.mark.parametrize("deleted", [dispatch(id="AD_2"), GONE])
    def test_two_at_the_same_moment_keep_the_older_one(self, world: Any, deleted: Any) -> None:
        both = listed(dispatch(id="AD_2", created=8), dispatch(id="AD_1", created=7))
        world.on("ListDispatch", listed(), both)
        world.on("CreateDispatch", dispatch(id="AD_2", created=8))
        world.on("DeleteDispatch", deleted)
        assert self.run(world).id == "AD_1"
        (request,) = world.sent("DeleteDispatch")
        assert DeleteAgentDispatchRequest.FromString(request.body) == DeleteAgentDispatchRequest(
            dispatch_id="AD_2", room="standup"
        )

    def test_the_older_one_of_two_is_kept_by_its_maker(self, world: Any) -> None:
        both = listed(dispatch(id="AD_2", created=7), dispatch(id="AD_1", created=7))
        world.on("ListDispatch", listed(), both)
        world.on("CreateDispatch", dispatch(id="AD_1", created=7))
        assert self.run(world).id == "AD_1"
        assert "DeleteDispatch" not in world.rpcs

    def test_a_call_that_may_have_been_executed_is_looked_for(self, world: Any) -> None:
        world.on("ListDispatch", listed(), listed(dispatch(id="AD_2")))
        world.on("CreateDispatch", LOST)
        assert self.run(world).id == "AD_2"

    @pytest.mark.parametrize(
        ("failure", "kind", "rpcs"),
        [
            (LOST, TransportError, ["ListDispatch", "CreateDispatch", "ListDispatch"]),
            (("invalid_argument", 400, "too long"), InvalidArgumentError, ["ListDispatch", "CreateDispatch"]),
            (TransportFailure("refused", Phase.NOT_SENT), TransportError, ["ListDispatch", "CreateDispatch"]),
        ],
    )
    def test_a_failure_is_raised_where_there_is_none(
        self, world: Any, failure: Any, kind: type[TwirpError], rpcs: list[str]
    ) -> None:
        world.on("ListDispatch", listed())
        world.on("CreateDispatch", failure)
        with pytest.raises(kind):
            self.run(world)
        assert world.rpcs == rpcs

    def test_another_error_of_the_list_is_raised(self, world: Any) -> None:
        world.on("ListDispatch", BROKEN)
        with pytest.raises(UnavailableError, match="database"):
            self.run(world)

    @pytest.mark.parametrize("empty", ["room", "agent_name"])
    def test_refuses_an_empty_name(self, world: Any, empty: str) -> None:
        arguments = {"room": "standup", "agent_name": "scribe", empty: ""}
        with pytest.raises(ValueError, match=f"{empty} is empty"):
            world.run("agent_dispatch", "dispatch_once", **arguments)


class TestFindTrunk:
    @pytest.fixture(params=["inbound", "outbound"])
    def find(self, request: pytest.FixtureRequest, world: Any) -> Callable[..., Any]:
        """Find a trunk among pages of them, and return its id."""
        response = {"inbound": ListSIPInboundTrunkResponse, "outbound": ListSIPOutboundTrunkResponse}[request.param]
        rpc = f"ListSIP{request.param.title()}Trunk"

        def run(number: Any, *pages: dict[str, list[str]]) -> str | None:
            bodies = [
                response(items=[{"sip_trunk_id": key, "numbers": value} for key, value in page.items()])
                for page in pages
            ]
            world.on(rpc, *bodies, response())
            found = world.run("sip", f"find_sip_{request.param}_trunk", number=number)
            return None if found is None else found.sip_trunk_id

        return run

    @pytest.mark.parametrize(
        ("number", "found"),
        [
            ("+15550100", "ST_b"),
            ("15550100", "ST_b"),
            (" +1 (555) 01-00 ", "ST_b"),
            ("+15550101", "ST_b"),
            ("+15550102", "ST_c"),
            ("5550100", None),
            ("sales", "ST_d"),
            ("+15550199", None),
        ],
    )
    def test_compares_numbers(self, find: Any, number: str, found: str | None) -> None:
        trunks = {"ST_a": ["+15550109"], "ST_b": ["+15550100", "+15550101"], "ST_c": ["1-555-0102"], "ST_d": ["sales"]}
        assert find(number, trunks) == found

    def test_looks_at_every_page(self, find: Any, world: Any) -> None:
        assert find("+1", {"ST_a": ["+2"]}, {"ST_b": ["+3"]}, {"ST_c": ["+1"]}) == "ST_c"
        assert len(world.rpcs) == 3

    @pytest.mark.parametrize("any_number", [[], ["*"]])
    def test_a_trunk_for_any_number_comes_last(self, find: Any, any_number: list[str]) -> None:
        assert find("+1", {"ST_any": any_number, "ST_other": any_number}, {"ST_one": ["+1"]}) == "ST_one"
        assert find("+1", {"ST_two": ["+2"], "ST_any": any_number}, {"ST_other": any_number}) == "ST_any"

    @pytest.mark.parametrize(("number", "kind"), [("", ValueError), (" ", ValueError), (15550100, TypeError)])
    def test_refuses_what_is_not_a_number(self, find: Any, number: Any, kind: type[Exception]) -> None:
        with pytest.raises(kind, match="number"):
            find(number)
